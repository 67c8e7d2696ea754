//! Unusual requests: queries, unknown paths, invalid headers, callers that hang up, and a request that is
//! running when the program receives SIGTERM.

use reqwest::{Client, Method, RequestBuilder};

use super::database::DatabaseFile;
use super::httpbin::{Httpbin, Mode};
use super::requests::{TIMEOUT, answer};
use super::service::{End, Service};
use crate::evidence::{Answer, Exchange, NoAnswer, Parent, Purpose, Unusual};
use otlp::model::now;

/// Sends one request of each kind, one after the other, until one gets no response, and stops the program.
pub(super) async fn send(
    service: &mut Service,
    httpbin: &mut Httpbin,
    database: &DatabaseFile,
) -> (Vec<Exchange>, End) {
    let (client, port) = (service.client().clone(), service.port());
    let mut exchanges = Vec::new();
    for kind in Unusual::ALL {
        let exchange = exchanges.len();
        let sent = match kind {
            Unusual::HangsUp => {
                httpbin.expect(Mode::Held { exchange });
                exchanges.push(hang_up(&client, port, httpbin).await);
                continue;
            }
            Unusual::AtTheEnd => {
                httpbin.expect(Mode::Held { exchange });
                let end = async {
                    // A program that never calls httpbin is stopped after the timeout.
                    let _ = tokio::time::timeout(TIMEOUT, httpbin.holds_a_call()).await;
                    service.end().await
                };
                let (last, end) = tokio::join!(exchange_of(&client, port, kind), end);
                exchanges.push(last);
                return (exchanges, end);
            }
            Unusual::UpstreamRefuses => {
                httpbin.close().await;
                let sent = exchange_of(&client, port, kind).await;
                // If another process has taken the port, the next request has no response, and is reported.
                let _ = httpbin.listen();
                sent
            }
            Unusual::DatabaseFails => {
                // A program that has created no table makes no query that could fail.
                if database.hide_table().await.is_err() {
                    continue;
                }
                httpbin.expect(Mode::Alone { exchange, fails: None });
                let sent = exchange_of(&client, port, kind).await;
                // If the program has created it again, that table stays.
                let _ = database.show_table().await;
                sent
            }
            kind => {
                httpbin.expect(match kind {
                    Unusual::SlowUpstream => Mode::Slow { exchange },
                    Unusual::UpstreamBreaks => Mode::Breaks { exchange },
                    _ => Mode::Alone { exchange, fails: None },
                });
                exchange_of(&client, port, kind).await
            }
        };
        let is_answered = sent.answer.is_ok();
        exchanges.push(sent);
        if !is_answered {
            break;
        }
    }
    (exchanges, service.end().await)
}

/// Closes the connection as soon as httpbin is called.
async fn hang_up(client: &Client, port: u16, httpbin: &Httpbin) -> Exchange {
    let (request, parent) = request(client, port, Unusual::HangsUp);
    let sent = now();
    tokio::select! {
        _ = request.send() => {}
        () = httpbin.holds_a_call() => {}
    }
    exchange(Unusual::HangsUp, parent, sent, Err(NoAnswer::HungUp))
}

async fn exchange_of(client: &Client, port: u16, kind: Unusual) -> Exchange {
    let (request, parent) = request(client, port, kind);
    let sent = now();
    let answer = answer(request).await;
    exchange(kind, parent, sent, answer)
}

fn exchange(kind: Unusual, parent: Option<Parent>, sent: u64, answer: Result<Answer, NoAnswer>) -> Exchange {
    Exchange {
        purpose: Purpose::Unusual(kind),
        path: kind.path().to_owned(),
        parent,
        sent,
        answered: now(),
        answer,
    }
}

fn request(client: &Client, port: u16, kind: Unusual) -> (RequestBuilder, Option<Parent>) {
    let query = kind.query().map(|query| format!("?{query}")).unwrap_or_default();
    let method = Method::from_bytes(kind.method().as_bytes()).unwrap_or_default();
    let request =
        client.request(method, format!("http://127.0.0.1:{port}{}{query}", kind.path())).timeout(TIMEOUT);
    if let Some(malformed) = kind.malformed_parent() {
        return (request.header("traceparent", malformed), None);
    }
    let parent = Parent::random();
    let flags = if kind == Unusual::Unsampled { "00" } else { "01" };
    let mut request =
        request.header("traceparent", format!("00-{}-{}-{flags}", parent.trace_id, parent.span_id));
    if kind == Unusual::TraceState {
        request = request.header("tracestate", Unusual::TRACE_STATE).header("baggage", Unusual::BAGGAGE);
    }
    (request, Some(parent))
}
