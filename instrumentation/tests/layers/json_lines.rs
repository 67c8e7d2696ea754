//! Log lines in JSON.

mod fields;
mod ids;
mod validity;

use std::io;
use std::sync::{Arc, Mutex};

use instrumentation::Identity;
use instrumentation::json_lines::JsonLines;
use serde_json::{Map, Value};
use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

/// The destination of the lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer has panicked").write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("no writer has panicked").clone()).expect("lines are UTF-8")
    }

    /// Each line as an object.
    pub fn objects(&self) -> Vec<Map<String, Value>> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end: {text}");
        let object = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        text.lines().map(object).collect()
    }
}

pub fn identity() -> Identity {
    Identity {
        service: "handson-sakura".into(),
        version: "0.1.0+3d3c42e".into(),
        environment: "test".into(),
        commit: None,
        repository: None,
    }
}

/// The lines that `log` writes, in the format of `format`.
fn logged(format: JsonLines, log: impl FnOnce()) -> Lines {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().event_format(format).with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(layer.with_filter(LevelFilter::from(Level::TRACE)));
    tracing::subscriber::with_default(subscriber, log);
    lines
}

/// The only line that `log` writes.
fn only_line(log: impl FnOnce()) -> Map<String, Value> {
    let mut objects = logged(JsonLines::new(&identity()), log).objects();
    assert_eq!(objects.len(), 1, "expected one line, got {objects:?}");
    objects.remove(0)
}
