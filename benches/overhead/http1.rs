//! The part of HTTP/1.1 that both ends of a benchmark need: finding the end of a message.
//!
//! A full client or server would use CPU time that the service under test needs.

use crate::Result;

/// Lengths of a message's parts, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// The start line and the headers, including the empty line after them.
    pub head: usize,
    /// The body, as given by `content-length`.
    pub body: usize,
}

impl Message {
    /// Parses the head of the message at the start of `bytes`; `None` if it is incomplete.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = str::from_utf8(&bytes[..end])?;
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map(|(_, value)| value.trim())
            .ok_or_else(|| {
                format!("a message without content-length, which this benchmark cannot read:\n{head}")
            })?;
        Ok(Some(Self { head: end + 4, body: length.parse()? }))
    }

    /// Length of the whole message.
    pub fn len(self) -> usize {
        self.head + self.body
    }
}
