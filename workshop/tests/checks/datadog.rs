//! Mistakes in step 12 that show in what the trace agent receives: the answer's own traces, changed.

use std::fs;

use workshop::datadog::DatadogSpan;
use workshop::evidence::{DatadogRun, Evidence};

use super::{assert_fails, failures, recording, with};

const STEP: &str = "datadog-sdk";

fn with_run(change: impl FnOnce(&mut DatadogRun)) -> Evidence {
    with(|evidence| change(evidence.datadog.as_mut().unwrap().as_mut().unwrap()))
}

fn with_each(change: impl Fn(&mut DatadogSpan)) -> Evidence {
    with_run(|run| run.agent.spans.iter_mut().for_each(change))
}

fn is(kind: &str, span: &DatadogSpan) -> bool {
    span.meta["span.kind"] == kind
}

#[test]
fn datadog_sdk_fails_if_nothing_arrives_at_the_agent() {
    let wrong = with_run(|run| run.agent = Default::default());
    assert_fails(STEP, &wrong, "it got nothing at all");
    let wrong = with_run(|run| run.agent.spans.clear());
    assert_fails(STEP, &wrong, "GET /info");
}

#[test]
fn datadog_sdk_fails_if_the_format_is_different() {
    let wrong = with_run(|run| {
        run.agent.spans.clear();
        run.agent.refused.push("/v0.4/traces: invalid type".to_owned());
    });
    assert_fails(STEP, &wrong, "the trace agent refused /v0.4/traces: invalid type");
}

#[test]
fn datadog_sdk_fails_if_it_does_not_build_with_the_feature() {
    let wrong = with(|evidence| evidence.datadog = Some(Err("cargo build failed".to_owned().into())));
    assert_fails(STEP, &wrong, "cargo build failed");
}

#[test]
fn datadog_sdk_fails_if_the_last_traces_are_lost() {
    let wrong = with_run(|run| {
        let last = run.exchanges.iter().rev().find_map(|exchange| exchange.parent.clone()).unwrap();
        let last = u64::from_str_radix(&last.trace_id[16..], 16).unwrap();
        run.agent.spans.retain(|span| span.trace_id != last);
    });
    assert_fails(STEP, &wrong, "spans arrived, none of this trace");
}

#[test]
fn datadog_sdk_fails_if_the_callers_ids_are_not_read() {
    let wrong = with_each(|span| span.trace_id ^= 1);
    assert_fails(STEP, &wrong, "the caller's ids are not read");
    let wrong = with_each(|span| {
        if is("server", span) {
            span.parent_id = 0;
        }
    });
    assert_fails(STEP, &wrong, "its parent is 0000000000000000");
}

#[test]
fn datadog_sdk_fails_if_service_env_or_version_differ() {
    assert_fails(
        STEP,
        &with_each(|span| span.service = "unnamed-rust-service".to_owned()),
        "unnamed-rust-service",
    );
    for key in ["env", "version"] {
        let wrong = with_each(|span| drop(span.meta.remove(key)));
        assert_fails(STEP, &wrong, &format!("{key} is \"\""));
    }
}

#[test]
fn datadog_sdk_fails_if_the_tree_is_different() {
    let wrong = with_run(|run| run.agent.spans.retain(|span| !span.resource.starts_with("SELECT")));
    assert_fails(STEP, &wrong, " > client SELECT id, name FROM users");
    let wrong = with_each(|span| {
        if is("client", span) && span.resource == "POST" {
            span.meta.insert("http.method".to_owned(), "PATCH".to_owned());
        }
    });
    assert_fails(STEP, &wrong, "+ 1 x server GET /handson > client PATCH");
    let wrong = with_each(|span| {
        if is("server", span) {
            span.resource = "GET".to_owned();
        }
    });
    assert_fails(STEP, &wrong, "its resource is \"GET\"");
}

#[test]
fn datadog_sdk_fails_if_the_service_without_the_feature_no_longer_passes() {
    let wrong = with(|evidence| evidence.calm.telemetry.metrics.clear());
    let reported = failures(STEP, &wrong);
    assert!(reported.contains("step metrics fails"), "{reported}");
}

#[test]
#[ignore = "builds the service"]
fn datadog_sdk_fails_if_its_provider_is_not_used() {
    let folder = recording::state("datadog-sdk", "backend-two-providers", |folder| {
        let file = folder.join("src/telemetry/traces.rs");
        let text = fs::read_to_string(&file).unwrap();
        let fixed = text
            .replace("    let provider = datadog_opentelemetry::tracing()\n", "    let _ = datadog_opentelemetry::tracing().init_local();\n    #[cfg(feature = \"datadog\")]\n    let provider = SdkTracerProvider::builder()\n")
            .replace("        .init_local()\n        .0;", "        .build();");
        assert_ne!(text, fixed);
        fs::write(file, fixed).unwrap();
    });
    let wrong = recording::gather_with_datadog(&folder);
    fs::remove_dir_all(&folder).unwrap();
    assert_fails(STEP, &wrong, "no span arrived at the trace agent");
}
