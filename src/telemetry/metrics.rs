//! Metrics: the meter provider, what it corrects in libraries, and the counts of [`super::delivery`].

use std::sync::Arc;

use opentelemetry::metrics::MeterProvider;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use opentelemetry_semantic_conventions::{attribute, metric};

use super::delivery::{Account, Counted, Delivery, EXPORT_FAILED, QUEUE_FULL};

/// Metrics are collected and sent every `OTEL_METRIC_EXPORT_INTERVAL`.
pub(super) fn provider(
    resource: Resource,
    exporter: Option<MetricExporter>,
    delivery: &Arc<Delivery>,
) -> SdkMeterProvider {
    let mut provider = SdkMeterProvider::builder()
        .with_resource(resource)
        .with_view(by_the_conventions);
    if let Some(exporter) = exporter {
        provider = provider.with_periodic_exporter(Counted::new(exporter, delivery));
    }
    let provider = provider.build();
    global::set_meter_provider(provider.clone());

    count_what_is_lost(&provider, delivery);
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
fn count_what_is_lost(provider: &SdkMeterProvider, delivery: &Arc<Delivery>) {
    let meter = provider.meter("handson");
    let counter = |name: &'static str,
                   unit: &'static str,
                   component: &'static str,
                   read: fn(&Delivery) -> [(u64, Option<&'static str>); 2]| {
        let delivery = Arc::clone(delivery);
        meter
            .u64_observable_counter(name)
            .with_unit(unit)
            .with_callback(move |counter| {
                for (count, error) in read(&delivery) {
                    let mut about = vec![KeyValue::new(attribute::OTEL_COMPONENT_TYPE, component)];
                    about.extend(error.map(|error| KeyValue::new(attribute::ERROR_TYPE, error)));
                    counter.observe(count, &about);
                }
            })
            .build();
    };
    counter(
        "otel.sdk.processor.span.processed",
        "{span}",
        "batching_span_processor",
        |d| processed(&d.spans),
    );
    counter(
        "otel.sdk.processor.log.processed",
        "{log_record}",
        "batching_log_processor",
        |d| processed(&d.log_records),
    );
    counter(
        "otel.sdk.exporter.span.exported",
        "{span}",
        "otlp_http_span_exporter",
        |d| exported(&d.spans),
    );
    counter(
        "otel.sdk.exporter.log.exported",
        "{log_record}",
        "otlp_http_log_exporter",
        |d| exported(&d.log_records),
    );
}

fn processed(account: &Account) -> [(u64, Option<&'static str>); 2] {
    [
        (account.processed(), None),
        (account.queue_full(), Some(QUEUE_FULL)),
    ]
}

fn exported(account: &Account) -> [(u64, Option<&'static str>); 2] {
    [
        (account.exported(), None),
        (account.failed(), Some(EXPORT_FAILED)),
    ]
}
