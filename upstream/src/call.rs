//! A call, and the reaction to it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

/// A call that the server has received.
#[derive(Debug, Clone)]
pub struct Call {
    /// Number of calls before it.
    pub number: usize,
    /// When it arrived.
    pub at: Instant,
    /// Number of connections before the one on which it arrived.
    pub connection: usize,
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Call {
    /// The value of a header, if it is present and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What the server does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// Responds with 200, and the content of the request in httpbin's format.
    Answer,
    /// The same after a delay.
    AnswerAfter(Duration),
    /// The same with another status.
    Status(u16),
    /// Responds when [`Upstream::release`](crate::Upstream::release) is called.
    Hold,
    /// Closes the connection without a response.
    BreakOff,
    /// Responds with 200 and half of the body, then closes the connection.
    BreakOffBody,
    /// Responds with `Connection: close`.
    AnswerAndSayClose,
    /// Responds, and closes the connection after a delay, without notice.
    AnswerAndCloseAfter(Duration),
}
