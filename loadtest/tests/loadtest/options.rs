//! Options and variables: their effect, and the rejection of anything else before the first request.

use std::fs;

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::Reaction;

/// Option, its variable, an invalid value, and a word of the expected message.
const BAD_VALUES: &[(&str, &str, &str, &str)] = &[
    ("--rate", "LOADTEST_RATE", "0", "from 1"),
    ("--rate", "LOADTEST_RATE", "-5", "from 1"),
    ("--rate", "LOADTEST_RATE", "1.5", "whole number"),
    ("--rate", "LOADTEST_RATE", "many", "whole number"),
    ("--time-unit", "LOADTEST_TIME_UNIT", "0s", "longer than zero"),
    ("--time-unit", "LOADTEST_TIME_UNIT", "second", "500ms"),
    ("--duration", "K6_DURATION", "5", "1h30m"),
    ("--duration", "K6_DURATION", "-1s", "1h30m"),
    ("--duration", "K6_DURATION", "forever", "1h30m"),
    ("--pre-allocated-vus", "LOADTEST_PRE_ALLOCATED_VUS", "0", "from 1"),
    ("--max-vus", "LOADTEST_MAX_VUS", "0", "from 1"),
    ("--max-vus", "LOADTEST_MAX_VUS", "49", "--pre-allocated-vus 50"),
    ("--graceful-stop", "LOADTEST_GRACEFUL_STOP", "soon", "30s"),
    ("--url", "LOADTEST_URL", "nonsense", "http://"),
    ("--url", "LOADTEST_URL", "localhost:8080", "http://"),
    ("--url", "LOADTEST_URL", "ftp://localhost/", "http://"),
    ("--url", "LOADTEST_URL", "http://", "http://localhost:8080"),
    ("--url", "LOADTEST_URL", "http://user:secret@localhost/", "without user and password"),
    ("--method", "LOADTEST_METHOD", "G T", "GET"),
    ("--header", "LOADTEST_HEADER", "no colon", "Name: value"),
    ("--header", "LOADTEST_HEADER", "bad name: value", "Name: value"),
    ("--header", "LOADTEST_HEADER", ": value", "Name: value"),
    ("--timeout", "LOADTEST_TIMEOUT", "0s", "longer than zero"),
    ("--timeout", "LOADTEST_TIMEOUT", "quick", "longer than zero"),
    ("--check", "LOADTEST_CHECK", "status is fine", "status is 200"),
    ("--check", "LOADTEST_CHECK", "status is 20", "status is 200"),
    ("--check", "LOADTEST_CHECK", "body contains ", "body contains TEXT"),
    ("--check", "LOADTEST_CHECK", "is it well", "body contains TEXT"),
    ("--threshold", "LOADTEST_THRESHOLD", "http_req_duration:p95<1", "p(N)"),
    ("--wait-for", "LOADTEST_WAIT_FOR", "/healthz", "http://"),
    ("--wait-timeout", "LOADTEST_WAIT_TIMEOUT", "long", "30s"),
];

