//! The log lines about the delivery.
//!
//! Some are logged in threads of the SDK, so the subscriber must be that of the whole process. Each test has
//! its own endpoint, by which it finds its lines.

use std::fmt::Debug;
use std::sync::{Condvar, LazyLock, Mutex};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::prelude::*;

/// One line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    pub name: &'static str,
    pub message: String,
    pub endpoint: String,
    pub error_type: Option<String>,
    pub spans: Option<u64>,
    pub log_records: Option<u64>,
}

static LINES: LazyLock<(Mutex<Vec<Line>>, Condvar)> = LazyLock::new(Default::default);

/// Collects lines from now on.
pub fn collect() {
    let layer = Collect.with_filter(Targets::new().with_target("instrumentation::delivery", Level::WARN));
    // This fails if another test of this process has already done it.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// Waits until there are `count` lines about `endpoint`, and returns all of them.
#[track_caller]
pub fn wait_for(endpoint: &str, count: usize) -> Vec<Line> {
    let (lines, changed) = &*LINES;
    let few = |lines: &mut Vec<Line>| lines_about(lines, endpoint).len() < count;
    tokio::task::block_in_place(|| {
        let lines = lines.lock().expect("no test has panicked with the lines");
        let (lines, timeout) = changed
            .wait_timeout_while(lines, Duration::from_secs(20), few)
            .expect("no test has panicked with the lines");
        let found = lines_about(&lines, endpoint);
        drop(lines);
        assert!(!timeout.timed_out(), "expected {count} lines within 20 s, got {found:?}");
        found
    })
}

/// The lines about `endpoint` so far.
pub fn so_far(endpoint: &str) -> Vec<Line> {
    wait_for(endpoint, 0)
}

fn lines_about(lines: &[Line], endpoint: &str) -> Vec<Line> {
    lines.iter().filter(|line| line.endpoint.starts_with(endpoint)).cloned().collect()
}

struct Collect;

impl<S: Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line { name: event.metadata().name(), ..Line::default() };
        event.record(&mut line);
        LINES.0.lock().expect("no test has panicked with the lines").push(line);
        LINES.1.notify_all();
    }
}

impl Visit for Line {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "handson.dropped.spans" => self.spans = Some(value),
            "handson.dropped.log_records" => self.log_records = Some(value),
            name => panic!("no test knows the field {name}"),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "error.type" => self.error_type = Some(value.to_owned()),
            "handson.otlp.endpoint" => self.endpoint = value.to_owned(),
            "message" => self.message = value.to_owned(),
            name => panic!("no test knows the field {name}"),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
