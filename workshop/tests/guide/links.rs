//! Links and file names in the guide exist.

use std::path::Path;

use workshop::source;
use workshop::steps::{Lang, Steps};

use super::{between, chapters, code_spans, root};

#[test]
fn every_link_to_a_file_finds_one() {
    for lang in ["en", "ja"] {
        let folder = root().join("workshop/guide").join(lang);
        for (file, text) in chapters(lang) {
            for link in between(&text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
                let path = link.split('#').next().unwrap();
                assert!(path.is_empty() || folder.join(path).exists(), "{lang}/{file} links to {link}");
            }
        }
    }
}

/// Names such as `src/logs.rs` and `monitor.toml` must exist in a backend after the last step, or in the
/// repository.
#[test]
fn every_file_that_is_named_exists() {
    let steps = Steps::load(root()).unwrap();
    let last = steps.all().len() - 1;
    let backend = source::derive(root(), &steps, last, "backend-NAME", Lang::En).unwrap();
    for lang in ["en", "ja"] {
        for (file, text) in chapters(lang) {
            for name in code_spans(&text) {
                let is_file = name.ends_with(".rs") || name.ends_with(".toml") || name.ends_with(".md");
                if !is_file || name.contains([' ', '\n', '<', '*']) {
                    continue;
                }
                let is_known = backend.files.contains_key(Path::new(name))
                    || root().join(name).exists()
                    || backend.files.keys().any(|known| known.ends_with(name));
                assert!(is_known, "{lang}/{file} names `{name}`");
            }
        }
    }
}
