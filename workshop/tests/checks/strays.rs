//! Requests that the check did not send: their telemetry is right, and must not hide what is wrong.

use otlp::model::{Attributes, Data, Span, SpanKind, Value};
use workshop::evidence::{Evidence, Run};

use super::{advice, assert_fails, assert_passes, failures, with};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The SERVER span of a request to `path` that is answered 404.
fn server_span(run: &Run, path: &str) -> Span {
    let servers = || run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let mut span = servers().next().unwrap().clone();
    (span.trace_id, span.span_id) = (TRACE.to_owned(), "00f067aa0ba902b7".to_owned());
    (span.parent_span_id, span.name) = (None, "GET".to_owned());
    span.attributes.set("url.path", path.into());
    span.attributes.set("user_agent.original", "Mozilla/5.0".into());
    span.attributes.set("http.response.status_code", Value::Int(404));
    span.attributes.remove("http.route");
    span
}

fn point_attributes() -> Attributes {
    let mut attributes = Attributes::default();
    attributes.set("http.request.method", "GET".into());
    attributes.set("url.scheme", "http".into());
    attributes.set("http.response.status_code", Value::Int(404));
    attributes.set("network.protocol.version", "1.1".into());
    attributes
}

/// The answer's evidence with a request to `/favicon.ico`, and a change of its span.
fn with_stray(change: impl Fn(&mut Span)) -> Evidence {
    with(|evidence| {
        let mut span = server_span(&evidence.calm, "/favicon.ico");
        change(&mut span);
        evidence.calm.telemetry.spans.push(span);
        add_point(&mut evidence.calm, 1);
    })
}

/// Adds a series with `count` values without a route.
fn add_point(run: &mut Run, count: u64) {
    let mut metrics = run.telemetry.metrics.iter_mut();
    let metric = metrics.rfind(|metric| metric.name == "http.server.request.duration").unwrap();
    let Data::Histogram { points, .. } = &mut metric.data else { panic!("{metric:?}") };
    let mut point = points[0].clone();
    point.attributes = point_attributes();
    (point.count, point.sum, point.min, point.max) =
        (count, Some(0.001 * count as f64), Some(0.001), Some(0.001));
    point.bucket_counts.fill(0);
    point.bucket_counts[0] = count;
    points.push(point);
}

#[test]
fn a_request_of_a_browser_is_named_and_left_out() {
    let other = with_stray(|_| {});
    assert_passes(&other);
    let advice = advice("server-spans", &other);
    assert!(advice.contains("such as GET for the path /favicon.ico"), "{advice}");
    // The program may have this route, and the request may be part of another trace.
    assert_passes(&with(|evidence| {
        let mut span = server_span(&evidence.calm, "/ready");
        (span.name, span.parent_span_id) = ("GET /ready".to_owned(), Some("b7ad6b7169203331".to_owned()));
        span.attributes.set("http.route", "/ready".into());
        evidence.calm.telemetry.spans.push(span);
    }));
}

#[test]
fn a_call_of_the_program_to_itself_is_left_out() {
    assert_passes(&with(|evidence| {
        let port = i64::from(evidence.calm.port);
        let mut metrics = evidence.calm.telemetry.metrics.iter_mut();
        let metric = metrics.rfind(|metric| metric.name == "http.client.request.duration").unwrap();
        let Data::Histogram { points, .. } = &mut metric.data else { panic!("{metric:?}") };
        let mut point = points[0].clone();
        point.attributes.set("server.port", Value::Int(port));
        points.push(point);
    }));
}

#[test]
fn a_method_that_only_a_stray_request_has_is_right_among_the_active_requests() {
    assert_passes(&with(|evidence| {
        let mut span = server_span(&evidence.calm, "/");
        span.name = "HEAD".to_owned();
        span.attributes.set("http.request.method", "HEAD".into());
        evidence.calm.telemetry.spans.push(span);
        let mut metrics = evidence.calm.telemetry.metrics.iter_mut();
        let metric = metrics.rfind(|metric| metric.name == "http.server.active_requests").unwrap();
        let Data::Sum { points, .. } = &mut metric.data else { panic!("{metric:?}") };
        let mut point = points[0].clone();
        point.attributes.set("http.request.method", "HEAD".into());
        points.push(point);
    }));
}

#[test]
fn a_span_that_pretends_to_be_of_a_request_of_the_run_is_reported() {
    let words = "which is not the trace of a request";
    let changes: [fn(&mut Span); 8] = [
        // A request that the run never sent, or a span with the wrong ids.
        |span| span.attributes.set("url.path", "/handson".into()),
        |span| {
            span.name = "GET /handson".to_owned();
            span.attributes.set("http.route", "/handson".into());
        },
        |span| span.attributes.set("url.path", "/healthz".into()),
        |span| span.attributes.set("user_agent.original", "workshop".into()),
        // A span that is no request at all.
        |span| span.name = "refresh the cache".to_owned(),
        |span| drop(span.attributes.remove("url.path")),
        |span| drop(span.attributes.remove("http.response.status_code")),
        |span| (span.start, span.end) = (1, 2),
    ];
    for change in changes {
        let reported = failures("server-spans", &with_stray(change));
        assert!(reported.contains(words) || reported.contains("it is not within the time"), "{reported}");
    }
    let wrong = with(|evidence| {
        let mut span = server_span(&evidence.calm, "/favicon.ico");
        span.parent_span_id = Some(evidence.calm.exchanges[3].parent.clone().unwrap().span_id);
        evidence.calm.telemetry.spans.push(span);
    });
    assert!(failures("server-spans", &wrong).contains(words));
}

#[test]
fn a_series_that_no_stray_request_explains_is_reported() {
    let wrong = with(|evidence| add_point(&mut evidence.calm, 1));
    assert_fails("metrics", &wrong, "http.route is missing");
    let wrong = with(|evidence| {
        let span = server_span(&evidence.calm, "/favicon.ico");
        evidence.calm.telemetry.spans.push(span);
        add_point(&mut evidence.calm, 2);
    });
    assert_fails("metrics", &wrong, "http.route is missing");
}
