//! Failures, and what the caller, the log and the trace contain about them.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use axum::http::StatusCode as HttpStatus;
use sqlx::{Connection, SqliteConnection};

use crate::support::ClosedPort;
use crate::support::client::Answer;
use crate::support::queries::Queries;
use crate::support::service::{Output, Setup};
use crate::support::start_upstream;
use otlp::Receiver;
use otlp::model::{Span, StatusCode, Telemetry};
use upstream::{Reaction, Upstream};

/// The results of a failed request: the response, the received telemetry, and the log.
struct Failed {
    answer: Answer,
    received: Telemetry,
    output: Output,
}

impl Failed {
    /// The span in which the failure happened, after asserting what all failures have in common: the caller
    /// gets only the trace id, one line is logged, one exception event is on one span, and both that span and
    /// the server span have failed.
    fn assert_recorded_once(&self, kind: &str) -> &Span {
        let trace_id = self.answer.trace_id();
        let problem = self.answer.assert_problem(500);
        assert_eq!(problem["trace_id"], trace_id);
        let body = self.answer.body.to_lowercase();
        let kind_of_failure = kind.to_lowercase();
        for internal in ["sqlite", "users", "httpbin", "127.0.0.1", "src/", "random", &kind_of_failure] {
            assert!(!body.contains(internal), "{body}");
        }

        let [line] = self.output.at_level("ERROR")[..] else { panic!("one line at ERROR") };
        assert_eq!(line["trace_id"], trace_id, "{line}");
        assert_eq!(line["error"]["kind"], kind, "{line}");
        assert!(self.output.at_level("WARN").is_empty(), "logged once");
        assert!(self.output.stderr.is_empty(), "no text of a panic");

        let exceptions: Vec<_> = self.received.exceptions();
        let [(span, event)] = exceptions[..] else { panic!("one exception event: {exceptions:#?}") };
        assert_eq!(span.trace_id, trace_id);
        assert_eq!(event.attributes["exception.type"], kind);
        // The line contains the whole chain of causes, the event the part that was known where it happened.
        let message = event.attributes.text("exception.message").unwrap();
        assert!(line["error"]["message"].as_str().unwrap().ends_with(message), "{message} {line}");
        let stack = event.attributes.text("exception.stacktrace").unwrap();
        let whole = line["error"]["stack"].as_str().unwrap();
        assert!(stack.lines().all(|cause| whole.contains(cause)), "{stack} {line}");
        assert_names_places(stack);
        assert_names_places(whole);

        let server = self.server_span();
        assert_eq!((span.status, server.status), (StatusCode::Error, StatusCode::Error));
        assert_eq!(server.attributes["http.response.status_code"], 500);
        assert_eq!(server.attributes["error.type"], "500");
        span
    }

    fn server_span(&self) -> &Span {
        let span_id = self.answer.trace_and_span_id().1;
        self.received.spans.iter().find(|span| span.span_id == span_id).unwrap()
    }
}

/// Every cause and every frame must be a line with a location in this crate: `src/httpbin.rs:42`, without
/// folders of the build machine.
fn assert_names_places(stack: &str) {
    let lines: Vec<&str> = stack.lines().filter(|line| line.contains(".rs:")).collect();
    assert!(!lines.is_empty(), "{stack}");
    for line in lines {
        let place = line.rsplit_once('(').and_then(|(_, place)| place.strip_suffix(')'));
        let file = place.and_then(|place| place.split(':').next());
        let file = file.unwrap_or_else(|| panic!("no place: {line}"));
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(file).is_file();
        assert!(file.starts_with("src/") && ours, "not a place of ours: {line}");
    }
}

/// Sends one request that fails, and a second one to show that the service still works.
async fn fail_once(collector: &Receiver, setup: Setup) -> Failed {
    let service = setup.start().await;
    let answer = service.get("/handson").await;
    let next = service.get("/handson").await;
    assert_eq!(next.status, HttpStatus::OK, "the service goes on: {next:?}");
    let output = service.stop().await;
    Failed { answer, received: collector.telemetry(), output }
}

