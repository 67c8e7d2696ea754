//! What a program that has ended leaves: its exit status, what it wrote, the summary.

use std::process::ExitStatus;

use serde_json::Value;

use super::{Output, Setup, print};

/// The program has ended: how, and what it wrote. In a failing test it prints that.
#[derive(Debug)]
pub struct Ended {
    pub(super) setup: Setup,
    pub status: ExitStatus,
    pub output: Output,
}

impl Ended {
    /// Asserts that it ended with this exit status.
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.status);
        self
    }

    /// What the summary says of a metric: all behind the colon, with single spaces.
    pub fn row(&self, name: &str) -> String {
        let mut rows = self.output.stdout.iter().filter_map(|line| line.trim_start().strip_prefix(name));
        let row = rows.find(|rest| rest.starts_with('.')).unwrap_or_else(|| panic!("no row `{name}`"));
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    }

    /// The first number that the summary has of a metric.
    pub fn count(&self, name: &str) -> u64 {
        let row = self.row(name);
        let first = row.split(' ').next().unwrap();
        first.parse().unwrap_or_else(|_| panic!("{name}: no count in `{row}`"))
    }

    /// How often a message with `part` came.
    pub fn messages(&self, part: &str) -> usize {
        self.output.stderr.iter().filter(|line| line.contains(part)).count()
    }

    /// The summary as it was exported.
    pub fn exported(&self) -> Value {
        let file = self.setup.export().expect("it exports");
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// One number of a metric, as it was exported.
    pub fn exported_number(&self, metric: &str, of: &str) -> f64 {
        let exported = self.exported();
        exported["metrics"][metric][of].as_f64().unwrap_or_else(|| panic!("no {metric} {of} in {exported:#}"))
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- ended with {} ---", self.status);
            print(&self.setup, &self.output);
        }
    }
}
