//! The guide: each step has its chapter, both languages have the same content, code comes from the source,
//! commands run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "the run of all commands prints how long each took")]

mod code;
mod commands;
mod deployment;
mod links;
mod todos;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use workshop::steps::{Lang, Steps};

/// The chapters of a language, by file name.
fn chapters(lang: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("guide").join(lang);
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap());
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "md"));
    files
        .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
        .collect()
}

/// A fence of a chapter.
#[derive(Debug, PartialEq)]
struct Fence {
    /// The text after the opening backticks: `sh`, `sh background`, `rust`.
    kind: String,
    text: String,
}

/// The fences of a chapter, in order.
fn fences(text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.trim_start().strip_prefix("```") {
            let inside: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            fences.push(Fence { kind: kind.to_owned(), text: inside.join("\n") + "\n" });
        }
    }
    fences
}

/// All texts between `open` and `close`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(found, _)| found).collect()
}

/// The texts between backticks in a line, outside of fences.
fn code_spans(text: &str) -> Vec<&str> {
    let mut is_inside = false;
    let outside = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_inside && !is_fence
    });
    outside.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn code_in_a_line_is_found_and_that_of_fences_is_not() {
    let text = "Run `cargo run`, then `curl`.\n```sh\nls `pwd`\n```\nNo `more`.\n";
    assert_eq!(code_spans(text), ["cargo run", "curl", "more"]);
    assert_eq!(between("[a](b) and [c](d)", "](", ")"), ["b", "d"]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn every_step_has_its_chapter_and_every_other_is_in_the_contents() {
    let steps = Steps::load(root()).unwrap();
    for (lang, of) in [("en", Lang::En), ("ja", Lang::Ja)] {
        let mut chapters = chapters(lang);
        let contents = chapters.remove("README.md").unwrap();
        let linked = between(&contents, "](", ")");
        for step in steps.all() {
            let text = chapters.remove(&step.chapter);
            let text = text.unwrap_or_else(|| panic!("{lang}/{} is missing: step {}", step.chapter, step.id));
            let title = format!("# {} · {}\n", step.number, step.title.in_(of));
            assert!(text.starts_with(&title), "{lang}/{} should begin with {title:?}", step.chapter);
            assert!(
                linked.contains(&step.chapter.as_str()),
                "{lang}/README.md has no link to {}",
                step.chapter
            );
        }
        for other in chapters.keys() {
            assert!(linked.contains(&other.as_str()), "{lang}/README.md has no link to {other}");
        }
    }
}

#[test]
fn both_languages_have_the_same_chapters_headings_links_and_tables() {
    let (english, japanese) = (chapters("en"), chapters("ja"));
    assert_eq!(english.keys().collect::<Vec<_>>(), japanese.keys().collect::<Vec<_>>());
    for (file, text) in &english {
        let other = &japanese[file];
        let levels = |text: &str| -> Vec<usize> {
            let headings = text.lines().filter(|line| line.starts_with('#'));
            headings.map(|line| line.chars().take_while(|letter| *letter == '#').count()).collect()
        };
        assert_eq!(levels(text), levels(other), "headings of {file}");
        let links = between(text, "](", ")");
        let mut other_links = between(other, "](", ")");
        // The reading list has translations and other sources in Japanese, in addition to the English ones.
        if file == "reading.md" {
            other_links.retain(|link| links.contains(link));
        }
        assert_eq!(links, other_links, "links of {file}");
        let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(text), rows(other), "rows of tables in {file}");
        let parts = |text: &str| text.matches("<details>").count();
        assert_eq!(parts(text), parts(other), "hints and answers of {file}");
        // A report of a check is in the language of the reader.
        let fences = |text: &str| -> Vec<Fence> {
            let is_report = |fence: &Fence| fence.text.starts_with(['✓', '✗']);
            fences(text).into_iter().filter(|fence| !is_report(fence)).collect()
        };
        assert_eq!(fences(text), fences(other), "fences of {file}");
        let commands = |text: &str| -> Vec<String> {
            let spans = code_spans(text);
            let mut found: Vec<String> =
                spans.into_iter().filter(|code| code.starts_with("cargo ")).map(str::to_owned).collect();
            found.sort();
            found
        };
        assert_eq!(commands(text), commands(other), "commands of {file}");
    }
}
