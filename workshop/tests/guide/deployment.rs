//! YAML and HCL in the guide are quoted from the deployment files of `sakura`.

use std::fs;
use std::path::Path;

use workshop::deployment;
use workshop::steps::{Kind, Steps};

use super::{chapters, fences, root};

/// The texts from which a chapter may quote: the files with marks, the files with example values, and those
/// of all backends.
fn sources() -> Vec<String> {
    let steps = Steps::load(root()).unwrap();
    let mut trees =
        vec![deployment::plain(root(), "sakura").unwrap(), deployment::canary(root(), "sakura").unwrap()];
    for step in steps.all().iter().filter(|step| step.kind == Kind::Deployment) {
        trees.push(deployment::at(root(), &steps, "sakura", step.number).unwrap());
    }
    let mut sources: Vec<String> = trees
        .into_iter()
        .flat_map(|tree| tree.files.into_values())
        .map(|content| String::from_utf8(content).unwrap())
        .collect();
    for folder in ["infrastructure", ".github/workflows"] {
        read_into(&mut sources, &root().join(folder));
    }
    sources
}

fn read_into(sources: &mut Vec<String>, folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_into(sources, &path);
        } else if let Ok(text) = fs::read_to_string(&path) {
            sources.push(text);
        }
    }
}

/// Lines without their common indentation, and without comments, which a quotation may leave out.
fn bare(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    let lines: Vec<&str> = lines.collect();
    let indentation = lines.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    lines.iter().map(|line| line[indentation..].trim_end().to_owned()).collect()
}

fn quotes(source: &str, quotation: &[String]) -> bool {
    let lines: Vec<&str> =
        source.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#')).collect();
    lines.windows(quotation.len()).any(|window| bare(&window.join("\n")) == quotation)
}

#[test]
fn yaml_and_hcl_in_every_chapter_are_quoted_from_the_files() {
    let sources = sources();
    let mut count = 0;
    for (file, text) in chapters("en") {
        for fence in fences(&text).iter().filter(|fence| ["yaml", "hcl"].contains(&fence.kind.as_str())) {
            let quotation = bare(&fence.text);
            assert!(!quotation.is_empty(), "{file}: an empty fence");
            assert!(
                sources.iter().any(|source| quotes(source, &quotation)),
                "{file}: in no file:\n{}",
                fence.text
            );
            count += 1;
        }
    }
    assert!(count > 2, "{count} quotations");
}

#[test]
fn a_quotation_that_differs_is_found() {
    let source = "spec:\n  # A comment.\n  name: a\n  input:\n    x: 1\n";
    assert!(quotes(source, &bare("name: a\ninput:\n  x: 1\n")));
    assert!(!quotes(source, &bare("name: a\ninput:\n  x: 2\n")));
    assert!(!quotes(source, &bare("name: a\nx: 1\n")));
    assert!(!quotes(source, &bare("name: a\ninput:\nx: 1\n")));
}
