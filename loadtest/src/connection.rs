//! One HTTP/1.1 connection, which one VU uses for its consecutive requests.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::rt::{Read, Write};

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(
        stream: impl Read + Write + Send + Unpin + 'static,
    ) -> Result<Self, hyper::Error> {
        let (requests, connection) = http1::handshake(stream).await?;
        // An error of the connection is also reported to its request.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self { requests })
    }

    /// Whether another request can be sent: the last response was read, and the connection is open.
    pub(crate) async fn is_ready(&mut self) -> bool {
        self.requests.ready().await.is_ok()
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>> {
        self.requests.try_send_request(request).await
    }
}
