//! Shows the output of the service in the console, as long as the service does not send log records over
//! OTLP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::console::{Console, LINES_SCOPE};
use otlp::model::{Attributes, Scope, now};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::line::Line;
use crate::steps::Lang;
use crate::text;

/// How long a line is held. If the service sends log records over OTLP, the record of the line arrives in
/// this time (`up` sets the interval of exports to 1 s), and the line is not shown: nothing is shown twice.
const HOLD_TIME: Duration = Duration::from_secs(3);
/// Number of lines that are held. More are left out, so that a program in an endless loop neither fills the
/// memory nor replaces all other telemetry.
const MAX_HELD_LINES: usize = 4_096;
/// Length of a line; a longer one is cut.
const MAX_LINE_BYTES: usize = 16 * 1024;
/// Number of lines that are added to the console at once.
const LINES_AT_ONCE: usize = 100;

/// Takes the lines of all processes of one program.
pub(super) struct Lines {
    held: mpsc::Sender<Held>,
    left_out: Arc<AtomicU64>,
}

/// Takes the lines of one stream of one process.
pub(super) struct Stream {
    held: mpsc::Sender<Held>,
    left_out: Arc<AtomicU64>,
    name: &'static str,
    started: u64,
}

/// A line that may still arrive as a log record.
struct Held {
    line: Line,
    until: Instant,
    /// When its process was started, in nanoseconds since 1970.
    started: u64,
}

impl Lines {
    /// Shows lines of `service` in the console. `log` is the file with all of them. Must be called inside a
    /// Tokio runtime.
    pub(super) fn start(console: Arc<Console>, service: String, log: String, lang: Lang) -> Self {
        let (held, lines) = mpsc::channel(MAX_HELD_LINES);
        let left_out = Arc::new(AtomicU64::new(0));
        let shown = Shown { console, service, log, lang, left_out: Arc::clone(&left_out) };
        tokio::spawn(shown.add_when_held(lines));
        Self { held, left_out }
    }

    /// The stream `name` of a process that was started at `started`, in nanoseconds since 1970.
    pub(super) fn stream(&self, name: &'static str, started: u64) -> Stream {
        Stream { held: self.held.clone(), left_out: Arc::clone(&self.left_out), name, started }
    }
}

impl Stream {
    /// Adds a line, unless it is blank.
    pub(super) fn add(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        let cut = &line[..line.floor_char_boundary(MAX_LINE_BYTES)];
        let text = if cut.len() < line.len() { format!("{cut}…") } else { cut.to_owned() };
        let line = Line { text, stream: self.name, read: now() };
        let held = Held { line, until: Instant::now() + HOLD_TIME, started: self.started };
        if self.held.try_send(held).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What is shown in the console.
struct Shown {
    console: Arc<Console>,
    /// `service.name`.
    service: String,
    log: String,
    lang: Lang,
    left_out: Arc<AtomicU64>,
}

impl Shown {
    async fn add_when_held(self, mut lines: mpsc::Receiver<Held>) {
        let resource: Attributes =
            [("service.name".to_owned(), self.service.as_str().into())].into_iter().collect();
        let resource = Arc::new(resource);
        let scope = Arc::new(Scope { name: LINES_SCOPE.to_owned(), ..Scope::default() });
        let mut some = Vec::with_capacity(LINES_AT_ONCE);
        while lines.recv_many(&mut some, LINES_AT_ONCE).await > 0 {
            if let Some(last) = some.last() {
                tokio::time::sleep_until(last.until).await;
            }
            let left_out = self.left_out.swap(0, Ordering::Relaxed);
            let exported = self.console.last_export_of_logs(&self.service);
            some.retain(|held| held.started > exported);
            let Some(last) = some.last() else { continue };
            let notice = (left_out > 0).then(|| self.notice(left_out, last.line.read));
            let shown = some.drain(..).map(|held| held.line).chain(notice);
            self.console.add_lines(shown.map(|line| line.into_record(&resource, &scope)).collect());
        }
    }

    /// Says that lines were left out.
    fn notice(&self, count: u64, read: u64) -> Line {
        let text = text!(
            "cargo workshop up: {count} lines are not shown, because there were too many at a time; {log} has them",
            count,
            log = self.log.as_str()
        );
        Line { text: text.in_lang(self.lang), stream: "stderr", read }
    }
}
