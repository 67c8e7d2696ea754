//! The instruments and attributes that all queries of a pool share.

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use fnv::FnvHashMap;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram, Meter};
use opentelemetry_sdk::trace::SdkTracer;
use opentelemetry_semantic_conventions::attribute::{
    DB_COLLECTION_NAME, DB_NAMESPACE, DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_SYSTEM_NAME, SERVER_ADDRESS,
    SERVER_PORT,
};
use opentelemetry_semantic_conventions::metric::DB_CLIENT_OPERATION_DURATION;

use super::literals::without_literals;
use super::system::System;
use crate::Instrumentation;

/// The buckets that the conventions recommend, in seconds.
const BOUNDARIES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Longer texts of queries are not kept: a bulk insert may have megabytes.
const MAX_KEPT_TEXT: usize = 4096;

/// The names of an operation and of the collection that it works on.
pub(super) type Names = (&'static str, Option<&'static str>);

/// The instruments, and which database they are for.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) tracer: Option<SdkTracer>,
    pub(super) duration: Option<Histogram<f64>>,
    pub(super) system: System,
    namespace: Option<Arc<str>>,
    server: Option<(Arc<str>, u16)>,
    operations: Arc<RwLock<FnvHashMap<Option<Names>, Arc<Operation>>>>,
}

/// The data that all queries of one operation share. It is created once and kept, because there are few
/// operations.
pub(super) struct Operation {
    pub(super) span_name: String,
    /// Attributes of the span and of the metric.
    pub(super) attributes: Vec<KeyValue>,
    /// Bound at the first success, because a bound instrument reports a count of 0 if it is not used.
    successes: OnceLock<BoundHistogram<f64>>,
    /// The text of the first query. Most queries of an operation have the same text, in which literals then
    /// have to be found only once.
    first_text: OnceLock<Text>,
}

struct Text {
    query: Box<str>,
    is_parameterized: bool,
    recorded: Arc<str>,
}

impl Recorder {
    /// `None` if there is no provider.
    pub(super) fn new(instrumentation: &Instrumentation, system: System) -> Option<Self> {
        let tracer = instrumentation.tracer().cloned();
        let duration = instrumentation.meter().map(duration);
        (tracer.is_some() || duration.is_some()).then(|| Self {
            tracer,
            duration,
            system,
            namespace: None,
            server: None,
            operations: Arc::default(),
        })
    }

    pub(super) fn with_namespace(self, namespace: Arc<str>) -> Self {
        Self { namespace: Some(namespace), operations: Arc::default(), ..self }
    }

    pub(super) fn with_server(self, address: Arc<str>, port: u16) -> Self {
        Self { server: Some((address, port)), operations: Arc::default(), ..self }
    }

    pub(super) fn operation(&self, names: Option<Names>) -> Arc<Operation> {
        let known = self.operations.read().unwrap_or_else(PoisonError::into_inner).get(&names).cloned();
        known.unwrap_or_else(|| {
            let mut operations = self.operations.write().unwrap_or_else(PoisonError::into_inner);
            operations.entry(names).or_insert_with(|| Arc::new(self.new_operation(names))).clone()
        })
    }

    fn new_operation(&self, names: Option<Names>) -> Operation {
        let mut attributes = vec![KeyValue::new(DB_SYSTEM_NAME, self.system.name())];
        if let Some(namespace) = &self.namespace {
            attributes.push(KeyValue::new(DB_NAMESPACE, namespace.clone()));
        }
        if let Some((address, port)) = &self.server {
            attributes.push(KeyValue::new(SERVER_ADDRESS, address.clone()));
            attributes.push(KeyValue::new(SERVER_PORT, i64::from(*port)));
        }
        let span_name = match names {
            None => self.target(),
            Some((operation, collection)) => {
                attributes.push(KeyValue::new(DB_OPERATION_NAME, operation));
                let mut summary = operation.to_owned();
                if let Some(collection) = collection {
                    attributes.push(KeyValue::new(DB_COLLECTION_NAME, collection));
                    summary = format!("{operation} {collection}");
                }
                attributes.push(KeyValue::new(DB_QUERY_SUMMARY, Arc::<str>::from(summary.as_str())));
                summary
            }
        };
        Operation { span_name, attributes, successes: OnceLock::new(), first_text: OnceLock::new() }
    }

    /// The name that the conventions define for a span if summary, operation and collection are unknown.
    fn target(&self) -> String {
        match (&self.namespace, &self.server) {
            (Some(namespace), _) => namespace.to_string(),
            (None, Some((address, port))) => format!("{address}:{port}"),
            (None, None) => self.system.name().to_string(),
        }
    }
}

impl Operation {
    /// `db.query.text` of `query`. Its literals are removed, unless it `is_parameterized`: the values of a
    /// query with arguments are not in its text.
    pub(super) fn query_text(&self, query: &str, is_parameterized: bool, system: System) -> Arc<str> {
        let recorded = || {
            if is_parameterized { query.into() } else { without_literals(query, system).into() }
        };
        if query.len() > MAX_KEPT_TEXT {
            return recorded();
        }
        let new = || Text { query: query.into(), is_parameterized, recorded: recorded() };
        let first = self.first_text.get_or_init(new);
        if *first.query == *query && first.is_parameterized == is_parameterized {
            return first.recorded.clone();
        }
        recorded()
    }

    /// Records the duration in seconds of a successful query.
    pub(super) fn record_success(&self, duration: &Histogram<f64>, seconds: f64) {
        self.successes.get_or_init(|| duration.bind(&self.attributes)).record(seconds);
    }

    /// Records the duration in seconds of a failed query.
    pub(super) fn record_failure(&self, duration: &Histogram<f64>, seconds: f64, failure: Vec<KeyValue>) {
        let mut attributes = failure;
        attributes.extend_from_slice(&self.attributes);
        duration.record(seconds, &attributes);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("system", &self.system).finish_non_exhaustive()
    }
}

fn duration(meter: &Meter) -> Histogram<f64> {
    meter
        .f64_histogram(DB_CLIENT_OPERATION_DURATION)
        .with_description("Duration of database client operations.")
        .with_unit("s")
        .with_boundaries(BOUNDARIES.to_vec())
        .build()
}
