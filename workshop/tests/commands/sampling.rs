//! `sampling` without a Collector. Those with one are in `tests/sampling`.

use std::fs;

use super::Repository;

const YAML: &str = "receivers: {}\n";

#[test]
fn without_a_collector_it_says_how_to_get_one() {
    let repository = Repository::new();
    fs::write(repository.path("sampling.yaml"), YAML).unwrap();
    let run = |lang| repository.run(&["sampling", "--collector", "no-such-collector", "--lang", lang]);
    let english = run("en");
    assert!(
        english.stderr.contains("invalid value 'no-such-collector' for --collector"),
        "{}",
        english.stderr
    );
    english.refuses_with("download otelcol-contrib from https://github.com/open-telemetry/opentelemetry-collector-releases/releases");
    run("ja").refuses_with("OpenTelemetry Collector を指定してください");
}

#[test]
fn a_configuration_that_does_not_exist_or_is_not_yaml_is_named() {
    let repository = Repository::new();
    let arguments = ["sampling", "--collector", "false", "--config", "mine.yaml"];
    repository.run(&arguments).refuses_with("cannot read mine.yaml");
    fs::write(repository.path("mine.yaml"), "receivers: [otlp\nexporters: }\n").unwrap();
    repository.run(&arguments).refuses_with("mine.yaml is not YAML");
}

#[test]
fn a_program_that_ends_at_once_is_no_collector() {
    let repository = Repository::new();
    fs::write(repository.path("sampling.yaml"), YAML).unwrap();
    repository
        .run(&["sampling", "--collector", "false"])
        .refuses_with("the Collector does not start: it ended with exit status 1");
}
