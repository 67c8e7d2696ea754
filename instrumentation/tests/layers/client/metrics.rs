//! The metrics of the client middleware.

use std::collections::BTreeMap;
use std::time::Instant;

use opentelemetry::trace::SpanKind;

use super::{Callee, call, recorded};
use crate::http::{closed, serve_bytes};
use crate::support::{Telemetry, attributes};

const DURATION: &str = "http.client.request.duration";

#[tokio::test]
async fn the_durations_equal_the_spans_in_attributes_and_counts() {
    let start = Instant::now();
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    let client = recorded(&telemetry.instrumentation());
    for path in ["/echo", "/echo?other", "/status/404", "/status/500", "/status/500"] {
        call(&client, callee.url(path)).await;
    }
    client.post(callee.url("/echo")).send().await.expect("the server answers");
    client.get(format!("http://{}/", closed().await)).send().await.expect_err("nothing listens");
    let broken = serve_bytes("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
    let response = client.get(format!("http://{broken}/")).send().await.expect("the head arrives");
    response.bytes().await.expect_err("96 bytes are missing");
    tokio::select! {
        answer = client.get(callee.url("/slow")).send() => panic!("it never answers, got {answer:?}"),
        () = callee.slow.notified() => {}
    }

    let mut of_spans = BTreeMap::<_, (u64, f64)>::new();
    for span in telemetry.spans_of(SpanKind::Client) {
        let shared = span.attributes.iter().filter(|attribute| attribute.key.as_str() != "url.full");
        let series = of_spans.entry(attributes(shared)).or_default();
        series.0 += 1;
        series.1 += span.end_time.duration_since(span.start_time).expect("time goes on").as_secs_f64();
    }
    let points = telemetry.durations(DURATION);
    let of_metrics: BTreeMap<_, _> =
        points.iter().map(|point| (attributes(point.attributes()), (point.count(), point.sum()))).collect();
    let counts = |series: &BTreeMap<Vec<String>, (u64, f64)>| {
        series.iter().map(|(attributes, (count, _))| (attributes.clone(), *count)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&of_metrics), counts(&of_spans));
    assert_eq!(of_metrics.len(), 7, "{of_metrics:?}");
    let elapsed = start.elapsed().as_secs_f64();
    for (attributes, (_, of_spans)) in &of_spans {
        let sum = of_metrics[attributes].1;
        assert!(sum > 0.0 && sum < elapsed, "{attributes:?}: {sum} s, the spans {of_spans} s of {elapsed} s");
        assert!(*of_spans < elapsed, "{attributes:?}: {of_spans} s of {elapsed} s");
    }
}

#[tokio::test]
async fn the_duration_is_in_seconds_with_the_boundaries_of_the_conventions() {
    let (telemetry, callee) = (Telemetry::new(), Callee::start().await);
    call(&recorded(&telemetry.instrumentation()), callee.url("/echo")).await;
    let points = telemetry.durations(DURATION);
    assert_eq!(
        points[0].bounds().collect::<Vec<_>>(),
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
    );
    let words =
        telemetry.metric(DURATION, |metric| (metric.unit().to_owned(), metric.description().to_owned()));
    assert_eq!(words, Some(("s".to_owned(), "Duration of HTTP client requests.".to_owned())));
    let scopes = telemetry.metric_scopes();
    let [scope] = scopes.as_slice() else { panic!("expected one scope, got {scopes:?}") };
    assert_eq!(scope.name(), "handson-instrumentation");
}
