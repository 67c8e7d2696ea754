//! Options and variables: their effect, and the rejection of anything else before the program listens.

use std::fs;

use serde_json::{Value, json};

use crate::support::ClosedPort;
use crate::support::queries::Queries;
use crate::support::service::{Ended, Setup};
use crate::support::start_upstream;
use otlp::Receiver;
use upstream::Reaction;

/// Variable, an invalid value, and a word of the expected message.
const BAD_VALUES: &[(&str, &str, &str)] = &[
    ("RANDOM_ERROR_RATE", "-0.1", "0 to 1"),
    ("RANDOM_ERROR_RATE", "1.5", "0 to 1"),
    ("RANDOM_ERROR_RATE", "abc", "0 to 1"),
    ("RANDOM_ERROR_RATE", "NaN", "0 to 1"),
    ("RANDOM_SEED", "minus one", "number"),
    ("HOST", "nowhere at all", "127.0.0.1"),
    ("PORT", "70000", "65535"),
    ("PORT", "eighty", "65535"),
    ("BACKEND_NAME", "Sakura!", "backend-"),
    ("ENV", "prod", "production"),
    ("HTTPBIN_URL", "nonsense", "http://"),
    ("HTTPBIN_URL", "ftp://httpbin.org", "http://"),
    ("HTTPBIN_TIMEOUT", "fast", "5"),
    ("HTTPBIN_TIMEOUT", "0s", "5"),
    ("REQUEST_TIMEOUT", "-1s", "5"),
    ("GRACE_PERIOD", "soon", "10s"),
    ("DATABASE_URL", "postgres://localhost/handson", "sqlite"),
    ("LOG_LEVEL", "loud", "info"),
    ("LOG_FORMAT", "xml", "json"),
    ("RUST_LOG", "handson=loud", "handson=debug"),
    ("OTEL_SDK_DISABLED", "maybe", "true"),
    ("OTEL_TRACES_EXPORTER", "zipkin", "otlp"),
    ("OTEL_METRICS_EXPORTER", "prometheus", "otlp"),
    ("OTEL_LOGS_EXPORTER", "stdout", "otlp"),
    ("OTEL_PROPAGATORS", "foo", "tracecontext"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "xml", "http/protobuf"),
    ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "grpc"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", "http://"),
    ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "localhost:4318", "http://"),
    ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip", "gzip"),
    ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "number"),
    ("OTEL_TRACES_SAMPLER", "sometimes", "always_on"),
    ("OTEL_TRACES_SAMPLER_ARG", "2", "0 to 1"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "many", "number"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "1s", "number"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "often", "number"),
    // The SDK would send the first four without the header, or with a wrong one.
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key", "NAME=VALUE"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "=x", "NAME=VALUE"),
    ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "bad name=x", "NAME=VALUE"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "x=%zz", "NAME=VALUE"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "a=b;c=d", "NAME=VALUE"),
    // The SDK would send to `/otlp/?x=1/v1/traces`.
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h/otlp/?x=1", "without query"),
];

