// ANCHOR: metrics
//! Metrics: the meter provider, what it corrects in libraries, and the counts of [`super::delivery`].

use std::sync::Arc;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use opentelemetry_semantic_conventions::{attribute, metric};

use super::delivery::{Account, Counted, Delivery, EXPORT_FAILED, QUEUE_FULL};
use super::settings::{Protocol, Settings, Signal};

/// Metrics are collected and sent every `OTEL_METRIC_EXPORT_INTERVAL`.
pub(super) fn provider(
    resource: Resource,
    exporter: Option<MetricExporter>,
    delivery: &Arc<Delivery>,
    settings: &Settings,
) -> SdkMeterProvider {
    let mut provider = SdkMeterProvider::builder().with_resource(resource).with_view(by_the_conventions);
    if let Some(exporter) = exporter {
        provider = provider.with_periodic_exporter(Counted::new(exporter, delivery));
    }
    let provider = provider.build();
    global::set_meter_provider(provider.clone());

    count_what_is_lost(&provider, delivery, settings);
    // Where the system does not tell (it reads /proc), the service does without.
    let _ = opentelemetry_instrumentation_process::init();
    provider
}

/// Bucket boundaries that the conventions advise for `db.client.operation.duration`.
const DATABASE_SECONDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Mends what libraries get wrong: `sqlx-otel` has buckets for milliseconds, and pool metrics of the wrong kind; the
/// process metrics other than CPU time and disk are gauges, where the conventions say up-down counters.
fn by_the_conventions(instrument: &Instrument) -> Option<Stream> {
    let aggregation = match instrument.name() {
        metric::DB_CLIENT_OPERATION_DURATION => Aggregation::ExplicitBucketHistogram {
            boundaries: DATABASE_SECONDS.to_vec(),
            record_min_max: true,
        },
        metric::PROCESS_CPU_TIME | metric::PROCESS_DISK_IO => return None,
        name if name.starts_with("db.client.") || name.starts_with("process.") => Aggregation::Drop,
        _ => return None,
    };
    Stream::builder().with_aggregation(aggregation).build().ok()
}

/// `otel.sdk.processor.{span,log}.processed` and `otel.sdk.exporter.{span,log}.exported`, with `error.type` for what was
/// lost.
fn count_what_is_lost(provider: &SdkMeterProvider, delivery: &Arc<Delivery>, settings: &Settings) {
    let meter = provider.meter("handson");
    let spans_go_by = match settings.protocol(Signal::Traces) {
        Protocol::HttpProtobuf => "otlp_http_span_exporter",
        Protocol::Grpc => "otlp_grpc_span_exporter",
    };
    let log_records_go_by = match settings.protocol(Signal::Logs) {
        Protocol::HttpProtobuf => "otlp_http_log_exporter",
        Protocol::Grpc => "otlp_grpc_log_exporter",
    };
    let count = |name, unit, component, read| observe(&meter, name, unit, component, delivery, read);
    count("otel.sdk.processor.span.processed", "{span}", "batching_span_processor", |delivery| {
        processed(&delivery.spans)
    });
    count("otel.sdk.processor.log.processed", "{log_record}", "batching_log_processor", |delivery| {
        processed(&delivery.log_records)
    });
    count("otel.sdk.exporter.span.exported", "{span}", spans_go_by, |delivery| exported(&delivery.spans));
    count("otel.sdk.exporter.log.exported", "{log_record}", log_records_go_by, |delivery| {
        exported(&delivery.log_records)
    });
}

/// How many items went well, and how many did not, with their `error.type`.
type Counts = (u64, (u64, &'static str));

fn processed(account: &Account) -> Counts {
    (account.processed(), (account.queue_full(), QUEUE_FULL))
}

fn exported(account: &Account) -> Counts {
    (account.exported(), (account.failed(), EXPORT_FAILED))
}

fn observe(
    meter: &Meter,
    name: &'static str,
    unit: &'static str,
    component: &'static str,
    delivery: &Arc<Delivery>,
    read: fn(&Delivery) -> Counts,
) {
    let delivery = Arc::clone(delivery);
    let component = KeyValue::new(attribute::OTEL_COMPONENT_TYPE, component);
    meter
        .u64_observable_counter(name)
        .with_unit(unit)
        .with_callback(move |counter| {
            let (well, (lost, error_type)) = read(&delivery);
            counter.observe(well, std::slice::from_ref(&component));
            counter.observe(lost, &[component.clone(), KeyValue::new(attribute::ERROR_TYPE, error_type)]);
        })
        .build();
}
// ANCHOR_END: metrics
