//! A call, and what becomes of it.

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
    /// The value of a header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reaction {
    /// 200, and what was sent, in httpbin's format.
    Answer,
    /// The same after a delay.
    AnswerAfter(Duration),
    /// The same with another status.
    Status(u16),
    /// An answer when [`Upstream::release`](crate::Upstream::release) is called.
    Hold,
    /// The connection is closed without a response.
    BreakOff,
    /// 200 and half of a body, then the connection is closed.
    BreakOffBody,
    /// An answer with `Connection: close`.
    AnswerAndSayClose,
    /// An answer. After a delay the connection is closed without notice.
    AnswerAndCloseAfter(Duration),
}
