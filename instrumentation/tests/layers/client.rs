//! The client middleware.

mod attributes;
mod call_span;
mod failures;
mod lifetimes;
mod metrics;
mod propagation;
mod response;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{any, get};
use futures_util::{StreamExt, stream};
use instrumentation::Instrumentation;
use instrumentation::client::ClientMiddleware;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::sync::Notify;

use crate::http::{NotifyOnDrop, client, serve};

/// A server without instrumentation, which clients call.
struct Callee {
    address: SocketAddr,
    /// Notified when a request to `/slow` has begun, and again when it was cancelled.
    slow: Arc<Notify>,
    /// Lets a body of `/halves` continue.
    go_on: Arc<Notify>,
}

impl Callee {
    /// `/echo` responds with the `traceparent` of the request, `/status/{code}` with that status, `/moved`
    /// redirects to `/echo`, `/slow` never responds, and `/halves` sends the second half of its body when it
    /// may continue.
    async fn start() -> Self {
        let (slow, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, released) = (Arc::clone(&slow), Arc::clone(&go_on));
        let never = move || {
            let given_up = NotifyOnDrop(Arc::clone(&begun));
            async move {
                given_up.0.notify_one();
                std::future::pending::<()>().await;
            }
        };
        let halves = move || {
            let released = Arc::clone(&released);
            let second = stream::once(async move {
                released.notified().await;
                Ok(Bytes::from_static(b"half"))
            });
            let first = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from_static(b"half"))]);
            async { Body::from_stream(first.chain(second)) }
        };
        let routes = Router::new()
            .route("/echo", any(echo))
            .route("/status/{code}", any(status))
            .route("/moved", get(|| async { Redirect::temporary("/echo?moved") }))
            .route("/slow", get(never))
            .route("/halves", get(halves));
        Self { address: serve(routes).await, slow, go_on }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn echo(headers: HeaderMap) -> ([(&'static str, &'static str); 2], String) {
    let sent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    ([("x-reply", "1"), ("set-cookie", "a=b")], sent.unwrap_or_default().to_owned())
}

async fn status(axum::extract::Path(code): axum::extract::Path<u16>) -> (StatusCode, &'static str) {
    (StatusCode::from_u16(code).expect("the tests ask for valid codes"), "a body")
}

/// A client with the middleware.
fn recorded(instrumentation: &Instrumentation) -> ClientWithMiddleware {
    with_middleware(client(), instrumentation)
}

fn with_middleware(client: reqwest::Client, instrumentation: &Instrumentation) -> ClientWithMiddleware {
    ClientBuilder::new(client).with(ClientMiddleware::new(instrumentation)).build()
}

/// Calls `url` and reads the whole response.
async fn call(client: &ClientWithMiddleware, url: String) -> String {
    let response = client.get(url).send().await.expect("the server answers");
    response.text().await.expect("the body arrives")
}
