//! One HTTP/1.1 connection, used by one VU for one request after the other.

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
        // What goes wrong on it, the request learns too.
        tokio::spawn(async { drop(connection.await) });
        Ok(Self { requests })
    }

    /// Whether another request can be sent: the last answer has been read, and nobody has closed the connection.
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
