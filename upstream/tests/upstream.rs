//! Tests each reaction with a real client.

use std::time::Duration;

use upstream::{Call, Reaction, Upstream};

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
    client.build().expect("the client has no options that could fail")
}

fn start(react: impl Fn(&Call) -> Reaction + Send + Sync + 'static) -> Upstream {
    Upstream::start(react).expect("a port is free")
}

#[tokio::test]
async fn a_call_is_recorded_and_echoed() {
    let upstream = start(|_| Reaction::Answer);
    let request = client().post(upstream.url("/post?a=1")).header("x-test", "yes").body("text");
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/json");
    let text = response.text().await.expect("a body");
    assert_eq!(text, r#"{"args":{},"data":"text","headers":{},"url":"/post?a=1"}"#);

    let calls = upstream.calls();
    let [call] = &calls[..] else { panic!("expected one call, got {calls:?}") };
    assert_eq!((call.number, call.connection), (0, 0));
    assert_eq!(
        (call.method.as_str(), call.header("x-test"), &call.body[..]),
        ("POST", Some("yes"), &b"text"[..])
    );
}

#[tokio::test]
async fn a_call_may_get_a_status_no_response_or_half_of_one() {
    let upstream = start(|call| match call.number {
        0 => Reaction::Status(503),
        1 => Reaction::BreakOff,
        _ => Reaction::BreakOffBody,
    });
    let send = || client().get(upstream.url("/get")).send();
    assert_eq!(send().await.expect("an answer").status(), 503);
    assert!(send().await.expect_err("no answer").is_request());
    let half = send().await.expect("the head of an answer");
    assert_eq!(half.status(), 200);
    half.text().await.expect_err("half of the body");
}

#[tokio::test]
async fn a_held_call_is_answered_when_it_is_released() {
    let upstream = start(|_| Reaction::Hold);
    let call = tokio::spawn(client().get(upstream.url("/get")).send());
    upstream.until_called(1).await;
    assert!(!call.is_finished());
    upstream.release();
    assert_eq!(call.await.expect("no panic").expect("an answer").status(), 200);
}

#[tokio::test]
async fn connections_are_counted_and_closed() {
    let upstream = start(|call| match call.number {
        0 => Reaction::Answer,
        1 => Reaction::AnswerAndSayClose,
        _ => Reaction::AnswerAndCloseAfter(Duration::ZERO),
    });
    let client = client();
    for (connections, call) in [(1, 0), (1, 1), (2, 2)] {
        client.get(upstream.url("/get")).send().await.expect("an answer").bytes().await.expect("a body");
        assert_eq!(upstream.connections(), connections, "after call {call}");
    }
}

#[tokio::test]
async fn a_server_can_stop_and_start_again_on_the_same_port() {
    let mut upstream =
        Upstream::reserve(|_| Reaction::AnswerAfter(Duration::from_millis(1))).expect("a port");
    let client = client();
    let send = |url| client.get(url).send();
    assert!(send(upstream.url("/")).await.expect_err("nobody listens").is_connect());
    upstream.listen().expect("the port is free");
    assert_eq!(send(upstream.url("/")).await.expect("an answer").status(), 200);
    upstream.close().await;
    send(upstream.url("/")).await.expect_err("nobody listens");
    upstream.listen().expect("the port is still free");
    assert_eq!(send(upstream.url("/")).await.expect("an answer").status(), 200);
    assert_eq!(upstream.calls().len(), 2);
}

#[tokio::test]
async fn the_reaction_may_be_decided_asynchronously() {
    let upstream = Upstream::start_async(|call| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if call.uri.path() == "/get" { Reaction::Answer } else { Reaction::Status(404) }
    });
    let upstream = upstream.expect("a port is free");
    for (path, status) in [("/get", 200), ("/other", 404)] {
        assert_eq!(client().get(upstream.url(path)).send().await.expect("an answer").status(), status);
    }
}
