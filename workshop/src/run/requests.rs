//! The requests of a run.

use std::time::Duration;

use super::httpbin::{Httpbin, Mode};
use crate::evidence::{Answer, BESIDE_A_FAILURE, Exchange, NoAnswer, Parent, Purpose};
use otlp::model::now;

/// Time for one response.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// The requests of a run, in the order in which they are sent.
pub(super) struct Plan {
    /// `RANDOM_ERROR_RATE`.
    pub(super) error_rate: f64,
    health: usize,
    /// Requests one after the other, with a `traceparent`.
    continued: usize,
    /// Requests one after the other, without a `traceparent`.
    roots: usize,
    /// Concurrent requests.
    burst: usize,
    /// Requests in each of which httpbin answers the call with this method by this status; `GET` is the first
    /// call.
    upstream_fails: &'static [(&'static str, u16)],
}

/// No request should fail.
pub(super) const CALM: Plan =
    Plan { error_rate: 0.0, health: 2, continued: 4, roots: 2, burst: 8, upstream_fails: &[] };

/// At a rate of 0.5, 100 of 200 requests fail, with a standard deviation of 7. The check allows 5 deviations,
/// so a correct service fails by chance once in two million runs. It detects a rate of 0.25 or 0.75, but not
/// always one of 1/3.
pub(super) const ERRORS: Plan = Plan {
    error_rate: 0.5,
    health: 0,
    continued: 200,
    roots: 0,
    burst: 0,
    // Clients that retry do so after 429 and 5xx, and most of them only a GET.
    upstream_fails: &[("POST", 503), ("GET", 404), ("PUT", 429), ("GET", 429), ("GET", 503)],
};

/// Sends the requests of `plan`, until one gets no response. `before_the_burst` runs while none is in flight.
pub(super) async fn send(
    plan: &Plan,
    client: &reqwest::Client,
    port: u16,
    httpbin: &Httpbin,
    before_the_burst: impl Future<Output = ()>,
) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    let calm = |count| vec![None; count];
    let failing = plan.upstream_fails.iter().copied().map(Some).collect();
    let alone = [
        (calm(plan.health), "/healthz", Purpose::Health, true),
        (calm(plan.continued), "/handson", Purpose::Alone, true),
        (calm(plan.roots), "/handson", Purpose::Alone, false),
        // At the end: the first stack of a program may take a tenth of a second, because it reads the debug
        // information, and the span of a call that fails includes it.
        (failing, "/handson", Purpose::UpstreamFails, true),
    ];
    for (requests, path, purpose, continued) in alone {
        for fails in requests {
            httpbin.expect(Mode::Alone { exchange: exchanges.len(), fails });
            let exchange = exchange(client, port, path, purpose, continued).await;
            let answered = exchange.answer.is_ok();
            exchanges.push(exchange);
            if !answered {
                return exchanges;
            }
        }
    }
    if !plan.upstream_fails.is_empty() {
        // Calls that are not cancelled, and their spans, last longer than their request.
        tokio::time::sleep(BESIDE_A_FAILURE).await;
    }
    before_the_burst.await;
    exchanges.extend(burst(plan.burst, client, port, httpbin).await);
    exchanges
}

/// Sends `count` requests concurrently.
pub(super) async fn burst(
    count: usize,
    client: &reqwest::Client,
    port: u16,
    httpbin: &Httpbin,
) -> Vec<Exchange> {
    httpbin.expect(Mode::Burst);
    let requests: Vec<_> = (0..count)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { exchange(&client, port, "/handson", Purpose::Burst, true).await })
        })
        .collect();
    let mut exchanges = Vec::new();
    for request in requests {
        exchanges.extend(request.await.ok());
    }
    exchanges
}

async fn exchange(
    client: &reqwest::Client,
    port: u16,
    path: &str,
    purpose: Purpose,
    continued: bool,
) -> Exchange {
    let parent = continued.then(Parent::random);
    let mut request = client.get(format!("http://127.0.0.1:{port}{path}")).timeout(TIMEOUT);
    if let Some(parent) = &parent {
        request = request.header("traceparent", format!("00-{}-{}-01", parent.trace_id, parent.span_id));
    }
    let sent = now();
    let answer = answer(request).await;
    Exchange { purpose, path: path.to_owned(), parent, sent, answered: now(), answer }
}

pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, NoAnswer> {
    let answer = request.send().await?;
    let headers = answer.headers().iter();
    let headers = headers
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    Ok(Answer { status: answer.status().as_u16(), headers: headers.collect(), body: answer.text().await? })
}

impl From<reqwest::Error> for NoAnswer {
    /// The innermost cause, because "Connection refused" says more than "error sending request".
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut(TIMEOUT);
        }
        Self::Failed(anyhow::Chain::new(&error).last().map(ToString::to_string).unwrap_or_default())
    }
}

impl Parent {
    /// Random ids, which no other request has.
    pub(super) fn random() -> Self {
        let trace_id = rand::random::<u128>().max(1);
        let span_id = rand::random::<u64>().max(1);
        Self { trace_id: format!("{trace_id:032x}"), span_id: format!("{span_id:016x}") }
    }
}
