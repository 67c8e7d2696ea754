//! The queue of encoded items, which OTLP over HTTP is sent from.

use std::time::Duration;

use instrumentation::delivery::Delivery;
use instrumentation::otlp::Exporters;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otlp::{Behaviour, Receiver};
use tokio::task::block_in_place;

use super::queue_full::{ITEMS, ITEMS_OF_A_THREAD, SMALL, on_threads};
use super::{collector, counts, export_spans, lines, make_log_records, make_spans, reported, settings};
use crate::http::client;
use crate::support::Telemetry;

/// Providers that send to `collector`.
fn providers(
    collector: &Receiver,
    others: &[(&str, &str)],
) -> (SdkTracerProvider, SdkLoggerProvider, Delivery, Telemetry) {
    client();
    let settings = settings(collector.endpoint(), others);
    let (delivery, telemetry) = reported(&settings);
    let exporters = Exporters::new(&settings, &delivery).expect("a client");
    let spans = exporters.span_processor().expect("a processor");
    let logs = exporters.log_processor().expect("a processor");
    let spans = SdkTracerProvider::builder().with_span_processor(spans).build();
    let logs = SdkLoggerProvider::builder().with_log_processor(logs).build();
    (spans, logs, delivery, telemetry)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_finds_the_queue_full_is_counted_exactly_and_the_rest_arrives() {
    lines::collect();
    let collector = collector(Behaviour::Stall).await;
    let (spans, logs, _delivery, telemetry) = providers(&collector, &SMALL);
    on_threads(|| {
        make_spans(&spans, ITEMS_OF_A_THREAD);
        make_log_records(&logs, ITEMS_OF_A_THREAD);
    });
    let failing = lines::wait_for(collector.endpoint(), 1).remove(0);
    assert_eq!(failing.error_type.as_deref(), Some("queue_full"));
    collector.set(Behaviour::Accept);
    block_in_place(|| spans.force_flush().and(logs.force_flush())).expect("the collector accepts");

    let received = collector.received();
    for (item, delivered) in [("span", received.spans as usize), ("log", received.log_records as usize)] {
        assert!((100..=110).contains(&delivered), "a queue and a batch at most, not {delivered}");
        let counts = counts(&telemetry, item);
        assert_eq!((counts.exported, counts.failed), (delivered as i64, 0), "{item}");
        assert_eq!(counts.queue_full, (ITEMS - delivered) as i64, "{item}");
        let processed = telemetry.numbers(&format!("otel.sdk.processor.{item}.processed"));
        let component = format!("otel.component.type=\"batching_{item}_processor\"");
        assert!(processed.contains(&(vec![component], delivered as i64)), "{processed:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_has_more_items_than_a_batch() {
    let collector = collector(Behaviour::Accept).await;
    let (spans, ..) = providers(&collector, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")]);
    export_spans(&spans, 95);
    let received = collector.received();
    assert_eq!((received.spans, received.requests), (95, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn items_of_a_batch_that_is_not_full_are_sent_after_the_delay() {
    let collector = collector(Behaviour::Accept).await;
    let delays = [("OTEL_BSP_SCHEDULE_DELAY", "10"), ("OTEL_BLRP_SCHEDULE_DELAY", "10")];
    let (spans, logs, ..) = providers(&collector, &delays);
    make_spans(&spans, 3);
    make_log_records(&logs, 2);
    let all = collector.until(Duration::from_secs(20), |received| {
        (received.spans == 3 && received.log_records == 2).then_some(())
    });
    all.await.unwrap_or_else(|| panic!("{:?}", collector.received()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_for_a_collector_that_hangs_at_the_end_are_counted_as_lost() {
    lines::collect();
    let collector = collector(Behaviour::Hang).await;
    let (spans, _logs, delivery, _telemetry) =
        providers(&collector, &[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")]);
    make_spans(&spans, 7);
    let timeout = Duration::from_millis(50);
    block_in_place(|| spans.shutdown_with_timeout(timeout)).expect_err("the collector hangs");
    delivery.report_the_end();
    let lost: u64 = lines::so_far(collector.endpoint()).iter().filter_map(|line| line.spans).sum();
    assert_eq!(lost, 7, "{:?}", lines::so_far(collector.endpoint()));
}
