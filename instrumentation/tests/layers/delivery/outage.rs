//! A collector that refuses, and later recovers.

use instrumentation::otlp::Exporters;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otlp::Behaviour;
use tokio::task::block_in_place;

use super::{Counts, collector, counts, export_log_records, export_spans, lines, reported, settings};
use crate::http::{client, closed};

/// Rejects two items of each batch.
const REJECT_2: Behaviour = Behaviour::Reject { items: 2, reason: "attributes are too long" };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_one_warning_at_its_beginning_and_one_with_the_numbers_at_its_end() {
    lines::collect();
    client();
    let collector = collector(Behaviour::Refuse(400)).await;
    let settings = settings(collector.endpoint(), &[]);
    let (delivery, telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let spans = exporters.span_processor().expect("an exporter");
    let spans = SdkTracerProvider::builder().with_span_processor(spans).build();
    let logs = exporters.log_processor().expect("an exporter");
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();

    export_spans(&spans, 5);
    let endpoint = collector.endpoint().to_owned();
    let failing = lines::wait_for(&endpoint, 1).remove(0);
    assert_eq!(failing.name, "handson.otlp.failing");
    assert_eq!(failing.error_type.as_deref(), Some("export_failed"));
    assert_eq!(
        failing.message,
        format!(
            "OTLP export to {endpoint} (http/protobuf) is failing: the receiver responded with HTTP status \
             400 Bad Request; dropped items are counted"
        )
    );
    export_spans(&spans, 2);
    export_log_records(&logs, 3);

    collector.set(Behaviour::Accept);
    export_spans(&spans, 4);
    assert_eq!(lines::so_far(&endpoint).len(), 1, "log records have not recovered");
    export_log_records(&logs, 1);
    let recovered = lines::wait_for(&endpoint, 2).remove(1);
    assert_eq!(recovered.name, "handson.otlp.dropped");
    assert_eq!(recovered.message, "OTLP export has recovered");
    assert_eq!((recovered.spans, recovered.log_records), (Some(7), Some(3)));
    let received = collector.received();
    assert_eq!((received.spans, received.log_records), (4, 1));
    assert_eq!(counts(&telemetry, "span"), Counts { exported: 4, failed: 7, queue_full: 0 });
    assert_eq!(counts(&telemetry, "log"), Counts { exported: 1, failed: 3, queue_full: 0 });

    // The next outage counts from zero.
    collector.set(Behaviour::Refuse(403));
    export_spans(&spans, 1);
    let failing = lines::wait_for(&endpoint, 3).remove(2);
    assert!(failing.message.contains("403 Forbidden"), "{}", failing.message);
    collector.set(Behaviour::Accept);
    export_spans(&spans, 1);
    let recovered = lines::wait_for(&endpoint, 4).remove(3);
    assert_eq!((recovered.spans, recovered.log_records), (Some(1), Some(0)));

    block_in_place(|| spans.shutdown().and(logs.shutdown())).expect("nothing is left to send");
    delivery.report_the_end();
    assert_eq!(lines::so_far(&endpoint).len(), 4, "nothing was lost at the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failed_exports_of_metrics_are_reported_and_lose_nothing() {
    lines::collect();
    client();
    let collector = collector(Behaviour::Refuse(400)).await;
    let settings = settings(collector.endpoint(), &[]);
    let (delivery, _telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let reader = PeriodicReader::builder(exporters.metrics().expect("an exporter")).build();
    let metrics = SdkMeterProvider::builder().with_reader(reader).build();
    opentelemetry::metrics::MeterProvider::meter(&metrics, "test").u64_counter("work").build().add(1, &[]);

    block_in_place(|| metrics.force_flush()).expect_err("the collector refuses");
    lines::wait_for(collector.endpoint(), 1);
    collector.set(Behaviour::Accept);
    block_in_place(|| metrics.force_flush()).expect("the collector accepts");
    let recovered = lines::wait_for(collector.endpoint(), 2).remove(1);
    assert_eq!((recovered.spans, recovered.log_records), (Some(0), Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_that_the_collector_rejects_in_a_partial_success_are_counted_as_lost() {
    lines::collect();
    client();
    let collector = collector(REJECT_2).await;
    let settings = settings(collector.endpoint(), &[]);
    let (delivery, telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let spans = exporters.span_processor().expect("an exporter");
    let spans = SdkTracerProvider::builder().with_span_processor(spans).build();
    export_spans(&spans, 5);

    let rejected = lines::wait_for(collector.endpoint(), 1).remove(0);
    assert_eq!(rejected.name, "handson.otlp.rejected");
    assert_eq!(rejected.message, "the collector has rejected spans: attributes are too long");
    assert_eq!(rejected.spans, Some(2));
    assert_eq!(counts(&telemetry, "span"), Counts { exported: 3, failed: 2, queue_full: 0 });
    assert_eq!(collector.received().spans, 3);
    block_in_place(|| spans.shutdown()).expect("nothing is left to send");
    delivery.report_the_end();
    assert_eq!(lines::so_far(collector.endpoint()).len(), 1, "the collector itself works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_records_that_the_collector_rejects_in_a_partial_success_are_counted_as_lost() {
    lines::collect();
    client();
    let collector = collector(REJECT_2).await;
    let settings = settings(collector.endpoint(), &[]);
    let (delivery, telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let logs = exporters.log_processor().expect("an exporter");
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();
    export_log_records(&logs, 5);

    let rejected = lines::wait_for(collector.endpoint(), 1).remove(0);
    assert_eq!(rejected.name, "handson.otlp.rejected");
    assert_eq!(rejected.message, "the collector has rejected log records: attributes are too long");
    assert_eq!((rejected.spans, rejected.log_records), (None, Some(2)));
    assert_eq!(counts(&telemetry, "log"), Counts { exported: 3, failed: 2, queue_full: 0 });
    assert_eq!(collector.received().log_records, 3);
    block_in_place(|| logs.shutdown()).expect("nothing is left to send");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_collector_is_reported_with_its_address_and_the_reason() {
    lines::collect();
    client();
    let endpoint = format!("http://{}", closed().await);
    let settings = settings(&endpoint, &[]);
    let (delivery, _telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let logs = exporters.log_processor().expect("an exporter");
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();
    export_log_records(&logs, 1);
    let failing = lines::wait_for(&endpoint, 1).remove(0);
    assert!(failing.message.contains("is failing: Connection refused"), "{}", failing.message);
}
