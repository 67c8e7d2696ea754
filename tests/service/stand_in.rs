//! The local httpbin, run alone: `handson httpbin`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::client::USER_AGENT;
use crate::support::service::{Service, Setup};

async fn start(arguments: &[&str]) -> Service {
    Setup::new().arguments(&["httpbin", "--port", "0"]).arguments(arguments).start().await
}

async fn send(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{response:?}");
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn get_returns_arguments_headers_origin_and_address() {
    let httpbin = start(&[]).await;
    let url = httpbin.url("/get?flower=sakura&month=4");
    let echo = send(httpbin.client().get(&url)).await;

    assert_eq!(echo["args"], json!({ "flower": "sakura", "month": "4" }));
    assert_eq!(echo["headers"]["User-Agent"], USER_AGENT);
    assert_eq!(echo["headers"]["Host"], format!("127.0.0.1:{}", httpbin.port));
    assert_eq!(echo["origin"], "127.0.0.1");
    assert_eq!(echo["url"], url);
    assert_eq!(echo.get("data"), None, "a GET has no body");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_argument_is_a_list() {
    let httpbin = start(&[]).await;
    let echo = send(httpbin.client().get(httpbin.url("/get?a=1&a=2&b=3"))).await;
    assert_eq!(echo["args"], json!({ "a": ["1", "2"], "b": "3" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn post_and_put_return_the_body_as_text_and_as_json() {
    let httpbin = start(&[]).await;
    let body = json!({ "hello": ["wor", "ld"] });
    let requests =
        [httpbin.client().post(httpbin.url("/post?a=1")), httpbin.client().put(httpbin.url("/put?a=1"))];
    for request in requests {
        let echo = send(request.json(&body)).await;
        assert_eq!(echo["json"], body);
        assert_eq!(echo["data"], body.to_string());
        assert_eq!(echo["args"], json!({ "a": "1" }));
        assert_eq!(echo["headers"]["Content-Type"], "application/json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_returned_as_text() {
    let httpbin = start(&[]).await;
    let echo = send(httpbin.client().post(httpbin.url("/post")).body("no JSON")).await;
    assert_eq!((&echo["data"], &echo["json"]), (&json!("no JSON"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_path_accepts_only_its_method() {
    let httpbin = start(&[]).await;
    let response = httpbin.client().post(httpbin.url("/get")).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(httpbin.get("/healthz").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_takes_as_long_as_requested() {
    let httpbin = start(&["--delay", "200ms..300ms"]).await;
    let before = Instant::now();
    httpbin.get("/get").await;
    assert!(before.elapsed() >= Duration::from_millis(200), "{:?}", before.elapsed());

    let before = Instant::now();
    httpbin.get("/healthz").await;
    assert!(before.elapsed() < Duration::from_millis(200), "a health check is not delayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_delay_is_refused() {
    for delay in ["slow", "80ms..20ms", "20..80", "..", "-1ms"] {
        let delay = format!("--delay={delay}");
        let ended = Setup::new().arguments(&["httpbin", "--port", "0", &delay]).run().await;
        assert_eq!(ended.status.code(), Some(2), "{delay}: {ended:#?}");
        assert!(ended.output.stderr.join("\n").contains("20ms..80ms"), "what is allowed: {ended:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_stand_in() {
    let httpbin = start(&[]).await;
    httpbin.get("/get").await;
    httpbin.stop().await;
}
