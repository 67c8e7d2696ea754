//! The keys and values that are stored, from which a script completes a search.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

use crate::Console;
use crate::search::{KINDS, LEVELS, STATUSES, Target};
use crate::store::Position;
use otlp::model::{Attributes, LogRecord, Span, Value};

/// Maximum numbers of the newest spans and log records whose attributes are listed.
const MAX_SPANS: usize = 1_000;
const MAX_LOG_RECORDS: usize = 1_000;
/// Maximum number of attributes that are listed.
const MAX_KEYS: usize = 200;
/// A key with more values than these has none in the list.
const MAX_VALUES: usize = 12;
/// Maximum number of bytes of a key and of a value.
const MAX_BYTES: usize = 60;

#[derive(Deserialize)]
pub(super) struct Parameters {
    r#for: Target,
}

#[derive(Serialize)]
pub(super) struct Completions {
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    key: String,
    /// The operator that is usual after the key.
    operator: &'static str,
    values: Vec<String>,
}

/// `GET /complete?for=traces|logs|errors`
pub(super) async fn keys(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
) -> Json<Completions> {
    Json(Completions::new(&console, parameters.r#for))
}

impl Completions {
    fn new(console: &Console, target: Target) -> Self {
        let mut stored = Stored::default();
        match target {
            Target::Traces => stored.add_spans(&console.read(|store| {
                let traces = store.traces(u64::MAX).take(MAX_SPANS);
                traces.flat_map(|trace| trace.spans()).take(MAX_SPANS).cloned().collect::<Vec<_>>()
            })),
            Target::Logs => stored.add_log_records(&console.read(|store| {
                let lines = store.log_records(Position::END).take(MAX_LOG_RECORDS);
                lines.map(|line| line.record).collect::<Vec<_>>()
            })),
            Target::Errors => console.read(|store| {
                for group in store.errors.groups() {
                    stored.add("type", &group.kind);
                }
            }),
        }
        let services = console.read(|store| store.services().to_vec());
        let mut keys = vec![Key { key: "service".to_owned(), operator: "=", values: services }];
        for (key, operator, fixed) in built_in(target) {
            // An attribute of the same name cannot be searched.
            let stored = stored.take(key);
            let values =
                if fixed.is_empty() { stored } else { fixed.into_iter().map(str::to_owned).collect() };
            keys.push(Key { key: key.to_owned(), operator, values });
        }
        keys.extend(stored.0.into_iter().map(|(key, values)| {
            let values = values.into_iter().flatten().collect();
            Key { key, operator: "=", values }
        }));
        Self { keys }
    }
}

/// The built-in keys of a target, each with its usual operator and with values that are always the same.
fn built_in(target: Target) -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    let durations = vec!["10ms", "100ms", "1s"];
    match target {
        Target::Traces => vec![
            ("name", "~", Vec::new()),
            ("status", "=", STATUSES.to_vec()),
            ("duration", ">", durations.clone()),
            ("kind", "=", KINDS.to_vec()),
            ("message", "~", Vec::new()),
            ("trace.duration", ">", durations),
            ("trace.spans", ">", Vec::new()),
            ("trace_id", "=", Vec::new()),
            ("span_id", "=", Vec::new()),
        ],
        Target::Logs => vec![
            ("level", ">=", LEVELS.map(|(name, _)| name).to_vec()),
            ("message", "~", Vec::new()),
            ("name", "=", Vec::new()),
            ("trace_id", "=", Vec::new()),
            ("span_id", "=", Vec::new()),
        ],
        Target::Errors => vec![
            ("type", "=", Vec::new()),
            ("message", "~", Vec::new()),
            ("count", ">=", Vec::new()),
            ("trace_id", "=", Vec::new()),
            ("exception.stacktrace", "~", Vec::new()),
        ],
    }
}

/// Keys and their values; `None` for a key with too many.
#[derive(Default)]
struct Stored(BTreeMap<String, Option<BTreeSet<String>>>);

impl Stored {
    fn add_spans(&mut self, spans: &[Arc<Span>]) {
        let mut resource = None;
        for span in spans {
            self.add("name", &span.name);
            self.add_all(&span.attributes);
            span.events.iter().for_each(|event| self.add_all(&event.attributes));
            // Most spans have the same resource as the one before.
            if resource.replace(Arc::as_ptr(&span.resource)) != Some(Arc::as_ptr(&span.resource)) {
                self.add_all(&span.resource);
            }
        }
    }

    fn add_log_records(&mut self, records: &[Arc<LogRecord>]) {
        let mut resource = None;
        for record in records {
            if !record.event_name.is_empty() {
                self.add("name", &record.event_name);
            }
            self.add_all(&record.attributes);
            if resource.replace(Arc::as_ptr(&record.resource)) != Some(Arc::as_ptr(&record.resource)) {
                self.add_all(&record.resource);
            }
        }
    }

    fn add_all(&mut self, attributes: &Attributes) {
        for (key, value) in attributes.iter() {
            match value {
                Value::Text(text) => self.add(key, text),
                Value::Bool(_) | Value::Int(_) | Value::Double(_) => self.add(key, &value.unquoted()),
                Value::Empty | Value::Bytes(_) | Value::Array(_) | Value::Map(_) => {}
            }
        }
    }

    fn add(&mut self, key: &str, value: &str) {
        if !self.0.contains_key(key) {
            if self.0.len() >= MAX_KEYS || key.is_empty() || key.len() > MAX_BYTES {
                return;
            }
            self.0.insert(key.to_owned(), Some(BTreeSet::new()));
        }
        let Some(known) = self.0.get_mut(key) else { return };
        let Some(values) = known else { return };
        let is_short = !value.is_empty() && value.len() <= MAX_BYTES && !value.contains(char::is_control);
        if !is_short || values.contains(value) {
            return;
        }
        values.insert(value.to_owned());
        if values.len() > MAX_VALUES {
            *known = None;
        }
    }

    /// Removes the values of a key.
    fn take(&mut self, key: &str) -> Vec<String> {
        self.0.remove(key).flatten().into_iter().flatten().collect()
    }
}
