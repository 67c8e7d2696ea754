//! Wrong answers and other right ones as real code, built and run: minutes, so they are asked for by `--ignored`.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{assert_fails, failures, recording};

/// The state after `step`, with `old` in `file` replaced.
fn patched(step: usize, name: &str, changes: &[(&str, &str, &str)]) -> workshop::evidence::Evidence {
    let folder = recording::state(step, name, |folder| {
        for (file, old, new) in changes {
            replace(&folder.join(file), old, new);
        }
    });
    let evidence = recording::gather(&folder);
    fs::remove_dir_all(&folder).unwrap();
    evidence
}

#[track_caller]
fn replace(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{old:?} in {}", file.display());
    fs::write(file, text.replace(old, new)).unwrap();
}

#[test]
#[ignore = "builds the service"]
fn run_fails_where_the_calls_come_one_after_the_other() {
    let wrong = patched(
        0,
        "backend-one-by-one",
        &[(
            "src/handson.rs",
            "tokio::try_join!(app.httpbin.get(), app.httpbin.post(), app.httpbin.put())\n        .map_err(|error| error.while_doing(\"three calls at once\"))?;",
            "app.httpbin.get().await?;\n    app.httpbin.post().await?;\n    app.httpbin.put().await?;",
        )],
    );
    assert_fails("run", &wrong, "the three calls came one after the other");
}

#[test]
#[ignore = "builds the service"]
fn structured_logs_fails_where_one_line_is_printed() {
    let wrong = patched(
        1,
        "backend-println",
        &[(
            "src/handson.rs",
            "    sleep_50_microsec().await;",
            "    println!(\"got a request\");\n    sleep_50_microsec().await;",
        )],
    );
    assert_fails("structured-logs", &wrong, "got a request");
}

#[test]
#[ignore = "builds the service"]
fn first_span_fails_where_the_provider_is_dropped_before_it_is_flushed() {
    let wrong = patched(
        2,
        "backend-no-flush",
        &[("src/main.rs", "    telemetry.flush();\n", "    std::mem::forget(telemetry);\n")],
    );
    assert_fails("first-span", &wrong, "A provider that is");
}

#[test]
#[ignore = "builds the service"]
fn server_spans_fails_where_no_propagator_is_set() {
    let wrong = patched(
        3,
        "backend-alone",
        &[(
            "src/telemetry.rs",
            "    opentelemetry::global::set_text_map_propagator(propagation::propagator(settings));\n",
            "",
        )],
    );
    assert_fails("server-spans", &wrong, "Each request starts a trace of its own");
}

#[test]
#[ignore = "builds the service"]
fn client_spans_fails_where_the_ids_of_the_server_span_are_sent_along() {
    let wrong = patched(
        4,
        "backend-inject",
        &[(
            "src/telemetry/client_spans.rs",
            "propagator.inject_context(&context, ",
            "propagator.inject_context(&Context::current(), ",
        )],
    );
    assert_fails("client-spans", &wrong, "inject the context of the span that was just started");
}

#[test]
#[ignore = "builds the service"]
fn client_spans_fails_where_calls_are_spawned_without_their_context() {
    let wrong = patched(
        4,
        "backend-spawn",
        &[(
            "src/handson.rs",
            "    tokio::try_join!(app.httpbin.get(), app.httpbin.post(), app.httpbin.put())",
            "    let (first, second, third) = (Arc::clone(&app), Arc::clone(&app), Arc::clone(&app));\n    let calls = tokio::join!(\n        tokio::spawn(async move { first.httpbin.get().await }),\n        tokio::spawn(async move { second.httpbin.post().await }),\n        tokio::spawn(async move { third.httpbin.put().await }),\n    );\n    [calls.0, calls.1, calls.2].into_iter().try_for_each(|call| call.unwrap_or(Ok(())))",
        )],
    );
    assert_fails("client-spans", &wrong, "is lost over tokio::spawn");
}

#[test]
#[ignore = "builds the service"]
fn db_spans_fails_where_the_query_takes_the_bare_pool() {
    let wrong = patched(
        5,
        "backend-bare",
        &[(
            "src/db.rs",
            "let user = match &self.observed {",
            "let user = match self.observed.as_ref().filter(|_| false) {",
        )],
    );
    assert_fails("db-spans", &wrong, "send the query through the wrapped one");
}

#[test]
#[ignore = "builds the service"]
fn log_correlation_fails_where_the_ids_are_those_of_the_first_request() {
    let wrong = patched(
        6,
        "backend-stale",
        &[(
            "src/telemetry/json_lines.rs",
            "            if span.is_valid() {\n",
            "            if span.is_valid() {\n                static FIRST: std::sync::OnceLock<opentelemetry::trace::SpanContext> = std::sync::OnceLock::new();\n                let span = FIRST.get_or_init(|| span);\n",
        )],
    );
    assert_fails("log-correlation", &wrong, "ids");
}

