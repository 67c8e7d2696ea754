//! A full queue: dropped items are counted exactly.

use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::block_in_place;

use super::gate::Gate;
use super::{counts, export_spans, lines, make_log_records, make_spans, reported, settings};

pub const SMALL: [(&str, &str); 4] = [
    ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"),
];
const THREADS: usize = 8;
pub const ITEMS_OF_A_THREAD: usize = 500;
pub const ITEMS: usize = THREADS * ITEMS_OF_A_THREAD;

pub fn on_threads(work: impl Fn() + Sync) {
    block_in_place(|| {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(&work);
            }
        });
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_dropped_by_a_full_queue_are_counted_exactly() {
    lines::collect();
    let endpoint = "http://blocked-spans.invalid";
    let (delivery, telemetry) = reported(&settings(endpoint, &SMALL));
    let gate = Gate::new(false);
    let processor = delivery.span_processor(Some(gate.clone()));
    let spans = SdkTracerProvider::builder().with_span_processor(processor).build();
    on_threads(|| make_spans(&spans, ITEMS_OF_A_THREAD));

    let failing = lines::wait_for(endpoint, 1).remove(0);
    assert_eq!(failing.error_type.as_deref(), Some("queue_full"));
    assert!(failing.message.contains("a queue is full"), "{}", failing.message);
    gate.open();
    export_spans(&spans, 0);

    let delivered = gate.exported();
    assert!((100..=110).contains(&delivered), "a queue and a batch at most, not {delivered}");
    let counts = counts(&telemetry, "span");
    assert_eq!((counts.exported, counts.failed), (delivered as i64, 0));
    assert_eq!(counts.queue_full, (ITEMS - delivered) as i64);
    let recovered = lines::wait_for(endpoint, 2).remove(1);
    assert_eq!((recovered.spans, recovered.log_records), (Some((ITEMS - delivered) as u64), Some(0)));
    block_in_place(|| spans.shutdown()).expect("nothing is left to send");
    delivery.report_the_end();
    assert_eq!(lines::so_far(endpoint).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_are_delivered_or_counted_while_the_exporter_works() {
    lines::collect();
    let endpoint = "http://busy-spans.invalid";
    let (delivery, telemetry) = reported(&settings(endpoint, &SMALL));
    let gate = Gate::new(true);
    let processor = delivery.span_processor(Some(gate.clone()));
    let spans = SdkTracerProvider::builder().with_span_processor(processor).build();
    on_threads(|| make_spans(&spans, ITEMS_OF_A_THREAD));
    block_in_place(|| spans.shutdown()).expect("the exporter keeps up at the end");

    let counts = counts(&telemetry, "span");
    assert_eq!(counts.exported, gate.exported() as i64);
    assert_eq!(counts.exported + counts.queue_full, ITEMS as i64, "{counts:?}");
    delivery.report_the_end();
    let losses: u64 = lines::so_far(endpoint).iter().filter_map(|line| line.spans).sum();
    assert_eq!(losses, counts.queue_full as u64, "{:?}", lines::so_far(endpoint));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_records_dropped_by_a_full_queue_are_counted_exactly() {
    lines::collect();
    let endpoint = "http://blocked-logs.invalid";
    let (delivery, telemetry) = reported(&settings(endpoint, &SMALL));
    let gate = Gate::new(false);
    let processor = delivery.log_processor(Some(gate.clone()));
    let logs = SdkLoggerProvider::builder().with_log_processor(processor).build();
    on_threads(|| make_log_records(&logs, ITEMS_OF_A_THREAD));
    lines::wait_for(endpoint, 1);
    gate.open();
    block_in_place(|| logs.force_flush()).expect("the gate is open");

    let delivered = gate.exported();
    assert!((100..=110).contains(&delivered), "a queue and a batch at most, not {delivered}");
    let counts = counts(&telemetry, "log");
    assert_eq!((counts.exported, counts.failed), (delivered as i64, 0));
    assert_eq!(counts.queue_full, (ITEMS - delivered) as i64);
    let recovered = lines::wait_for(endpoint, 2).remove(1);
    assert_eq!((recovered.spans, recovered.log_records), (Some(0), Some((ITEMS - delivered) as u64)));
}
