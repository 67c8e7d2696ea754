//! A chapter names a `TODO` only in the files in which an attendee finds it.

use workshop::source;
use workshop::steps::{Lang, Steps};

use super::{chapters, root};

/// The `TODO`s of a line, each with the file `src/…` that is named before it on the same line.
fn named_todos(line: &str) -> Vec<(String, String)> {
    let spans: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
    let mut found = Vec::new();
    let mut file = None;
    for span in spans {
        if span.starts_with("src/") && span.ends_with(".rs") {
            file = Some(span);
        } else if let (Some(file), Some(step)) = (file, span.strip_prefix("TODO ")) {
            found.push((file.to_owned(), step.to_owned()));
        }
    }
    found
}

#[test]
fn every_todo_that_a_chapter_names_is_in_the_base() {
    let steps = Steps::load(root()).unwrap();
    // An attendee who has written all steps by hand has only the TODOs of the base.
    let base = source::derive(root(), &steps, 0, "backend-sakura", Lang::En).unwrap();
    for lang in ["en", "ja"] {
        for (chapter, text) in chapters(lang) {
            for (file, step) in text.lines().flat_map(named_todos) {
                let source = base.text(file.as_ref()).unwrap_or_default();
                let todo = format!("// TODO {step}: ");
                assert!(
                    source.contains(&todo),
                    "{lang}/{chapter} names `TODO {step}` in {file}, which has none"
                );
            }
        }
    }
}

#[test]
fn a_todo_belongs_to_the_file_before_it() {
    let line = "In `src/db.rs`, at `TODO db-spans`, and in `src/app.rs` at `TODO server-spans`.";
    let found = named_todos(line);
    let expected = [("src/db.rs", "db-spans"), ("src/app.rs", "server-spans")];
    assert_eq!(found, expected.map(|(file, step)| (file.to_owned(), step.to_owned())));
}

#[test]
fn no_chapter_ignores_that_up_exports_metrics_more_often() {
    for (chapter, text) in chapters("en") {
        assert!(!text.contains("come once a minute"), "{chapter}: under `up`, metrics come every 5 s");
    }
}
