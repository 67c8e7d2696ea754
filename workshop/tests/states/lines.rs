//! How many lines an attendee types, and how many lines of the source are markers.

use std::fs;
use std::path::{Path, PathBuf};

use workshop::source::typed_lines;
use workshop::steps::{Kind, Steps};

/// Maximum number of lines to type in one step.
const MAX_LINES_OF_A_STEP: usize = 25;
/// Maximum number of lines to type in all required steps without deployment.
const MAX_LINES_OF_ALL: usize = 130;
/// Maximum share of markers in the lines of `src/`, in percent.
const MAX_MARKERS_PERCENT: usize = 2;
/// The same for one file.
const MAX_MARKERS_PERCENT_OF_A_FILE: usize = 4;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn every_step_has_a_count_and_the_first_is_zero() {
    let steps = Steps::load(&root()).unwrap();
    let counts = typed_lines(&root(), &steps).unwrap();
    assert_eq!(counts.len(), steps.all().len());
    assert_eq!(counts[0].lines, 0, "nothing is typed in {}", counts[0].step.id);
    for count in counts.iter().skip(1) {
        let is_typed = count.step.kind != Kind::Deployment;
        assert_eq!(count.lines > 0, is_typed, "{} has {} lines", count.step.id, count.lines);
    }
}

#[test]
fn no_answer_has_more_lines_than_the_limit() {
    let steps = Steps::load(&root()).unwrap();
    let counts = typed_lines(&root(), &steps).unwrap();
    let table: Vec<String> =
        counts.iter().map(|count| format!("{} {}", count.step.id, count.lines)).collect();
    let longest = counts.iter().max_by_key(|count| count.lines).unwrap();
    assert!(longest.lines <= MAX_LINES_OF_A_STEP, "{} is too long: {table:#?}", longest.step.id);
    let sum: usize = counts.iter().filter(|count| count.is_required()).map(|count| count.lines).sum();
    assert!(sum <= MAX_LINES_OF_ALL, "{sum} lines in all: {table:#?}");
}

#[test]
fn few_lines_of_the_source_are_markers() {
    let mut too_many = Vec::new();
    let (mut all_markers, mut all_lines) = (0, 0);
    each_source_file(&root().join("src"), &mut |file, text| {
        let is_marker = |line: &&str| {
            let line = line.trim_start();
            ["// ANCHOR: ", "// ANCHOR_END: ", "// BEFORE "].iter().any(|marker| line.starts_with(marker))
        };
        let (markers, lines) = (text.lines().filter(is_marker).count(), text.lines().count());
        all_markers += markers;
        all_lines += lines;
        if markers * 100 > lines * MAX_MARKERS_PERCENT_OF_A_FILE {
            too_many.push(format!("{}: {markers} of {lines} lines", file.display()));
        }
    });
    assert!(too_many.is_empty(), "too many markers in {too_many:#?}");
    let is_few = all_markers * 100 <= all_lines * MAX_MARKERS_PERCENT;
    assert!(is_few, "{all_markers} of {all_lines} lines are markers, more than {MAX_MARKERS_PERCENT} %");
}

fn each_source_file(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source_file(&path, look);
        } else {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