/// Values that contain a password, in variables that reject or accept them.
const PASSWORDS: &[(&str, &str)] = &[
    ("HTTPBIN_URL", "http://user:hunter2@host/?x=1"),
    ("HTTPBIN_URL", "ftp://user:hunter2@host"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hunter2@host/?x=1"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://user:hunter2@host"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=hunter2;x"),
    ("DATABASE_URL", "postgres://user:hunter2@host/handson"),
];

/// Asserts that the program ended with a usage error: status 2, and a message on stderr that contains all
/// `words`.
fn assert_refused(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(2), "{ended:#?}");
    assert!(ended.output.stdout.is_empty(), "{ended:#?}");
    let message = ended.output.stderr.join("\n");
    assert!(message.starts_with("error: "), "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_value_is_refused_with_variable_value_and_what_is_allowed() {
    for (variable, value, allowed) in BAD_VALUES {
        let ended = Setup::new().with(variable, value).run().await;
        // Values that may be a key are masked.
        let shown = match (variable.ends_with("HEADERS"), value.split_once('=')) {
            (true, Some((name, _))) => name,
            (true, None) => "***",
            (false, _) => value,
        };
        assert_refused(&ended, &[variable, shown, allowed]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_error_message_shows_a_password() {
    for (variable, value) in PASSWORDS {
        let ended = Setup::new().with(variable, value).run().await;
        assert_refused(&ended, &[variable]);
        let message = ended.output.stderr.join("\n");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_shows_the_password_of_an_endpoint() {
    let nobody = ClosedPort::new();
    let endpoint = nobody.url().replace("http://", "http://user:hunter2@");
    let service = Setup::exporting_to_endpoint(&endpoint)
        .with("HTTPBIN_URL", &endpoint)
        .with("OTEL_BSP_SCHEDULE_DELAY", 100)
        .start()
        .await;
    service.get("/handson").await.assert_problem(500);
    let output = service.stop().await;
    assert!(!output.at_level("WARN").is_empty(), "the export has failed: {output:#?}");
    assert!(!format!("{output:?}").contains("hunter2"), "{output:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_options_and_commands_are_refused() {
    for unknown in ["--colour", "serve", "-x"] {
        let ended = Setup::new().arguments(&[unknown]).run().await;
        assert_refused(&ended, &[unknown]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_option_also_names_its_variable() {
    let ended = Setup::new().arguments(&["--random-error-rate", "2"]).run().await;
    assert_refused(&ended, &["RANDOM_ERROR_RATE", "2", "0 to 1"]);
}

/// Asserts that the program ended because it could not start: status 1, and one line at ERROR that contains
/// `words`.
fn assert_failed_to_start(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert!(ended.output.stderr.is_empty(), "{ended:#?}");
    let [line] = ended.output.at_level("ERROR")[..] else { panic!("one line: {ended:#?}") };
    assert!(line["error"]["stack"].is_string(), "{line}");
    for word in words {
        assert!(line["message"].as_str().unwrap().contains(word), "`{word}` is not in: {line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_an_error_at_the_start() {
    let taken = start_upstream(|_| Reaction::Answer);
    let port = taken.port().to_string();
    let ended = Setup::new().with("PORT", &port).run().await;
    assert_failed_to_start(&ended, &[&port]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_cannot_be_written_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for file in [folder.path().to_owned(), folder.path().join("missing/handson.db")] {
        let url = format!("sqlite://{}?mode=rwc", file.display());
        let ended = Setup::new().with("DATABASE_URL", url).run().await;
        assert_failed_to_start(&ended, &["database"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_is_read_only_and_empty_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handson.db");
    fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}?mode=ro", file.display());
    let ended = Setup::new().with("DATABASE_URL", url).run().await;
    assert_failed_to_start(&ended, &["database"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_database_file_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handson.db");
    fs::write(&file, "this was a database once\n".repeat(400)).unwrap();
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let ended = Setup::new().with("DATABASE_URL", url).run().await;
    assert_failed_to_start(&ended, &["database"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_is_exported_as_telemetry() {
    let collector = Receiver::start().await.unwrap();
    let taken = start_upstream(|_| Reaction::Answer);
    let ended = Setup::exporting_to(&collector).with("PORT", taken.port()).run().await;

    assert_failed_to_start(&ended, &[]);
    let records = collector.telemetry().log_records;
    assert!(records.iter().any(|record| record.severity_text == "ERROR"), "{records:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn help_lists_every_variable() {
    let ended = Setup::new().arguments(&["--help"]).run().await;

    assert!(ended.status.success(), "{ended:#?}");
    let help = ended.output.stdout.join("\n");
    let variables = [
        "HOST",
        "PORT",
        "BACKEND_NAME",
        "ENV",
        "HTTPBIN_URL",
        "HTTPBIN_TIMEOUT",
        "REQUEST_TIMEOUT",
        "DATABASE_URL",
        "RANDOM_ERROR_RATE",
        "RANDOM_SEED",
        "GRACE_PERIOD",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "RUST_LOG",
        "OTEL_SERVICE_NAME",
        "OTEL_SDK_DISABLED",
        "OTEL_PROPAGATORS",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_BSP_MAX_QUEUE_SIZE",
    ];
    for variable in variables {
        assert!(help.contains(variable), "{variable} is not in:\n{help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn version_prints_the_version() {
    let ended = Setup::new().arguments(&["--version"]).run().await;
    assert!(ended.status.success(), "{ended:#?}");
    let expected = format!("handson {}", env!("CARGO_PKG_VERSION"));
    assert!(ended.output.stdout[0].starts_with(&expected), "{ended:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backend_name_makes_the_greeting_and_the_service_name() {
    let service = Setup::new().with("BACKEND_NAME", "backend-sakura").start().await;
    let answer = service.get("/handson").await;
    let output = service.stop().await;

    assert_eq!(answer.json(), json!({ "message": "Hello, handson-sakura" }));
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(output.lines.iter().all(|line| line["service"] == "handson-sakura"));
}

#[tokio::test(flavor = "multi_thread")]
async fn otel_service_name_overrides_the_backend_name() {
    let collector = Receiver::start().await.unwrap();
    let setup = Setup::exporting_to(&collector).with("BACKEND_NAME", "backend-sakura");
    let service = setup.with("OTEL_SERVICE_NAME", "shop").start().await;
    service.get("/handson").await;
    let output = service.stop().await;

    assert!(output.lines.iter().all(|line| line["service"] == "shop"), "{:#?}", output.lines);
    assert_eq!(collector.telemetry().span("GET /handson").service(), "shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_overrides_its_variable_and_an_empty_variable_is_ignored() {
    let setup = Setup::new().with("ENV", "staging").with("HTTPBIN_URL", "").with("LOG_FORMAT", "");
    let service = setup.arguments(&["--env", "production"]).start().await;
    assert_eq!(service.get("/handson").await.status, 200);
    let output = service.stop().await;

    assert!(output.lines.iter().all(|line| line["env"] == "production"), "{:#?}", output.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_is_kept_between_runs() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("handson.db").display());
    for _ in 0..2 {
        let service = Setup::new().with("DATABASE_URL", &url).start().await;
        assert_eq!(service.get("/handson").await.status, 200);
        service.stop().await;
    }
    assert!(folder.path().join("handson.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_exits_with_0_if_the_service_answers_and_otherwise_with_1() {
    let service = Setup::new().start().await;
    let healthcheck = |port: u16| Setup::new().arguments(&["healthcheck"]).with("PORT", port).run();

    let ended = healthcheck(service.port).await;
    assert_eq!(ended.status.code(), Some(0), "{ended:#?}");

    let nobody = ClosedPort::new();
    let ended = healthcheck(nobody.number()).await;
    assert_eq!(ended.status.code(), Some(1), "{ended:#?}");
    assert_eq!(ended.output.stderr.len(), 1, "it reports the reason: {ended:#?}");
    let not_a_panic = ended.output.lines.iter().all(|line: &Value| line["level"] != "ERROR");
    assert!(not_a_panic, "{ended:#?}");
}

#[tokio::test]
async fn plain_http_needs_no_certificates_of_the_system() {
    let service = Setup::exporting_to_endpoint("http://127.0.0.1:9")
        .with("SSL_CERT_FILE", "/dev/null")
        .with("SSL_CERT_DIR", "/nonexistent")
        .start()
        .await;
    assert_eq!(service.get("/handson").await.status, 200);
}

/// Requests to this machine never go through a proxy, which could not reach it.
#[tokio::test(flavor = "multi_thread")]
async fn loopback_never_goes_through_a_proxy() {
    let collector = Receiver::start().await.unwrap();
    let upstream = start_upstream(|_| Reaction::Answer);
    let nobody = ClosedPort::new();
    let mut setup = Setup::exporting_to(&collector).calling(&upstream);
    for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
        setup = setup.with(variable, nobody.url());
    }
    let service = setup.start().await;
    assert_eq!(service.get("/handson").await.status, 200, "httpbin is called directly");
    service.stop().await;

    let received = collector.telemetry();
    assert_eq!(received.spans.len(), 9, "so is the collector");
    assert!(!received.metrics.is_empty() && !received.log_records.is_empty(), "by all three signals");
}