#[test]
#[ignore = "builds the service"]
fn errors_fails_where_the_error_is_recorded_on_its_way_up_too() {
    let wrong = patched(
        7,
        "backend-twice",
        &[(
            "src/error.rs",
            "        self.log();\n",
            "        crate::telemetry::failures::record(&self);\n        self.log();\n",
        )],
    );
    assert_fails("errors", &wrong, "It is recorded more than once, on its way up");
}

#[test]
#[ignore = "builds the service"]
fn metrics_fails_where_seconds_are_milliseconds() {
    let wrong = patched(
        8,
        "backend-millis",
        &[(
            "src/telemetry/http_metrics.rs",
            "SERVER_DURATION.record(self.start.elapsed().as_secs_f64(), &about);",
            "SERVER_DURATION.record(self.start.elapsed().as_secs_f64() * 1000.0, &about);",
        )],
    );
    assert_fails("metrics", &wrong, "The values are milliseconds");
}

#[test]
#[ignore = "builds the service"]
fn spans_by_the_api_of_opentelemetry_pass() {
    let other = patched(
        9,
        "backend-api",
        &[
            ("src/handson.rs", "#[tracing::instrument(name = \"handson.sleep50microsec\", skip_all)]\n", ""),
            (
                "src/handson.rs",
                "    tokio::time::sleep(Duration::from_micros(50)).await;\n",
                "    use opentelemetry::trace::{FutureExt, TraceContextExt, Tracer};\n    let tracer = opentelemetry::global::tracer(\"by-hand\");\n    let span = tracer.start(\"handson.sleep50microsec\");\n    let context = opentelemetry::Context::current_with_span(span);\n    tokio::time::sleep(Duration::from_micros(50)).with_context(context).await;\n",
            ),
        ],
    );
    super::assert_passes(&other);
}

#[test]
#[ignore = "builds the service"]
fn telemetry_by_grpc_passes() {
    let other = patched(
        9,
        "backend-grpc",
        &[(
            "src/telemetry/settings.rs",
            "        Some(\"grpc\") => Protocol::Grpc,\n        _ => Protocol::HttpProtobuf,",
            "        Some(\"http/protobuf\") => Protocol::HttpProtobuf,\n        _ => Protocol::Grpc,",
        )],
    );
    super::assert_passes(&other);
}

/// What the documentation of the SDK shows: no settings, no accounts, no detectors.
#[test]
#[ignore = "builds the service"]
fn a_plain_provider_passes_first_span() {
    let provider = r#"    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name(identity.service.clone())
        .with_attribute(opentelemetry::KeyValue::new("service.version", crate::identity::VERSION))
        .with_attribute(opentelemetry::KeyValue::new("deployment.environment.name", identity.environment.as_str()))
        .build();
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "by-hand");
    let subscriber = subscriber.with(tracing_opentelemetry::layer().with_tracer(tracer));
"#;
    let shutdown = "        let _ = self.provider.map(|provider| provider.shutdown());\n";
    let telemetry = "src/telemetry.rs";
    let other = patched(
        1,
        "backend-plain",
        &[
            (
                telemetry,
                "    // TODO first-span: build an exporter and a tracer provider, and add the layer that makes spans.\n",
                provider,
            ),
            (telemetry, "Telemetry { destination };", "Telemetry { destination, provider: Some(provider) };"),
            (
                telemetry,
                "    pub destination: String,\n",
                "    pub destination: String,\n    provider: Option<opentelemetry_sdk::trace::SdkTracerProvider>,\n",
            ),
            (
                telemetry,
                "        // TODO first-span: shut the provider down, or the spans that still wait are lost.\n",
                shutdown,
            ),
            (
                "src/handson.rs",
                "// TODO first-span: give it a span, `handson.sleep50microsec`.\n",
                "#[tracing::instrument(name = \"handson.sleep50microsec\")]\n",
            ),
        ],
    );
    for step in ["run", "structured-logs", "first-span"] {
        assert_eq!(failures(step, &other), "", "{step}");
    }
}

/// Says that it is done when it is dropped.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The checks assume no timing: 20 runs of the answer, while as many threads as there are cores compute.
#[test]
#[ignore = "takes minutes"]
fn a_machine_whose_cores_are_all_busy_changes_no_verdict() {
    let folder = recording::state(9, "backend-busy", |_| {});
    let done = AtomicBool::new(false);
    let verdicts: Vec<String> = std::thread::scope(|scope| {
        // Also where a verdict panics: the scope waits for its threads.
        let _at_the_end = Done(&done);
        recording::gather(&folder);
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            });
        }
        let told = |evidence| super::STEPS.iter().map(|step| failures(step, &evidence)).collect::<String>();
        (0..20).map(|_| told(recording::gather(&folder))).collect()
    });
    fs::remove_dir_all(&folder).unwrap();
    let wrong: Vec<&String> = verdicts.iter().filter(|told| !told.is_empty()).collect();
    assert!(wrong.is_empty(), "{} of 20 runs failed, such as\n{}", wrong.len(), wrong[0]);
}
