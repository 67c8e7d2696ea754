//! Items that are lost when the process ends.

use std::time::{Duration, Instant};

use instrumentation::otlp::Exporters;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otlp::{Behaviour, Received};
use tokio::task::block_in_place;

use super::gate::Gate;
use super::{collector, lines, make_spans, reported, settings};
use crate::http::client;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_and_exporting_spans_at_the_end_are_counted_as_lost() {
    lines::collect();
    let endpoint = "http://hanging.invalid";
    let batches_of_3 = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")];
    let (delivery, _telemetry) = reported(&settings(endpoint, &batches_of_3));
    let gate = Gate::new(false);
    let processor = delivery.span_processor(Some(gate.clone()));
    let spans = SdkTracerProvider::builder().with_span_processor(processor).build();
    make_spans(&spans, 7);
    block_in_place(|| gate.wait_for_an_export());
    let timeout = Duration::from_millis(50);
    block_in_place(|| spans.shutdown_with_timeout(timeout)).expect_err("the exporter hangs");
    assert!(lines::so_far(endpoint).is_empty());

    delivery.report_the_end();
    let lines = lines::so_far(endpoint);
    let [failing, lost] = lines.as_slice() else { panic!("expected two lines, got {lines:?}") };
    assert_eq!(failing.name, "handson.otlp.failing");
    assert_eq!(lost.message, "OTLP export has failed until the end of the process");
    assert_eq!((lost.spans, lost.log_records), (Some(7), Some(0)));
    gate.open();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_does_not_wait_for_retries() {
    lines::collect();
    client();
    let collector = collector(Behaviour::RetryAfter(Duration::from_secs(8))).await;
    let one_by_one = [("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")];
    let settings = settings(collector.endpoint(), &one_by_one);
    let (delivery, _telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let processor = exporters.span_processor().expect("an exporter");
    let spans = SdkTracerProvider::builder().with_span_processor(processor).build();
    make_spans(&spans, 1);
    let refused = |received: &Received| received.refused.spans.first().map(drop);
    collector.until(Duration::from_secs(20), refused).await.expect("an export");

    let before = Instant::now();
    let _ = block_in_place(|| spans.shutdown());
    assert!(before.elapsed() < Duration::from_secs(4), "the retry is due in 8 s");
    delivery.report_the_end();
    let lost: u64 = lines::so_far(collector.endpoint()).iter().filter_map(|line| line.spans).sum();
    assert_eq!(lost, 1, "{:?}", lines::so_far(collector.endpoint()));
}
