//! Wrong answers and different right ones as code that is built and run. They take minutes, so they run only
//! with `--ignored`.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{assert_fails, failures, recording};

/// The state after `step`, with `old` in `file` replaced.
fn patched(step: &str, name: &str, changes: &[(&str, &str, &str)]) -> workshop::evidence::Evidence {
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
fn run_fails_if_the_calls_are_sequential() {
    let wrong = patched(
        "run",
        "backend-one-by-one",
        &[(
            "src/handson.rs",
            "tokio::try_join!(handson.httpbin.get(), handson.httpbin.post(), handson.httpbin.put())\n        .map_err(|error| error.context(\"three calls at once\"))?;",
            "handson.httpbin.get().await?;\n    handson.httpbin.post().await?;\n    handson.httpbin.put().await?;",
        )],
    );
    assert_fails("run", &wrong, "the three calls came one after the other");
}

#[test]
#[ignore = "builds the service"]
fn structured_logs_fails_if_one_line_is_printed() {
    let wrong = patched(
        "structured-logs",
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
fn run_and_structured_logs_fail_if_the_user_is_read_once_and_kept() {
    let wrong = patched(
        "structured-logs",
        "backend-cached",
        &[
            ("src/db.rs", "struct User {", "#[derive(Clone)]\nstruct User {"),
            (
                "src/db.rs",
                "        let user = self.first_user().await?;\n",
                "        static USER: tokio::sync::OnceCell<User> = tokio::sync::OnceCell::const_new();\n        let user = \
                 USER.get_or_try_init(|| self.first_user()).await?.clone();\n",
            ),
        ],
    );
    assert_fails("run", &wrong, "while there is no table users: 200");
    let reported = failures("structured-logs", &wrong);
    assert!(reported.contains("The user had another name when this request ran"), "{reported}");
}

#[test]
#[ignore = "builds the service"]
fn first_span_fails_if_the_provider_is_dropped_before_it_is_flushed() {
    let wrong = patched(
        "first-span",
        "backend-no-flush",
        &[("src/main.rs", "    telemetry.flush();\n", "    std::mem::forget(telemetry);\n")],
    );
    assert_fails("first-span", &wrong, "A provider that is");
}

#[test]
#[ignore = "builds the service"]
fn server_spans_fails_if_no_propagator_is_set() {
    let wrong = patched(
        "server-spans",
        "backend-alone",
        &[("src/telemetry.rs", ".with_propagator(setup.settings.propagator())", "")],
    );
    assert_fails("server-spans", &wrong, "Each request starts a separate trace");
}

#[test]
#[ignore = "builds the service"]
fn client_spans_fails_if_the_ids_of_the_server_span_are_propagated() {
    let middlewares = r#"
use opentelemetry::propagation::TextMapPropagator;
use reqwest_middleware::Next;

/// Remembers the context in which a call is made.
struct Remember;

/// Sends the ids of that context along.
struct Inject;

#[async_trait::async_trait]
impl reqwest_middleware::Middleware for Remember {
    async fn handle(&self, request: reqwest::Request, extensions: &mut axum::http::Extensions, next: Next<'_>) -> reqwest_middleware::Result<reqwest::Response> {
        extensions.insert(opentelemetry::Context::current());
        next.run(request, extensions).await
    }
}

#[async_trait::async_trait]
impl reqwest_middleware::Middleware for Inject {
    async fn handle(&self, mut request: reqwest::Request, extensions: &mut axum::http::Extensions, next: Next<'_>) -> reqwest_middleware::Result<reqwest::Response> {
        if let Some(context) = extensions.get::<opentelemetry::Context>() {
            let mut headers = std::collections::HashMap::new();
            opentelemetry_sdk::propagation::TraceContextPropagator::new().inject_context(context, &mut headers);
            if let Some(value) = headers.get("traceparent").and_then(|value| value.parse().ok()) {
                request.headers_mut().insert("traceparent", value);
            }
        }
        next.run(request, extensions).await
    }
}

fn main() -> ExitCode {"#;
    let wrong = patched(
        "client-spans",
        "backend-inject",
        &[
            ("Cargo.toml", "anyhow = \"1\"\n", "anyhow = \"1\"\nasync-trait = \"0.1\"\n"),
            ("src/main.rs", "\nfn main() -> ExitCode {", middlewares),
            ("src/main.rs", "let client = client.with(", "let client = client.with(Remember).with("),
            (
                "src/main.rs",
                "httpbin: Httpbin::new(client.build(), &url)",
                "httpbin: Httpbin::new(client.with(Inject).build(), &url)",
            ),
        ],
    );
    assert_fails("client-spans", &wrong, "inject the context of the span that was just started");
}

#[test]
#[ignore = "builds the service"]
fn client_spans_fails_if_calls_are_spawned_without_their_context() {
    let wrong = patched(
        "client-spans",
        "backend-spawn",
        &[(
            "src/handson.rs",
            "    tokio::try_join!(handson.httpbin.get(), handson.httpbin.post(), handson.httpbin.put())",
            "    let (first, second, third) = (Arc::clone(&handson), Arc::clone(&handson), Arc::clone(&handson));\n    let (get, post, put) = (\n        tokio::spawn(async move { first.httpbin.get().await }),\n        tokio::spawn(async move { second.httpbin.post().await }),\n        tokio::spawn(async move { third.httpbin.put().await }),\n    );\n    tokio::try_join!(\n        async { get.await.unwrap_or(Ok(())) },\n        async { post.await.unwrap_or(Ok(())) },\n        async { put.await.unwrap_or(Ok(())) },\n    )",
        )],
    );
    assert_fails("client-spans", &wrong, "is lost over tokio::spawn");
}

#[test]
#[ignore = "builds the service"]
fn db_spans_fails_if_the_query_uses_the_bare_pool() {
    let wrong = patched(
        "db-spans",
        "backend-bare",
        &[(
            "src/db.rs",
            "let pool = self.pool.operation(\"SELECT\", \"users\");",
            "let pool = self.pool.inner();",
        )],
    );
    assert_fails("db-spans", &wrong, "send the query through the wrapped one");
}

#[test]
#[ignore = "builds the service"]
fn log_correlation_fails_if_a_line_is_logged_by_another_thread() {
    let line = "tracing::info!(name: \"handson.dbQuery\", { user.id = user.id.to_string(), user.name = user.name }, \"dbQuery\");";
    let moved = format!("let _ = tokio::task::spawn_blocking(move || {}).await;", line.trim_end_matches(';'));
    let wrong = patched("log-correlation", "backend-thread", &[("src/db.rs", line, &moved)]);
    assert_fails("log-correlation", &wrong, "ids");
}

#[test]
#[ignore = "builds the service"]
fn errors_fails_if_the_error_is_also_recorded_on_its_way_up() {
    let wrong = patched(
        "errors",
        "backend-twice",
        &[(
            "src/error.rs",
            "        self.log();\n",
            "        instrumentation::exception::record(&self);\n        self.log();\n",
        )],
    );
    assert_fails("errors", &wrong, "It is recorded again in the callers");
}

#[test]
#[ignore = "builds the service"]
fn metrics_fails_if_durations_have_the_buckets_of_milliseconds() {
    let view = r#".with_view(|instrument: &opentelemetry_sdk::metrics::Instrument| {
            let boundaries = vec![5.0, 10.0, 25.0, 50.0, 75.0, 100.0];
            let buckets = opentelemetry_sdk::metrics::Aggregation::ExplicitBucketHistogram { boundaries, record_min_max: true };
            let is_duration = instrument.name() == "http.server.request.duration";
            is_duration.then(|| opentelemetry_sdk::metrics::Stream::builder().with_aggregation(buckets).build().ok()).flatten()
        })
        .with_periodic_exporter(exporter)"#;
    let wrong = patched(
        "metrics",
        "backend-millis",
        &[("src/telemetry/metrics.rs", ".with_periodic_exporter(exporter)", view)],
    );
    assert_fails("metrics", &wrong, "which is too coarse");
}

#[test]
#[ignore = "builds the service"]
fn spans_made_with_the_opentelemetry_api_pass() {
    let other = patched(
        "alert",
        "backend-api",
        &[
            (
                "src/telemetry.rs",
                "    let subscriber =\n        subscriber.with(instrumentation::spans",
                "    opentelemetry::global::set_tracer_provider(traces.clone());\n    let subscriber =\n        subscriber.with(instrumentation::spans",
            ),
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
fn telemetry_over_grpc_passes() {
    let files = ["metrics", "log_records", "traces"].map(|signal| format!("src/telemetry/{signal}.rs"));
    let changes = files.iter().flat_map(|file| {
        [
            (file.as_str(), ".with_http().with_http_client(otlp.clone())", ".with_tonic()"),
            (file, ", WithHttpConfig}", "}"),
            (file, "otlp: &HttpClient", "_: &HttpClient"),
        ]
    });
    super::assert_passes(&patched("alert", "backend-grpc", &changes.collect::<Vec<_>>()));
}

/// The code that the SDK's documentation shows: its own HTTP client, no detectors, and the layer without our
/// crate.
#[test]
#[ignore = "builds the service"]
fn a_plain_provider_passes_first_span() {
    let provider = r#"    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().build()?;
    let resource = opentelemetry_sdk::Resource::builder()
        .with_service_name(setup.identity.service.clone())
        .with_attribute(opentelemetry::KeyValue::new("service.version", crate::identity::VERSION))
        .with_attribute(opentelemetry::KeyValue::new("deployment.environment.name", setup.identity.environment.clone()))
        .build();
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build();
    let tracer = opentelemetry::trace::TracerProvider::tracer(&provider, "by-hand");
    let subscriber = subscriber.with(tracing_opentelemetry::layer().with_tracer(tracer));
    telemetry.on_flush(move |_| provider.shutdown());
"#;
    let other = patched(
        "structured-logs",
        "backend-plain",
        &[
            (
                "Cargo.toml",
                "anyhow = \"1\"\n",
                "anyhow = \"1\"\ntracing-opentelemetry = { version = \"0.34\", default-features = false }\n",
            ),
            (
                "src/telemetry.rs",
                "    // TODO first-span: add the layer for spans, and shut the provider down when telemetry is flushed.\n",
                provider,
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

/// Sets the flag when it is dropped.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The checks assume no timing: 8 runs of the answer pass while as many threads as there are cores are busy.
#[test]
#[ignore = "takes minutes"]
fn a_machine_with_busy_cores_changes_no_verdict() {
    const RUNS: usize = 8;
    let folder = recording::state("alert", "backend-busy", |_| {});
    let done = AtomicBool::new(false);
    let verdicts: Vec<String> = std::thread::scope(|scope| {
        // Also if a verdict panics, because the scope waits for its threads.
        let _at_the_end = Done(&done);
        recording::gather(&folder);
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop()
                }
            });
        }
        let failures_of =
            |evidence| workshop::checks::ids().map(|step| failures(step, &evidence)).collect::<String>();
        (0..RUNS).map(|_| failures_of(recording::gather(&folder))).collect()
    });
    fs::remove_dir_all(&folder).unwrap();
    let wrong: Vec<&String> = verdicts.iter().filter(|reported| !reported.is_empty()).collect();
    assert!(wrong.is_empty(), "{} of {RUNS} runs failed, such as\n{}", wrong.len(), wrong[0]);
}
