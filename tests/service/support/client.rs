//! A client of the service, for single requests and for load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// The user agent of the tests.
pub const USER_AGENT: &str = "service-tests/1";

/// A complete response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    /// Reads a response to its end.
    pub async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Self { status, headers, body: response.text().await? })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of a header; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Trace and span id from `traceresponse: 00-<trace id>-<span id>-<flags>`.
    pub fn trace_and_span_id(&self) -> (String, String) {
        let header = self.header("traceresponse");
        let parts: Vec<&str> = header.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [2, 32, 16, 2], "traceresponse: {header:?} in {self:?}");
        (parts[1].to_owned(), parts[2].to_owned())
    }

    /// The trace id of [`Self::trace_and_span_id`].
    pub fn trace_id(&self) -> String {
        self.trace_and_span_id().0
    }

    /// Asserts that this is a problem document (RFC 9457) with this status, and returns it.
    pub fn assert_problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["type"], "about:blank", "{problem}");
        assert_eq!(problem["title"], self.status.canonical_reason().unwrap(), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }
}

/// A client that keeps its connections.
pub fn new() -> reqwest::Client {
    // This fails if an earlier call has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().user_agent(USER_AGENT).no_proxy().build().unwrap()
}

/// The result of a load.
#[derive(Debug, Default)]
pub struct Outcome {
    pub ok: usize,
    pub others: Vec<String>,
    pub slowest: Duration,
}

impl Outcome {
    /// Asserts that every request was answered with 200.
    pub fn assert_all_ok(&self) {
        let some: Vec<&String> = self.others.iter().take(3).collect();
        assert!(self.others.is_empty(), "{} requests failed, such as {some:?}", self.others.len());
    }
}

/// Number of connections of a load.
const CONNECTIONS: usize = 16;

/// Sends this many requests over 16 connections.
pub async fn load(url: &str, requests: usize) -> Outcome {
    load_while(url, move |sent, _| sent < requests).await
}

/// Sends as many requests as possible in this time.
pub async fn saturate(url: &str, time: Duration) -> Outcome {
    load_while(url, move |_, elapsed| elapsed < time).await
}

async fn load_while(url: &str, go_on: impl Fn(usize, Duration) -> bool + Copy + Send + 'static) -> Outcome {
    let (client, sent, start) = (new(), Arc::new(AtomicUsize::new(0)), Instant::now());
    let connections: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, sent, url) = (client.clone(), sent.clone(), url.to_owned());
            tokio::spawn(async move {
                let mut outcome = Outcome::default();
                while go_on(sent.fetch_add(1, Ordering::Relaxed), start.elapsed()) {
                    outcome.add(&client, &url).await;
                }
                outcome
            })
        })
        .collect();
    let mut whole = Outcome::default();
    for connection in connections {
        let outcome = connection.await.unwrap();
        whole.ok += outcome.ok;
        whole.others.extend(outcome.others);
        whole.slowest = whole.slowest.max(outcome.slowest);
    }
    whole
}

impl Outcome {
    async fn add(&mut self, client: &reqwest::Client, url: &str) {
        let start = Instant::now();
        match send(client, url).await {
            Ok(answer) if answer.status == StatusCode::OK => self.ok += 1,
            Ok(answer) => self.others.push(format!("{answer:?}")),
            Err(error) => self.others.push(format!("{error:?}")),
        }
        self.slowest = self.slowest.max(start.elapsed());
    }
}

/// `GET url`, with the whole response.
pub async fn send(client: &reqwest::Client, url: &str) -> reqwest::Result<Answer> {
    Answer::read(client.get(url).send().await?).await
}
