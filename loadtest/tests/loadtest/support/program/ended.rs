//! The results of a program that has ended: its exit status, output, and summary.

use std::process::ExitStatus;

use serde_json::Value;

use super::{Output, Setup, print};

/// A program that has ended: its status and output. In a failing test, it prints them.
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

    /// The row of a metric in the summary: everything after the colon, with single spaces.
    pub fn row(&self, name: &str) -> String {
        let mut rows = self.output.stdout.iter().filter_map(|line| line.trim_start().strip_prefix(name));
        let row = rows.find(|rest| rest.starts_with('.')).unwrap_or_else(|| panic!("no row `{name}`"));
        row.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    }

    /// The first number in the row of a metric.
    pub fn count(&self, name: &str) -> u64 {
        let row = self.row(name);
        let first = row.split(' ').next().unwrap();
        first.parse().unwrap_or_else(|_| panic!("{name}: no count in `{row}`"))
    }

    /// The number of messages that contain `part`.
    pub fn messages(&self, part: &str) -> usize {
        self.output.stderr.iter().filter(|line| line.contains(part)).count()
    }

    /// The exported summary.
    pub fn exported(&self) -> Value {
        let file = self.setup.export().expect("it exports");
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    /// One number of a metric in the exported summary.
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
