//! The server layer.

mod attributes;
mod lifetimes;
mod metrics;
mod off;
mod parents;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use instrumentation::Instrumentation;
use instrumentation::server::ServerLayer;
use tokio::sync::Notify;

use crate::http::{NotifyOnDrop, serve};

/// Serves a few routes with the layer.
///
/// `/items/{id}` responds to any method with 200, `/status/{code}` with that status. `/slow` never responds:
/// `slow` is notified when a request to it has begun, and again when it was cancelled.
async fn start(instrumentation: &Instrumentation, slow: &Arc<Notify>) -> SocketAddr {
    let slow = Arc::clone(slow);
    let never = move || {
        let given_up = NotifyOnDrop(Arc::clone(&slow));
        async move {
            given_up.0.notify_one();
            std::future::pending::<()>().await;
        }
    };
    let routes = Router::new()
        .route("/items/{id}", any(|| async { "an item" }))
        .route("/status/{code}", get(status))
        .route("/slow", get(never));
    serve(routes.layer(ServerLayer::new(instrumentation))).await
}

async fn status(axum::extract::Path(code): axum::extract::Path<u16>) -> StatusCode {
    StatusCode::from_u16(code).expect("the tests ask for valid codes")
}

/// A header of a response that was received as text.
fn header<'a>(response: &'a str, name: &str) -> Option<&'a str> {
    response.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
