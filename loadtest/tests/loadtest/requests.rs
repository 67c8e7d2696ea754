//! The content of requests: method, address, headers, body.

use crate::support::program::Setup;
use crate::support::start_target;
use upstream::{Call, Reaction, Upstream};

/// Sends two requests, and returns the second one.
async fn second_call(target: &Upstream, setup: Setup) -> Call {
    let ended = setup.and("--rate 20 --duration 100ms --wait-timeout 0s").run().await;
    assert_eq!(ended.assert_code(0).row("checks_succeeded"), "100.00% 2 out of 2");
    let [_, second] = &target.calls()[..] else { panic!("two calls") };
    second.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_request_is_a_get_with_a_user_agent_and_without_a_trace() {
    let target = start_target(|_| Reaction::Answer);
    let call = second_call(&target, Setup::against(&target, "")).await;
    assert_eq!((call.method.as_str(), call.uri.to_string().as_str()), ("GET", "/handson"));
    assert_eq!(call.header("host"), Some(format!("127.0.0.1:{}", target.port()).as_str()));
    assert!(call.header("user-agent").unwrap().starts_with("loadtest/"), "{:?}", call.headers);
    for absent in ["traceparent", "tracestate", "baggage", "content-length", "transfer-encoding"] {
        assert_eq!(call.header(absent), None, "{absent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn path_and_query_are_sent_as_they_are_and_the_fragment_is_not() {
    let target = start_target(|_| Reaction::Answer);
    let url = target.url("/a%20b/c?d=e%2Ff&g=1+2#part");
    let call = second_call(&target, Setup::new("").argument("--url", &url)).await;
    assert_eq!(call.uri, "/a%20b/c?d=e%2Ff&g=1+2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_sent_whole_with_its_length_in_every_request() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "--method post").argument("--body", r#"{"name": "さくら"}"#);
    let call = second_call(&target, setup).await;
    assert_eq!(call.method, "POST");
    assert_eq!(call.body, r#"{"name": "さくら"}"#);
    assert_eq!(call.header("content-length"), Some("21"));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_method_may_be_used() {
    for (given, sent) in [("DELETE", "DELETE"), ("patch", "PATCH"), ("PURGE", "PURGE")] {
        let target = start_target(|_| Reaction::Answer);
        let call = second_call(&target, Setup::against(&target, "").argument("--method", given)).await;
        assert_eq!(call.method, sent);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_response_to_head_has_no_body_to_wait_for() {
    let target = start_target(|_| Reaction::Answer);
    let call = second_call(&target, Setup::against(&target, "--method HEAD")).await;
    assert_eq!(call.method, "HEAD");
    assert_eq!(target.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_may_be_repeated_and_replace_the_defaults() {
    let target = start_target(|_| Reaction::Answer);
    let setup = Setup::against(&target, "")
        .argument("--header", "x-one: 1")
        .argument("--header", "Authorization: Bearer a:b")
        .argument("--header", "accept: text/plain")
        .argument("--header", "accept:text/html")
        .argument("--header", "User-Agent: somebody/2")
        .argument("--header", "Host: workshop.example:81")
        .argument("--header", "x-empty:");
    let call = second_call(&target, setup).await;
    let all = |name: &str| {
        call.headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(all("x-one"), ["1"]);
    assert_eq!(all("authorization"), ["Bearer a:b"]);
    assert_eq!(all("accept"), ["text/plain", "text/html"]);
    assert_eq!(all("user-agent"), ["somebody/2"]);
    assert_eq!(all("host"), ["workshop.example:81"]);
    assert_eq!(all("x-empty"), [""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn https_to_a_target_that_speaks_plain_http_fails_with_the_reason() {
    let target = start_target(|_| Reaction::Answer);
    let url = target.url("/handson").replace("http:", "https:");
    let setup = Setup::new("--rate 20 --duration 100ms --wait-timeout 0s").argument("--url", &url);
    let ended = setup.run().await;
    // If the system has no certificates, https is rejected at the start.
    if ended.status.code() == Some(1) {
        assert_eq!(ended.messages("certificates"), 1);
        return;
    }
    assert_eq!(ended.assert_code(0).row("http_req_failed"), "100.00% 2 out of 2");
    assert_eq!(ended.output.stderr.len(), 1, "reported once");
}
