//! Code in chapters is that of the source.

use workshop::guide::{self, Code};
use workshop::steps::Steps;

use super::{chapters, root};

fn sync(chapter: &str) -> Result<String, String> {
    let steps = Steps::load(root()).unwrap();
    guide::sync(chapter, &mut Code::new(root(), &steps))
}

fn fence(mark: &str) -> String {
    format!("Text.\n\n<!-- code: {mark} -->\n```rust\nfn old() {{}}\n```\n\nMore text.\n")
}

#[test]
fn the_code_in_every_chapter_is_what_the_source_gives() {
    for lang in ["en", "ja"] {
        for (file, text) in chapters(lang) {
            let synced = sync(&text).unwrap_or_else(|error| panic!("{lang}/{file}:{error}"));
            assert!(synced == text, "{lang}/{file} is stale: `cargo workshop guide --sync`");
            let rust = text.matches("\n```rust").count();
            assert_eq!(text.matches("<!-- code: ").count(), rust, "{lang}/{file} has Rust without a mark");
        }
    }
}

#[test]
fn an_item_comes_with_its_comment_and_without_its_neighbours() {
    let synced = sync(&fence("server-spans src/telemetry/propagation.rs pub(super) fn propagator")).unwrap();
    assert!(synced.starts_with("Text.\n\n<!-- code: "), "{synced}");
    assert!(synced.contains("-->\n```rust\n/// Reads and writes the headers"), "{synced}");
    assert!(
        synced.contains("\n    TextMapCompositePropagator::new(propagators)\n}\n```\n\nMore text.\n"),
        "{synced}"
    );
    assert!(!synced.contains("old") && !synced.contains("ANCHOR"), "{synced}");
    assert_eq!(sync(&synced).unwrap(), synced);
}

#[test]
fn code_is_as_it_is_after_the_step_and_not_later() {
    let mark = "src/telemetry.rs pub fn start(";
    let first = sync(&fence(&format!("first-span {mark}"))).unwrap();
    let later = sync(&fence(&format!("metrics {mark}"))).unwrap();
    assert!(first.contains("// TODO metrics") && !first.contains("metrics::provider"), "{first}");
    assert!(later.contains("metrics::provider"), "{later}");
}

#[test]
fn a_mark_that_names_nothing_is_refused_with_its_line() {
    for (mark, words) in [
        ("server-span src/app.rs", "server-span"),
        ("server-spans src/apps.rs", "there is no src/apps.rs"),
        ("server-spans src/app.rs fn nonsense", "0 lines begin so"),
        ("server-spans src/telemetry.rs //", "lines begin so, and it should be one"),
        (
            "client-spans src/telemetry/propagation.rs pub(super) fn propagator",
            "it is there before step client-spans",
        ),
        ("server-spans", "a mark is"),
    ] {
        let error = sync(&fence(mark)).unwrap_err();
        assert!(error.starts_with("3: ") && error.contains(words), "{mark}: {error}");
    }
    let error = sync("<!-- code: server-spans src/app.rs -->\nno fence\n").unwrap_err();
    assert!(error.contains("no ```rust follows"), "{error}");
    let error = sync("<!-- code: server-spans src/telemetry/propagation.rs -->\n```rust\n").unwrap_err();
    assert!(error.contains("the fence is not closed"), "{error}");
}
