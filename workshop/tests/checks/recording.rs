//! The answer, built and run once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use workshop::evidence::Evidence;
use workshop::run::{self, Program};
use workshop::source::Tree;
use workshop::steps::{Lang, Steps};
use workshop::{deployment, source};

/// The evidence of the answer.
pub fn right() -> &'static Evidence {
    static RIGHT: OnceLock<Evidence> = OnceLock::new();
    RIGHT.get_or_init(|| {
        let folder = state("datadog-sdk", "backend-answer", |_| {});
        let mut right = gather_with_datadog(&folder);
        right.backend.deployment = Some(deployment("datadog-sdk", "answer"));
        right
    })
}

/// The files of a deployment after a step.
pub fn deployment(step: &str, name: &str) -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = Steps::load(root).unwrap();
    deployment::at(root, &steps, name, steps.find(step).unwrap().number).unwrap()
}

/// Writes the state after a step below `.workshop/`, so that all states share the target folder, and changes
/// its files.
pub fn state(step: &str, name: &str, change: impl FnOnce(&Path)) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = Steps::load(root).unwrap();
    let mut tree = source::derive(root, &steps, steps.find(step).unwrap().number, name, Lang::En).unwrap();
    for (file, path) in [(".cargo/config.toml", "../target"), ("Cargo.toml", "../instrumentation")] {
        let content = tree.files.get_mut(Path::new(file)).unwrap();
        let text = String::from_utf8(content.clone()).unwrap();
        *content = text.replace(&format!("\"{path}\""), &format!("\"../{path}\"")).into_bytes();
    }
    let folder = root.join(".workshop").join(name);
    let _ = fs::remove_dir_all(&folder);
    tree.write_to(&folder).unwrap();
    change(&folder);
    folder
}

/// Builds and runs the package in `folder`.
pub fn gather(folder: &Path) -> Evidence {
    block_on(gathered(folder))
}

/// The same, and another run with the feature `datadog`.
pub fn gather_with_datadog(folder: &Path) -> Evidence {
    block_on(async {
        let mut evidence = gathered(folder).await;
        evidence.datadog = Some(run::gather_datadog(&evidence.backend, folder).await.map_err(Into::into));
        evidence
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

async fn gathered(folder: &Path) -> Evidence {
    let built = run::build(folder).await.unwrap_or_else(|error| panic!("{}", error.seen()));
    let backend = run::backend(&built, folder);
    run::gather(&backend, &Program::Executable(built.executable))
        .await
        .unwrap_or_else(|error| panic!("{}", error.seen()))
}
