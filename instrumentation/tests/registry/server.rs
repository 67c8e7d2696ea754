//! A real axum server, and requests to it from a client without instrumentation.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::{any, get};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The routes for checking the crates.
///
/// `/items/{id}` responds to any method with 200, `/fail` with 500, `/echo` with the `traceparent` of the
/// request, and `/slow` never responds: `slow` is notified when a request to it has begun, and again when it
/// was cancelled.
pub fn routes(slow: Arc<Notify>) -> Router {
    let never = move || {
        let ended = NotifyOnDrop(Arc::clone(&slow));
        async move {
            ended.0.notify_one();
            std::future::pending::<()>().await;
        }
    };
    Router::new()
        .route("/items/{id}", any(|| async { ([("set-cookie", "session=1")], "an item") }))
        .route("/fail", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/echo", get(traceparent))
        .route("/slow", get(never))
}

async fn traceparent(headers: HeaderMap) -> String {
    let sent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    sent.unwrap_or_default().to_owned()
}

struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// Serves `routes` on a free port of the loopback address until the runtime ends.
pub async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// An address on which nothing listens.
pub async fn closed() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    listener.local_addr().expect("a listener has an address")
}

/// A client without middleware. It ignores the proxy variables of the environment.
pub fn client() -> reqwest::Client {
    // This fails if another test of this process has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("the client has no options that could fail")
}

/// Sends a request and reads the whole response.
pub async fn request(method: Method, url: &str) {
    let sent = client()
        .request(method, url)
        .header("user-agent", "registry-test")
        .header("authorization", "Bearer secret-token")
        .send();
    let response = sent.await.expect("the server answers");
    response.bytes().await.expect("the body arrives");
}

/// Sends a request to `/slow`, cancels it after it has begun, and waits until the server has noticed.
pub async fn request_and_give_up(address: SocketAddr, slow: &Notify) {
    let request = tokio::spawn(client().get(format!("http://{address}/slow")).send());
    slow.notified().await;
    request.abort();
    slow.notified().await;
}
