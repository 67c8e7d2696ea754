//! A panic during a request, with telemetry on. No input makes the finished service panic, so this test
//! builds a service from the library, with a source of randomness that panics. Telemetry is installed once
//! per process and reads its environment, so that service runs in a separate process: this test binary,
//! started a second time.

use std::convert::Infallible;
use std::process::Stdio;

use clap::Parser;
use handson::app;
use handson::config::{Options, Setup};
use handson::db::{self, Database};
use handson::fault_injector::FaultInjector;
use handson::handson::Handson;
use handson::httpbin::{self, Httpbin};
use handson::telemetry;
use handson::{healthcheck, identity, panics, server, shutdown, stand_in};
use instrumentation::client::ClientMiddleware;
use instrumentation::database::Pool;
use instrumentation::server::ServerLayer;
use instrumentation::settings::Settings;
use rand::TryRng;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::conventions::judge::violations;
use crate::support::client;
use otlp::Receiver;
use otlp::model::StatusCode;

/// This variable is set in the environment of the second process.
const IS_THE_SERVICE: &str = "TEST_IS_THE_SERVICE";

/// Panics instead of returning a number.
struct Broken;

impl TryRng for Broken {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("the dice broke")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("the dice broke")
    }

    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
        panic!("the dice broke")
    }
}

/// Not a test: the service of the test below, which ends at SIGTERM.
#[test]
fn service_whose_randomness_panics() {
    if std::env::var_os(IS_THE_SERVICE).is_none() {
        return;
    }
    let options = Options::parse_from(["handson"]);
    let identity = identity::for_service("handson", options.process.environment.as_str());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let entered = runtime.enter();
    let setup = Setup { settings: Settings::from_env().unwrap(), process: options.process.clone(), identity };
    let telemetry = telemetry::start(&setup).unwrap();
    drop(entered);
    panics::log_panics();
    runtime.block_on(async {
        let url = stand_in::embed().await.unwrap();
        let client = httpbin::client(&url, options.service.httpbin_timeout).unwrap();
        let client = reqwest_middleware::ClientBuilder::new(client)
            .with(ClientMiddleware::new(&telemetry.instrumentation))
            .build();
        let pool = db::connect(options.service.database_url.clone()).await.unwrap();
        let pool = Pool::new(pool, &telemetry.instrumentation)
            .with_namespace(db::namespace(&options.service.database_url));
        let handson = Handson {
            name: "handson".to_owned(),
            httpbin: Httpbin::new(client, &url),
            database: Database::new(pool),
            fault_injector: FaultInjector::with_source(0.5, Broken),
        };
        let router = app::router(handson, options.service.request_timeout)
            .layer(ServerLayer::new(&telemetry.instrumentation));
        let listener = server::listen(options.address.host, 0).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = shutdown::signal().unwrap();
        tracing::info!(server.port = port, "listens");
        let router = healthcheck::route(router);
        server::serve(listener, router, stop, options.process.grace_period).await.unwrap();
    });
    telemetry.flush();
}

#[tokio::test]
async fn a_panic_is_answered_500_logged_once_and_recorded_on_its_span_and_the_service_keeps_running() {
    let collector = Receiver::start().await.unwrap();
    let mut service = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panics::service_whose_randomness_panics", "--nocapture"])
        .env_clear()
        .env(IS_THE_SERVICE, "1")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let mut output = Vec::new();
    let port = loop {
        let line = lines.next_line().await.unwrap().expect("a line with the port");
        if let Some(port) =
            serde_json::from_str(&line).ok().and_then(|line: Value| line["server.port"].as_u64())
        {
            break port;
        }
        output.push(line);
    };

    let url = format!("http://127.0.0.1:{port}/handson");
    let http = client::new();
    let first = client::send(&http, &url).await.unwrap();
    let second = client::send(&http, &url).await.unwrap();
    for answer in [&first, &second] {
        let problem = answer.assert_problem(500);
        assert_eq!(problem["trace_id"], answer.trace_id());
        assert!(!problem.to_string().contains("dice"), "internals in {problem}");
    }

    let pid = service.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    while let Some(line) = lines.next_line().await.unwrap() {
        output.push(line);
    }
    let ended = service.wait_with_output().await.unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success() && stderr.is_empty(), "{}: {stderr} {output:#?}", ended.status);

    assert_eq!(violations(&collector.telemetry()), Vec::<String>::new());

    for answer in [&first, &second] {
        let lines: Vec<Value> = output
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["level"] == "ERROR" && line["trace_id"] == answer.trace_id())
            .collect();
        assert_eq!(lines.len(), 1, "one line at ERROR, got {lines:#?} of {output:#?}");
        let error = &lines[0]["error"];
        assert_eq!(
            (&error["kind"], &error["message"]),
            (&"Panic".into(), &"the dice broke".into()),
            "{error}"
        );
        assert!(error["stack"].as_str().unwrap().contains("tests/service/panics.rs:"), "{error}");

        let received = collector.telemetry();
        let trace = received.trace(&answer.trace_id()).spans;
        let server = trace.iter().find(|span| span.name == "GET /handson").expect("the server span");
        let happened =
            trace.iter().find(|span| span.name == "handson.randomError").expect("the span of the panic");
        for span in [server, happened] {
            assert!(matches!(span.status, StatusCode::Error), "{span:#?}");
        }
        let exceptions: Vec<_> = trace.iter().flat_map(|span| &span.events).collect();
        assert_eq!(exceptions.len(), 1, "{exceptions:#?}");
        assert_eq!(happened.events[0].attributes["exception.type"], "Panic");
        assert_eq!(happened.events[0].attributes["exception.message"], "the dice broke");
    }
}
