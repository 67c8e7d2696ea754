//! Mistakes in `monitor.toml` for step 9. The console's monitor evaluates the answer's real requests.

use otlp::model::{SpanKind, StatusCode};
use workshop::evidence::Evidence;

use super::{assert_fails, assert_passes, with};

/// The answer's evidence, with another `monitor.toml`.
fn with_monitor(old: &str, new: &str) -> Evidence {
    with(|evidence| {
        let text = evidence.backend.monitor.as_mut().unwrap();
        assert_eq!(text.matches(old).count(), 1, "{old:?} in\n{text}");
        *text = text.replace(old, new);
    })
}

#[test]
fn alert_fails_without_a_monitor() {
    let wrong = with(|evidence| evidence.backend.monitor = None);
    assert_fails("alert", &wrong, "there is no monitor.toml");
}

#[test]
fn alert_fails_if_a_field_is_missing_or_not_allowed() {
    assert_fails("alert", &with_monitor("min_requests = 20", ""), "missing field `min_requests`");
    assert_fails("alert", &with_monitor("threshold = 0.05", "threshold = 5"), "expected a share above 0");
    assert_fails("alert", &with_monitor("window = \"1m\"", "window = \"1s\""), "a duration from 10s to 15m");
}

#[test]
fn alert_fails_if_it_watches_another_service() {
    let wrong = with_monitor("\"handson-answer\"", "\"handson\"");
    assert_fails("alert", &wrong, "service = \"handson\"");
}

#[test]
fn alert_fails_if_the_threshold_is_never_reached() {
    let wrong = with_monitor("threshold = 0.05", "threshold = 0.9");
    assert_fails("alert", &wrong, "it never fired");
}

#[test]
fn alert_fails_if_min_requests_is_never_reached() {
    let wrong = with_monitor("min_requests = 20", "min_requests = 1000");
    assert_fails("alert", &wrong, "In 1m there are at most 300 requests");
}

#[test]
fn alert_fails_if_the_window_is_longer_than_the_data() {
    let wrong = with_monitor("window = \"1m\"", "window = \"15m\"");
    assert_fails("alert", &wrong, "it still fires 180 s after the last failure");
}

#[test]
fn alert_fails_if_it_fires_although_nothing_fails() {
    let mut wrong = with(|evidence| {
        let server = |span: &&mut otlp::model::Span| span.kind == SpanKind::Server;
        for span in evidence.calm.telemetry.spans.iter_mut().filter(server) {
            span.status = StatusCode::Error;
        }
    });
    wrong.backend.monitor = with(|_| {}).backend.monitor;
    let reported = super::failures("alert", &wrong);
    assert!(reported.contains("Requests of the calm run have the status Error"), "{reported}");
}

#[test]
fn alert_fails_if_it_fires_again_and_again() {
    // Failures come in bursts, and the window is the shortest one that is allowed.
    let mut wrong = with_monitor("window = \"1m\"", "window = \"10s\"");
    let server = wrong.errors.telemetry.spans.iter_mut().filter(|span| span.kind == SpanKind::Server);
    for (index, span) in server.enumerate() {
        span.status = if index < 50 { StatusCode::Error } else { StatusCode::Unset };
    }
    let reported = super::failures("alert", &wrong);
    assert!(reported.contains("it fired 3 times"), "{reported}");
    assert!(reported.contains("it recovered 3 times"), "{reported}");
}

#[test]
fn other_windows_and_thresholds_pass() {
    for window in ["10s", "30s", "2m"] {
        assert_passes(&with_monitor("window = \"1m\"", &format!("window = \"{window}\"")));
    }
    assert_passes(&with_monitor("threshold = 0.05", "threshold = 0.2"));
    assert_passes(&with_monitor(
        "min_requests = 20",
        "min_requests = 1\nwebhook = \"https://example.com/hook\"",
    ));
}
