//! Reads the tables of `docs/datadog.md`.

use std::collections::BTreeMap;
use std::fs;

/// The first two columns of the table below this heading, without backticks.
pub fn table(heading: &str) -> BTreeMap<String, String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/datadog.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, section) =
        text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    let lines = section.lines().take_while(|line| !line.starts_with("## "));
    // The header of the table and the line below it are skipped.
    let rows = lines.filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(|cell| cell.trim().replace('`', ""));
        (cells.next().unwrap(), cells.next().unwrap())
    })
    .collect()
}
