// ANCHOR: structured-logs
//! One JSON object a line: who, when, what, and the ids of the trace to which it belongs.

use std::fmt::{self, Debug};

// ANCHOR: log-correlation
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
// ANCHOR_END: log-correlation
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::registry::LookupSpan;

use crate::identity::{COMMIT, Identity, REPOSITORY, VERSION};

/// Formats events as JSON. Datadog and others join logs with traces by ids that they each spell in their own way, so
/// the line has them all.
pub(super) struct JsonLines {
    /// What is the same in every line, as text of JSON.
    identity: Line,
}

impl JsonLines {
    pub(super) fn new(identity: &Identity) -> Self {
        let (service, environment) = (Some(identity.service.as_str()), Some(identity.environment.as_str()));
        let members = [
            ("service", service),
            ("env", environment),
            ("version", Some(VERSION)),
            ("git.commit.sha", COMMIT),
            ("git.repository", REPOSITORY),
            ("dd.service", service),
            ("dd.env", environment),
            ("dd.version", Some(VERSION)),
            ("dd.git.commit.sha", COMMIT),
            ("dd.git.repository", REPOSITORY),
        ];
        let mut line = Line::default();
        for (name, value) in members {
            value.into_iter().for_each(|value| line.member(name, value));
        }
        Self { identity: line }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);

        let mut time = String::with_capacity(32);
        SystemTime.format_time(&mut Writer::new(&mut time))?;

        let mut line = Line::default();
        line.member("time", &time);
        line.member("level", event.metadata().level().as_str());
        // An event without a message has a name, at least.
        let name = event.metadata().name();
        line.member("message", if fields.message.is_empty() { name } else { &fields.message });
        line.members(&self.identity);
        // BEFORE log-correlation: // TODO log-correlation: add the ids of the current span, in all their spellings.
        // ANCHOR: log-correlation
        Context::map_current(|context| {
            let span = context.span().span_context().clone();
            if span.is_valid() {
                let (trace_id, span_id) = (span.trace_id().to_string(), span.span_id().to_string());
                for name in ["trace.id", "trace_id", "dd.trace_id"] {
                    line.member(name, &trace_id);
                }
                for name in ["span.id", "span_id", "dd.span_id"] {
                    line.member(name, &span_id);
                }
            }
        });
        // ANCHOR_END: log-correlation
        line.members(&fields.others);
        // ANCHOR: errors
        if !fields.error.0.is_empty() {
            line.object("error", &fields.error);
        }
        // ANCHOR_END: errors
        writeln!(writer, "{{{}}}", String::from_utf8_lossy(&line.0))
    }
}

/// Members of a JSON object, as text.
#[derive(Default)]
struct Line(Vec<u8>);

impl Line {
    fn member(&mut self, name: &str, value: &(impl Serialize + ?Sized)) {
        self.name(name);
        self.json(value);
    }

    // ANCHOR: errors
    fn object(&mut self, name: &str, members: &Self) {
        self.name(name);
        self.0.push(b'{');
        self.0.extend_from_slice(&members.0);
        self.0.push(b'}');
    }
    // ANCHOR_END: errors

    fn members(&mut self, others: &Self) {
        if !others.0.is_empty() {
            self.comma();
            self.0.extend_from_slice(&others.0);
        }
    }

    fn name(&mut self, name: &str) {
        self.comma();
        self.json(name);
        self.0.push(b':');
    }

    fn comma(&mut self) {
        if !self.0.is_empty() {
            self.0.push(b',');
        }
    }

    fn json(&mut self, value: &(impl Serialize + ?Sized)) {
        // It cannot fail: strings and numbers have a form in JSON, and a Vec takes all that is written.
        let _ = serde_json::to_writer(&mut self.0, value);
    }
}

/// The fields of an event: the message, and the others.
#[derive(Default)]
struct Fields {
    message: String,
    // ANCHOR: errors
    error: Line,
    // ANCHOR_END: errors
    others: Line,
}

impl Fields {
    fn add(&mut self, field: &Field, value: &(impl Serialize + ?Sized)) {
        // ANCHOR: errors
        let of_error = match field.name() {
            "exception.type" => Some("kind"),
            "exception.message" => Some("message"),
            "exception.stacktrace" => Some("stack"),
            _ => None,
        };
        if let Some(name) = of_error {
            return self.error.member(name, value);
        }
        // ANCHOR_END: errors
        self.others.member(field.name(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            _ => self.add(field, &format!("{value:?}")),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_owned(),
            _ => self.add(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &value);
    }
}
// ANCHOR_END: structured-logs
