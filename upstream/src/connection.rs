//! The server's side of HTTP: connections, and the calls on them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::{Call, Reaction, Shared};

/// Accepts connections. They end when this future is dropped.
pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // For example, there may be no more file descriptors, and some connections must end
                    // first.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let number = shared.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(stream, number, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    let close = Arc::new(Notify::new());
    let service = service_fn(|request| answer(request, number, &shared, &close));
    tokio::select! {
        // An error of the connection only matters to the client.
        _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
        () = close.notified() => {}
    }
}

/// There is no response, or no more of it, so hyper closes the connection.
#[derive(Debug, thiserror::Error)]
#[error("the reaction is to break off the response")]
pub(crate) struct BrokenOff;

async fn answer(
    request: Request<Incoming>,
    connection: usize,
    shared: &Shared,
    close: &Arc<Notify>,
) -> Result<Response<Either<Full<Bytes>, HalfBody>>, BrokenOff> {
    let at = Instant::now();
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| BrokenOff)?.to_bytes();
    let mut call =
        Call { number: 0, at, connection, method: head.method, uri: head.uri, headers: head.headers, body };
    shared.calls.send_modify(|calls| {
        call.number = calls.len();
        calls.push(call.clone());
    });
    let mut response = Response::new(Either::Left(Full::from(echo(&call))));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    match (shared.react)(call).await {
        Reaction::Answer => {}
        Reaction::AnswerAfter(delay) => tokio::time::sleep(delay).await,
        Reaction::Status(status) => {
            *response.status_mut() =
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        }
        Reaction::Hold => {
            // An error would mean that the server has ended, and this task with it.
            let _ = shared.released.subscribe().wait_for(|released| *released).await;
        }
        Reaction::BreakOff => return Err(BrokenOff),
        Reaction::BreakOffBody => {
            *response.body_mut() = Either::Right(HalfBody::First);
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("1000"));
        }
        Reaction::AnswerAndSayClose => {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Reaction::AnswerAndCloseAfter(delay) => {
            let close = Arc::clone(close);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                close.notify_one();
            });
        }
    }
    Ok(response)
}

/// The content of the request in httpbin's format, without the parts that nobody reads.
fn echo(call: &Call) -> String {
    let data = String::from_utf8_lossy(&call.body);
    json!({ "args": {}, "data": data, "headers": {}, "url": call.uri.to_string() }).to_string()
}

/// The first half of a body, followed by an error.
pub(crate) enum HalfBody {
    First,
    Sent,
    Over,
}

impl Body for HalfBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match *self {
            Self::First => {
                *self = Self::Sent;
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"half\": ")))))
            }
            // At this point hyper sends the first half.
            Self::Sent => {
                *self = Self::Over;
                task.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Over => Poll::Ready(Some(Err(BrokenOff))),
        }
    }
}
