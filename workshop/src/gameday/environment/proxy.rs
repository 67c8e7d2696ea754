//! The proxy between service and httpbin.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::gameday::{Fault, GameDay};
use crate::run;

/// Maximum size of the body of a call; the service sends some bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// How long a slow endpoint waits for the body of a call.
const LATE_BODY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(900));
/// Share of the calls that a flaky endpoint answers with 503.
const FLAKY_SHARE: f64 = 0.4;
/// How often a call is repeated, and the time between two of these calls.
const REPETITIONS: usize = 4;
const REPETITION_INTERVAL: Duration = Duration::from_millis(15);
/// Number of calls that can be in progress at the same time if connections are short.
const CONNECTIONS: u32 = 4;
/// How long another client keeps all of them, and the time until it wants them again.
const CONNECTIONS_HELD: (Duration, Duration) = (Duration::from_millis(500), Duration::from_millis(700));
const CONNECTIONS_FREE: Duration = Duration::from_millis(100);
/// The headers that carry the context of a trace.
const CONTEXT_HEADERS: [&str; 3] = ["traceparent", "tracestate", "baggage"];

struct Proxy {
    game: Arc<GameDay>,
    client: reqwest::Client,
    httpbin: String,
    connections: Semaphore,
}

/// A call on its way to httpbin.
#[derive(Clone)]
struct Call {
    head: Parts,
    body: Bytes,
    /// How much later than the head the body is sent.
    body_delay: Duration,
}

/// Passes calls on to httpbin, and breaks them as the plan says.
pub(super) async fn serve(listener: TcpListener, game: Arc<GameDay>, httpbin_port: u16) {
    // Plain HTTP needs no certificates, and without them nothing can fail.
    let Ok(client) = run::client() else { return };
    let httpbin = format!("http://127.0.0.1:{httpbin_port}");
    let connections = Semaphore::new(CONNECTIONS as usize);
    let proxy = Arc::new(Proxy { game, client, httpbin, connections });
    tokio::spawn(keep_connections(Arc::clone(&proxy)));
    let router = Router::new().fallback(call).with_state(proxy);
    // It ends with the process.
    let _ = axum::serve(listener, router).await;
}

async fn call(State(proxy): State<Arc<Proxy>>, request: Request) -> Response {
    let (mut head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let game = &proxy.game;
    let is_of_the_endpoint = head.uri.path() == game.plan.endpoint;
    let mut body_delay = Duration::ZERO;
    let mut connection = None;
    match game.active() {
        Some(Fault::Pool) => connection = proxy.connections.acquire().await.ok(),
        Some(Fault::FlakyUpstream) if is_of_the_endpoint && game.happens(FLAKY_SHARE) => {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Some(Fault::SlowUpstream) if is_of_the_endpoint => body_delay = game.draw(LATE_BODY.0..=LATE_BODY.1),
        Some(Fault::LostContext) if is_of_the_endpoint => {
            for name in CONTEXT_HEADERS {
                head.headers.remove(name);
            }
        }
        Some(Fault::RetryStorm) if is_of_the_endpoint => {
            for _ in 0..REPETITIONS {
                let (proxy, call) =
                    (Arc::clone(&proxy), Call { head: head.clone(), body: body.clone(), body_delay });
                tokio::spawn(async move { proxy.forward(call).await });
                tokio::time::sleep(REPETITION_INTERVAL).await;
            }
        }
        _ => {}
    }
    let response = proxy.forward(Call { head, body, body_delay }).await;
    drop(connection);
    response
}

impl Proxy {
    async fn forward(&self, call: Call) -> Response {
        let Call { head, body, body_delay } = call;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = self.client.request(head.method, format!("{}{path}", self.httpbin));
        request = request.headers(without_connection_headers(head.headers));
        if !body_delay.is_zero() {
            request = request.body(late(body, body_delay));
        } else if !body.is_empty() {
            request = request.body(body);
        }
        let answered = async {
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, without_connection_headers(headers), response.bytes().await?))
        };
        match answered.await {
            Ok((status, headers, body)) => (status, headers, Body::from(body)).into_response(),
            Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        }
    }
}

/// The headers that are not about one connection only, which a proxy must not pass on:
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1>.
fn without_connection_headers(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
    headers
}

/// A body that is sent after `delay`. httpbin has received the head by then, so its span begins without delay
/// and ends late, as if httpbin itself were slow.
fn late(body: Bytes, delay: Duration) -> reqwest::Body {
    reqwest::Body::wrap(StreamBody::new(stream::once(async move {
        tokio::time::sleep(delay).await;
        Ok::<_, std::io::Error>(Frame::data(body))
    })))
}

/// Takes all connections from time to time, like another client. The semaphore is fair: calls that wait get
/// theirs before it gets them again.
async fn keep_connections(proxy: Arc<Proxy>) {
    proxy.game.wait_until_begun().await;
    while proxy.game.active() == Some(Fault::Pool) {
        // The semaphore is never closed.
        let taken = proxy.connections.acquire_many(CONNECTIONS).await;
        tokio::time::sleep(proxy.game.draw(CONNECTIONS_HELD.0..=CONNECTIONS_HELD.1)).await;
        drop(taken);
        tokio::time::sleep(CONNECTIONS_FREE).await;
    }
}
