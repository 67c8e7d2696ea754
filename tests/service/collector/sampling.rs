//! Traces that tail sampling keeps.

use std::collections::BTreeSet;
use std::time::Duration;

use super::SPANS;
use super::process::Otelcol;
use crate::support::service::Setup;
use crate::support::start_upstream;
use otlp::Receiver;
use upstream::Reaction;

/// More than the threshold of the policy `slow`.
const SLOW: Duration = Duration::from_millis(600);

/// The trace of a request whose first call of httpbin fails.
const FAILED: &str = "\
GET /handson Server
  GET Client
  handson.sleep50microsec Internal
";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn errors_and_slow_requests_are_kept_and_ordinary_ones_are_not() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 0).await;
    // Four calls of an ordinary request, one that fails, and then slow ones.
    let httpbin = start_upstream(|call| match call.number {
        0..=3 => Reaction::Answer,
        4 => Reaction::Status(503),
        _ => Reaction::Hold,
    });
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).calling(&httpbin).start().await;

    let ordinary = service.get("/handson").await;
    assert_eq!(ordinary.status, 200, "{ordinary:?}");
    let failed = service.get("/handson").await;
    failed.assert_problem(500);
    let (slow, ()) = tokio::join!(service.get("/handson"), async {
        httpbin.until_called(6).await;
        tokio::time::sleep(SLOW).await;
        httpbin.release();
    });
    assert_eq!(slow.status, 200, "{slow:?}");
    service.stop().await;
    otelcol.stop().await;

    let received = upstream.telemetry();
    assert_eq!(received.trace(&failed.trace_id()).shape(), FAILED);
    assert_eq!(received.trace(&slow.trace_id()).spans.len(), SPANS);
    assert_eq!(received.trace(&ordinary.trace_id()).spans.len(), 0, "no share of these should be kept");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn a_share_of_the_ordinary_traces_is_kept_each_completely() {
    let upstream = Receiver::start().await.unwrap();
    let otelcol = Otelcol::start(&upstream, 50).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    for _ in 0..200 {
        assert_eq!(service.get("/handson").await.status, 200);
    }
    service.stop().await;
    otelcol.stop().await;

    let received = upstream.telemetry();
    let kept: BTreeSet<&String> = received.spans.iter().map(|span| &span.trace_id).collect();
    // Five standard deviations on each side and a margin, because a request may have been slow on a busy
    // machine.
    assert!((65..=150).contains(&kept.len()), "{} of 200 kept", kept.len());
    assert!(kept.iter().all(|id| received.trace(id).spans.len() == SPANS), "a trace is kept whole");
}