/// Asserts that a run with this setup is rejected with a message that contains these words.
async fn assert_refused(setup: Setup, words: &[&str]) {
    let ended = setup.run().await;
    ended.assert_code(2);
    assert!(ended.output.stdout.is_empty(), "nothing on stdout");
    let message = ended.output.stderr.join("\n");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_value_is_refused_with_what_is_allowed_whether_option_or_variable() {
    let target = start_target(|_| Reaction::Answer);
    for (option, variable, value, allowed) in BAD_VALUES {
        for setup in [
            Setup::new("").variable("LOADTEST_URL", target.url("/")).value(option, value),
            Setup::new("").variable("LOADTEST_URL", target.url("/")).variable(variable, value),
        ] {
            assert_refused(setup, &[option, value, allowed]).await;
        }
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_options_are_refused() {
    assert_refused(Setup::new("--nonsense"), &["--nonsense"]).await;
    assert_refused(Setup::new("surplus"), &["surplus"]).await;
    assert_refused(Setup::new("--rate"), &["--rate"]).await;
    assert_refused(Setup::new("").variable("LOADTEST_OTLP", "perhaps"), &["--otlp", "perhaps", "true"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_option_is_also_a_variable() {
    let target = start_target(|_| Reaction::Hold);
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("summary.json");
    let setup = Setup::new("")
        .variable("LOADTEST_RATE", 2)
        .variable("LOADTEST_TIME_UNIT", "20ms")
        .variable("K6_DURATION", "100ms")
        .variable("LOADTEST_PRE_ALLOCATED_VUS", 3)
        .variable("LOADTEST_MAX_VUS", 4)
        .variable("LOADTEST_GRACEFUL_STOP", "0s")
        .variable("LOADTEST_URL", target.url("/by-variable"))
        .variable("LOADTEST_METHOD", "put")
        .variable("LOADTEST_HEADER", "x-by: variable")
        .variable("LOADTEST_BODY", "by variable")
        .variable("LOADTEST_TIMEOUT", "30s")
        .variable("LOADTEST_CHECK", "status is 201")
        .variable("LOADTEST_THRESHOLD", "dropped_iterations:count<1")
        .variable("K6_SUMMARY_EXPORT", export.display())
        .variable("LOADTEST_WAIT_TIMEOUT", "0s")
        .variable("LOADTEST_OTLP", "false");
    let ended = setup.run().await;
    ended.assert_code(99);
    assert_eq!(ended.count("dropped_iterations"), 6, "10 less the 4 VUs");
    let call = &target.calls()[0];
    assert_eq!((call.method.as_str(), call.uri.path()), ("PUT", "/by-variable"));
    assert_eq!((call.header("x-by"), &call.body[..]), (Some("variable"), &b"by variable"[..]));
    assert!(fs::read_to_string(export).unwrap().contains("status is 201"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_option_overrides_its_variable() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "--rate 50 --duration 100ms").variable("LOADTEST_RATE", 1);
    let setup = setup.variable("K6_DURATION", "2h").variable("LOADTEST_CHECK", "status is 500");
    let setup = setup.argument("--check", "status is 200");
    assert_eq!(setup.run().await.assert_code(0).row("checks_succeeded"), "100.00% 5 out of 5");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_value_of_an_option_is_used() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "--rate 1 --duration 2h --rate 50 --duration 100ms");
    assert_eq!(setup.run().await.assert_code(0).count("iterations"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_variable_counts_as_unset() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::new("--duration 200ms --rate 25 --wait-timeout 0s");
    let setup = setup.argument("--url", &target.url("/handson"));
    let names = BAD_VALUES.iter().map(|(_, variable, ..)| *variable);
    let others = ["LOADTEST_BODY", "LOADTEST_OTLP", "K6_SUMMARY_EXPORT"];
    let ended = names.chain(others).fold(setup, |setup, name| setup.variable(name, "")).run().await;
    assert_eq!(ended.assert_code(0).row("checks_succeeded"), "100.00% 5 out of 5");
    assert_eq!(target.calls()[0].method, "GET");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_ends_the_run_before_it_begins() {
    let target = start_target(|_| Reaction::Answer);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("absent/summary.json");
    let setup = Setup::against(&target, "").argument("--summary-export", file.to_str().unwrap());
    let ended = setup.run().await;
    ended.assert_code(1);
    assert_eq!(ended.messages(file.to_str().unwrap()), 1, "it names the file");
    assert_eq!(target.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn help_names_every_option_with_its_variable_and_default() {
    let ended = Setup::new("--help").run().await;
    ended.assert_code(0);
    let help = ended.output.stdout.join("\n");
    let names = BAD_VALUES.iter().flat_map(|(option, variable, ..)| [*option, *variable]);
    let others =
        ["--body", "LOADTEST_BODY", "--otlp", "LOADTEST_OTLP", "--summary-export", "K6_SUMMARY_EXPORT"];
    for name in names.chain(others) {
        assert!(help.contains(name), "--help does not name {name}");
    }
    for default in
        ["[default: 5]", "2h", "[default: 50]", "http://localhost:8080/handson", "status is 200", "60s"]
    {
        assert!(help.contains(default), "--help does not tell {default}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_does_not_show_the_values_of_headers() {
    let ended = Setup::new("--help").variable("LOADTEST_HEADER", "Authorization: Bearer abc123").run().await;
    assert!(!ended.assert_code(0).output.stdout.join("\n").contains("abc123"), "it may be a secret");
}
