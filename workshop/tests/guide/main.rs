//! The guide: each chapter belongs to a step, and says the same in both languages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use workshop::steps::Steps;

/// The chapters of a language, by file name.
fn chapters(lang: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide").join(lang);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect()
}

/// The text between `open` and `close`, each time.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(found, _)| found).collect()
}

#[test]
fn every_chapter_is_that_of_a_step() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let steps = Steps::load(root).unwrap();
    for (file, text) in chapters("en") {
        let step = steps.all().iter().find(|step| step.chapter == file);
        let step = step.unwrap_or_else(|| panic!("{file} is the chapter of no step in steps.toml"));
        let title = format!("# {} · {}\n", step.number, step.title.en);
        assert!(text.starts_with(&title), "{file} should begin with {title:?}");
    }
}

#[test]
fn both_languages_have_the_same_chapters_headings_links_and_tables() {
    let (english, japanese) = (chapters("en"), chapters("ja"));
    assert_eq!(english.keys().collect::<Vec<_>>(), japanese.keys().collect::<Vec<_>>());
    assert!(!english.is_empty());
    for (file, text) in &english {
        let other = &japanese[file];
        let levels = |text: &str| -> Vec<usize> {
            let headings = text.lines().filter(|line| line.starts_with('#'));
            headings.map(|line| line.chars().take_while(|letter| *letter == '#').count()).collect()
        };
        assert_eq!(levels(text), levels(other), "headings of {file}");
        assert_eq!(between(text, "](", ")"), between(other, "](", ")"), "links of {file}");
        let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(text), rows(other), "rows of tables in {file}");
        let parts = |text: &str| text.matches("<details>").count();
        assert_eq!(parts(text), parts(other), "hints and answers of {file}");
        let commands = |text: &str| -> Vec<String> {
            let spans = between(text, "`", "`");
            let mut found: Vec<String> =
                spans.into_iter().filter(|code| code.starts_with("cargo ")).map(str::to_owned).collect();
            found.sort();
            found
        };
        assert_eq!(commands(text), commands(other), "commands of {file}");
    }
}
