//! What a service logged before and after one log record.

use std::time::Duration;

use maud::html;
use serde::{Serialize, Serializer};

use super::{Line, LogRecord, Position, table};
use crate::Console;
use crate::page::{Content, Context, View};
use crate::pages::format;

/// Maximum time before and after the record.
const WINDOW: Duration = Duration::from_secs(60);
/// Maximum number of records before it, and after it.
const MAX_LINES: usize = 25;

/// A log record, and those of the same service around it.
pub(super) struct Around {
    chosen: Line,
    /// With the record itself, newest first.
    lines: Vec<Line>,
}

impl Around {
    /// `None` if there is no record at this position.
    pub(super) fn new(console: &Console, position: Position) -> Option<Self> {
        let chosen = console.read(|store| store.log_record(position))?;
        let matches = |record: &LogRecord| record.service() == chosen.record.service();
        let window = WINDOW.as_nanos() as u64;
        let (from, to) = (position.time.saturating_sub(window), position.time.saturating_add(window));
        let mut lines = console.find_log_records_from(position.next(), to, MAX_LINES, matches);
        lines.reverse();
        lines.push(chosen.clone());
        lines.extend(console.find_log_records(position, from, MAX_LINES, matches));
        Some(Self { chosen, lines })
    }
}

impl Serialize for Around {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(&self.lines, serializer)
    }
}

impl View for Around {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let service = self.chosen.record.service();
        Content {
            link: "/logs",
            title: lang.tr("Log records around this one").to_owned(),
            fixed: html! {
                p { a href=(format::address("/logs", &[("service", service)])) { (lang.tr("All log records of this service")) } }
            },
            live: html! {
                p.quiet {
                    (context.service(service)) " " (format::date(self.chosen.position.time)) ": "
                    (lang.trf("at most {n} log records and {seconds} s before and after; newest first",
                        &[("n", &MAX_LINES), ("seconds", &WINDOW.as_secs())]))
                }
                div data-still="" { (table(context, &self.lines, false, Some(self.chosen.position))) }
            },
        }
    }
}
