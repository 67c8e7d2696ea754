//! Telemetry in memory, and databases to query.

use std::sync::Arc;

use instrumentation::Instrumentation;
use instrumentation::database::Pool;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, Value};
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, HistogramDataPoint, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use sqlx::Sqlite;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

/// Receives the layer's spans and metrics.
pub struct Telemetry {
    spans: InMemorySpanExporter,
    metrics: InMemoryMetricExporter,
    tracers: SdkTracerProvider,
    meters: SdkMeterProvider,
}

impl Telemetry {
    pub fn new() -> Self {
        let spans = InMemorySpanExporter::default();
        let metrics = InMemoryMetricExporter::default();
        let tracers = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
        let reader = PeriodicReader::builder(metrics.clone()).build();
        let meters = SdkMeterProvider::builder().with_reader(reader).build();
        Self { spans, metrics, tracers, meters }
    }

    pub fn instrumentation(&self) -> Instrumentation {
        Instrumentation::new().with_tracer_provider(&self.tracers).with_meter_provider(&self.meters)
    }

    pub fn traces_only(&self) -> Instrumentation {
        Instrumentation::new().with_tracer_provider(&self.tracers)
    }

    pub fn metrics_only(&self) -> Instrumentation {
        Instrumentation::new().with_meter_provider(&self.meters)
    }

    /// A tracer for the spans around the queries.
    pub fn tracer(&self) -> SdkTracer {
        self.tracers.tracer("test")
    }

    /// The spans that have ended, in the order of their ends.
    pub fn spans(&self) -> Vec<SpanData> {
        self.spans.get_finished_spans().expect("the exporter in memory does not fail")
    }

    /// The only span of the layer that has ended.
    pub fn only_span(&self) -> SpanData {
        let mut spans = self.query_spans();
        assert_eq!(spans.len(), 1, "expected one span of a query, got {:?}", names(&spans));
        spans.remove(0)
    }

    /// The layer's spans that have ended, in the order of their ends.
    pub fn query_spans(&self) -> Vec<SpanData> {
        let mut spans = self.spans();
        spans.retain(|span| span.instrumentation_scope.name() == "handson-instrumentation");
        spans
    }

    /// The points of `db.client.operation.duration`.
    pub fn durations(&self) -> Vec<HistogramDataPoint<f64>> {
        let mut points = Vec::new();
        for metric in
            self.exported().iter().flat_map(ResourceMetrics::scope_metrics).flat_map(|s| s.metrics())
        {
            assert_eq!(metric.name(), "db.client.operation.duration");
            assert_eq!(metric.unit(), "s");
            match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    points.extend(histogram.data_points().cloned());
                }
                other => panic!("expected a histogram of f64, got {other:?}"),
            }
        }
        points
    }

    /// The latest export of all metrics.
    pub fn exported(&self) -> Option<ResourceMetrics> {
        self.meters.force_flush().expect("the exporter in memory does not fail");
        self.metrics.get_finished_metrics().expect("the exporter in memory does not fail").pop()
    }
}

/// A pool with a new in-memory database, which contains two users.
pub async fn users() -> sqlx::Pool<Sqlite> {
    // One connection, because each would have its own in-memory database.
    let pool =
        SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await.expect("in memory");
    create_users(&pool).await;
    pool
}

/// A pool with a new database in a file in `directory`.
pub async fn users_in_file(directory: &tempfile::TempDir) -> sqlx::Pool<Sqlite> {
    let file =
        SqliteConnectOptions::new().filename(directory.path().join("users.db")).create_if_missing(true);
    let pool =
        SqlitePoolOptions::new().max_connections(4).connect_with(file).await.expect("a writable directory");
    create_users(&pool).await;
    pool
}

async fn create_users(pool: &sqlx::Pool<Sqlite>) {
    sqlx::raw_sql(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
         INSERT INTO users (name) VALUES ('Alice'), ('Bob');",
    )
    .execute(pool)
    .await
    .expect("an empty database");
}

/// A recorded pool with a new in-memory database, and its telemetry.
pub async fn recorded() -> (Arc<Telemetry>, Pool<Sqlite>) {
    let telemetry = Arc::new(Telemetry::new());
    let pool = Pool::new(users().await, &telemetry.instrumentation()).with_namespace("users.db");
    (telemetry, pool)
}

/// `key=value` for each attribute, sorted.
pub fn attributes<'a>(attributes: impl IntoIterator<Item = &'a KeyValue>) -> Vec<String> {
    let mut list: Vec<_> = attributes.into_iter().map(|a| format!("{}={}", a.key, a.value)).collect();
    list.sort();
    list
}

/// The value of an attribute of a span.
pub fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|a| a.value.clone())
}

pub fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_ref()).collect()
}
