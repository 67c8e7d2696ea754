//! The target's side of HTTP: connections, and the requests on them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{Call, GREETING, Reaction, Shared};

/// Its connections end with it.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let number = shared.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(accepted.unwrap().0, number, shared.clone()));
            }
            Some(ended) = connections.join_next() => ended.unwrap(),
        }
    }
}

async fn serve(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    let close = Arc::new(Notify::new());
    let answered = service_fn(|request| answer(request, number, &shared, &close));
    tokio::select! {
        // A broken connection is the client's matter.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answered) => {}
        () = close.notified() => {}
    }
}

/// No answer: the connection is closed.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("told to break off")
    }
}

impl std::error::Error for Broken {}

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    shared: &Shared,
    close: &Arc<Notify>,
) -> Result<Response<Full<Bytes>>, Broken> {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Broken)?.to_bytes();
    let (method, uri, headers) = (head.method, head.uri, head.headers);
    let mut call = Call { number: 0, at, connection, method, uri, headers, body };
    shared.calls.send_modify(|calls| {
        call.number = calls.len();
        calls.push(call.clone());
    });
    let mut response = Response::new(Full::from(GREETING));
    match (shared.react)(&call) {
        Reaction::Answer => {}
        Reaction::AnswerAfter(delay) => tokio::time::sleep(delay).await,
        Reaction::Status(status) => *response.status_mut() = StatusCode::from_u16(status).unwrap(),
        Reaction::Hold => {
            shared.released.subscribe().wait_for(|released| *released).await.unwrap();
        }
        Reaction::BreakOff => return Err(Broken),
        Reaction::AnswerAndSayClose => {
            response.headers_mut().insert(http::header::CONNECTION, "close".parse().unwrap());
        }
        Reaction::AnswerAndCloseAfter(pause) => {
            let close = close.clone();
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                close.notify_one();
            });
        }
    }
    Ok(response)
}
