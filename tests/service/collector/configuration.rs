//! The Collector's configuration is valid, and mistakes in it are found.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use tempfile::NamedTempFile;

use super::process::{CONFIGURATION, Otelcol, validate};
use crate::support::service::Setup;

/// A line of the file, and a line with a mistake that is inserted after it. The Collector accepts unknown
/// keys in `otlp_http`, under `otlp.protocols.http`, and in a policy of tail sampling: there, only a test of
/// the effect can find them.
const MISTAKES: &[(&str, &str)] = &[
    ("receivers:", "  otlp/mistaken: {protocol: {}}"),
    ("      grpc:", "        mistaken: 1"),
    ("  memory_limiter:", "    mistaken: 1"),
    ("  attributes:", "    mistaken: 1"),
    ("      - key: client.address", "        mistaken: 1"),
    ("  tail_sampling:", "    mistaken: 1"),
    ("      - name: errors", "        latency: {mistaken: 1}"),
    ("  batch:", "    mistaken: 1"),
    ("  span_metrics:", "    mistaken: 1"),
    ("    histogram:", "      mistaken: 1"),
    ("  debug:", "    mistaken: 1"),
    ("  health_check:", "    mistaken: 1"),
    ("service:", "  mistaken: 1"),
    ("  pipelines:", "    mistaken: {receivers: [otlp], exporters: [debug]}"),
    ("    logs:", "      mistaken: []"),
    ("connectors:", "  mistaken: {}"),
];

#[tokio::test]
#[ignore = "needs a Collector: .ci/run collector"]
async fn the_configuration_is_valid() {
    let output = validate(Path::new(CONFIGURATION)).await;
    assert!(output.status.success(), "{output:?}");
}

#[tokio::test]
#[ignore = "needs a Collector: .ci/run collector"]
async fn an_unknown_key_of_the_configuration_is_refused() {
    let configuration = fs::read_to_string(CONFIGURATION).unwrap();
    for (line, mistake) in MISTAKES {
        let (before, after) =
            configuration.split_once(&format!("\n{line}\n")).unwrap_or_else(|| panic!("no line {line:?}"));
        let mut file = NamedTempFile::with_suffix(".yaml").unwrap();
        write!(file, "{before}\n{line}\n{mistake}\n{after}").unwrap();

        let output = validate(file.path()).await;
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{mistake:?} after {line:?} is accepted");
        assert!(message.contains("mistaken"), "{mistake:?} after {line:?}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Collector: .ci/run collector"]
async fn without_an_upstream_the_collector_prints_telemetry_and_logs_no_error() {
    let otelcol = Otelcol::start_with(&[("SAMPLING_PERCENTAGE", "100")]).await;
    let service = Setup::exporting_to_endpoint(&otelcol.http_endpoint()).start().await;
    assert_eq!(service.get("/handson").await.status, 200);
    service.stop().await;
    let log = otelcol.stop().await;

    let of_debug: Vec<&str> =
        log.lines().filter(|line| line.contains(r#""otelcol.component.id": "debug""#)).collect();
    let shows = |what: &str| of_debug.iter().any(|line| line.contains(what));
    assert!(shows(r#""spans": 9"#), "{log}");
    assert!(shows(r#""log records": "#), "{log}");
    assert!(shows(r#""metrics": "#), "{log}");
    let is_complaint = |line: &&str| ["warn", "error"].contains(&line.split('\t').nth(1).unwrap_or(""));
    let complaints: Vec<&str> = log.lines().filter(is_complaint).collect();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