/// The first call fails in this way, later ones are answered.
async fn failing_first(reaction: Reaction) -> Upstream {
    let react = move |number| {
        if number == 0 { reaction } else { Reaction::Answer }
    };
    start_upstream(move |call| react(call.number))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_down_fails_its_call() {
    let collector = Receiver::start().await.unwrap();
    let nobody = ClosedPort::new();
    let service = Setup::exporting_to(&collector).with("HTTPBIN_URL", nobody.url()).start().await;
    let answer = service.get("/handson").await;
    assert_eq!(service.get("/healthz").await.status, HttpStatus::OK, "the service goes on");
    let output = service.stop().await;

    let failed = Failed { answer, received: collector.telemetry(), output };
    let span = failed.assert_recorded_once("HttpbinError");
    assert_eq!(span.name, "GET");
    assert!(span.attributes["error.type"].as_str().is_some(), "{span:#?}");
    assert_eq!(span.attributes.get("http.response.status_code"), None, "there was no answer");
    assert_eq!(failed.received.spans.len(), 3, "what comes after the first call is not tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_answers_500_fails_its_call() {
    let collector = Receiver::start().await.unwrap();
    let upstream = failing_first(Reaction::Status(500)).await;
    let failed = fail_once(&collector, Setup::exporting_to(&collector).calling(&upstream)).await;

    let span = failed.assert_recorded_once("HttpbinError");
    assert_eq!(span.name, "GET");
    assert_eq!(span.attributes["error.type"], "500", "a string, as the conventions have it");
    assert_eq!(span.attributes["http.response.status_code"], 500, "a number");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_breaks_off_fails_its_call() {
    let collector = Receiver::start().await.unwrap();
    let upstream = failing_first(Reaction::BreakOffBody).await;
    let failed = fail_once(&collector, Setup::exporting_to(&collector).calling(&upstream)).await;

    let span = failed.assert_recorded_once("HttpbinError");
    assert_eq!(span.name, "GET");
    assert_eq!(span.attributes["http.response.status_code"], 200, "the head of the answer was good");
    assert!(span.attributes["error.type"].as_str().is_some(), "{span:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_is_too_slow_fails_its_call() {
    let collector = Receiver::start().await.unwrap();
    let upstream = failing_first(Reaction::Hold).await;
    let setup = Setup::exporting_to(&collector).calling(&upstream);
    let failed = fail_once(&collector, setup.with("HTTPBIN_TIMEOUT", "500ms")).await;

    let span = failed.assert_recorded_once("HttpbinError");
    assert_eq!(span.name, "GET");
    assert_eq!(span.attributes["error.type"], "timeout");
    assert!(span.end - span.start >= Duration::from_millis(450).as_nanos() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_the_three_calls_to_fail_ends_the_others() {
    let collector = Receiver::start().await.unwrap();
    let first_trace = OnceLock::new();
    let upstream = start_upstream(move |call| {
        let trace = call.header("traceparent").unwrap()[..35].to_owned();
        let is_of_first = *first_trace.get_or_init(|| trace.clone()) == trace;
        match call.uri.path() {
            "/post" if is_of_first => Reaction::Status(503),
            // These calls are never released, so the request cannot wait for them.
            _ if is_of_first && call.number > 0 => Reaction::Hold,
            _ => Reaction::Answer,
        }
    });
    let failed = fail_once(&collector, Setup::exporting_to(&collector).calling(&upstream)).await;

    let span = failed.assert_recorded_once("HttpbinError");
    assert_eq!((span.name.as_str(), span.attributes.text("error.type")), ("POST", Some("503")));
    let names: Vec<&str> =
        failed.received.trace(&span.trace_id).spans.iter().map(|span| span.name.as_str()).collect();
    assert!(!names.contains(&"handson.dbQuery"), "stopped at the first failure: {names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_a_500_on_its_server_span() {
    let collector = Receiver::start().await.unwrap();
    let upstream = failing_first(Reaction::Hold).await;
    let setup = Setup::exporting_to(&collector).calling(&upstream);
    let failed = fail_once(&collector, setup.with("REQUEST_TIMEOUT", "1s")).await;

    let span = failed.assert_recorded_once("Timeout");
    assert_eq!(span.span_id, failed.server_span().span_id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_random_error_is_recorded_on_its_own_span() {
    let collector = Receiver::start().await.unwrap();
    let service = Setup::exporting_to(&collector).with("RANDOM_ERROR_RATE", "1").start().await;
    let answer = service.get("/handson").await;
    let output = service.stop().await;

    let failed = Failed { answer, received: collector.telemetry(), output };
    let span = failed.assert_recorded_once("RandomError");
    assert_eq!(span.name, "handson.randomError");
    assert_eq!(failed.received.spans.len(), 9);
    let unset = |span: &&Span| span.status == StatusCode::Unset;
    assert_eq!(failed.received.spans.iter().filter(unset).count(), 7, "only these two failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_error_is_recorded_on_the_span_of_the_query() {
    let collector = Receiver::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handson.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let service = Setup::exporting_to(&collector).with("DATABASE_URL", &url).start().await;
    assert_eq!(service.get("/handson").await.status, HttpStatus::OK);

    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("ALTER TABLE users RENAME TO away").execute(&mut connection).await.unwrap();
    let answer = service.get("/handson").await;
    sqlx::query("ALTER TABLE away RENAME TO users").execute(&mut connection).await.unwrap();
    let next = service.get("/handson").await;
    assert_eq!(next.status, HttpStatus::OK, "the service goes on: {next:?}");
    let output = service.stop().await;

    let failed = Failed { answer, received: collector.telemetry(), output };
    let span = failed.assert_recorded_once("DatabaseError");
    assert_eq!(span.name, "handson.dbQuery");
    let query = failed.received.trace(&span.trace_id).spans;
    let query = query.iter().find(|span| span.name == "SELECT users").unwrap();
    assert_eq!(query.status, StatusCode::Error);
    assert!(query.attributes["error.type"].as_str().is_some(), "{query:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backtrace_is_recorded_if_it_is_enabled_with_own_frames_only() {
    let setup = Setup::new().with("RANDOM_ERROR_RATE", "1").with("RUST_BACKTRACE", "1");
    let service = setup.start().await;
    service.get("/handson").await.assert_problem(500);
    let output = service.stop().await;

    let stack = output.at_level("ERROR")[0]["error"]["stack"].as_str().unwrap();
    assert_names_places(stack);
    assert!(stack.lines().any(|line| line.starts_with("  at ")), "{stack}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_telemetry_a_failure_is_still_answered_and_logged() {
    let service = Setup::new().with("RANDOM_ERROR_RATE", "1").start().await;
    let problem = service.get("/handson").await.assert_problem(500);
    service.get("/nowhere").await.assert_problem(404);
    let output = service.stop().await;

    assert_eq!(problem.get("trace_id"), None, "there is no trace to name");
    assert_eq!(output.at_level("ERROR").len(), 1);
}
