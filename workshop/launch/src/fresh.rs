//! Checks whether a program is newer than its sources. Cargo does this, too, but takes some tenths of a
//! second.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Whether `executable` is newer than its sources, which Cargo lists in a file `.d` next to it, and than the
/// manifests and the lock file of the repository with the folder `workshop`. It is not fresh if one of these
/// files cannot be read.
pub(crate) fn is_fresh(executable: &Path, workshop: &Path) -> bool {
    let sources = fs::read_to_string(executable.with_extension("d")).unwrap_or_default();
    let Some((_, sources)) = sources.split_once(": ") else { return false };
    let Some(built) = modified(executable) else { return false };
    let is_older = |file: &Path| modified(file).is_some_and(|modified| modified < built);
    let manifests = [
        "Cargo.toml",
        "../console/Cargo.toml",
        "../otlp/Cargo.toml",
        "../upstream/Cargo.toml",
        "../Cargo.toml",
        "../Cargo.lock",
    ]
    .map(|file| workshop.join(file));
    manifests.iter().all(|file| is_older(file)) && files(sources).iter().all(|file| is_older(Path::new(file)))
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|file| file.modified()).ok()
}

/// The files of a rule of `make`, which are separated by spaces; a space in a name follows a backslash.
fn files(rule: &str) -> Vec<String> {
    let rule = rule.lines().next().unwrap_or_default().replace("\\ ", "\0");
    rule.split_whitespace().map(|file| file.replace('\0', " ")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use std::fs::{self, File};
    use std::time::{Duration, SystemTime};

    use super::is_fresh;

    /// A repository whose program has just been built, from sources that are one minute old.
    fn repository() -> std::path::PathBuf {
        let root = std::env::temp_dir().join(format!("fresh {:?}", std::thread::current().id()));
        let minute_ago = SystemTime::now() - Duration::from_secs(60);
        for file in [
            "Cargo.toml",
            "Cargo.lock",
            "console/Cargo.toml",
            "otlp/Cargo.toml",
            "upstream/Cargo.toml",
            "workshop/Cargo.toml",
            "workshop/src/main.rs",
            "target/workshop",
        ] {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let created = File::create(path).unwrap();
            if file != "target/workshop" {
                created.set_modified(minute_ago).unwrap();
            }
        }
        let escaped = root.display().to_string().replace(' ', "\\ ");
        fs::write(
            root.join("target/workshop.d"),
            format!("{escaped}/target/workshop: {escaped}/workshop/src/main.rs\n"),
        )
        .unwrap();
        root
    }

    #[test]
    fn a_program_is_fresh_until_a_source_or_a_manifest_is_newer_or_gone() {
        let root = repository();
        let is_fresh = || is_fresh(&root.join("target/workshop"), &root.join("workshop"));
        assert!(is_fresh());
        let old = SystemTime::now() - Duration::from_secs(60);
        for file in [
            "workshop/src/main.rs",
            "Cargo.lock",
            "console/Cargo.toml",
            "otlp/Cargo.toml",
            "upstream/Cargo.toml",
            "workshop/Cargo.toml",
            "Cargo.toml",
        ] {
            let touched = File::options().write(true).open(root.join(file)).unwrap();
            touched.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
            assert!(!is_fresh(), "{file} is newer");
            touched.set_modified(old).unwrap();
            assert!(is_fresh(), "{file} is older again");
        }
        fs::remove_file(root.join("workshop/src/main.rs")).unwrap();
        assert!(!is_fresh(), "a source is gone");
        fs::remove_dir_all(&root).unwrap();
    }
}
