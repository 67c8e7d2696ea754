//! Checks: requirements for a response. They are counted; a failed check does not fail the run, but a
//! threshold on the metric `checks` can.

use std::str::FromStr;

use http::StatusCode;

/// One check, written as its name: `status is 200` or `body contains Hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The status is exactly this.
    StatusIs(StatusCode),
    /// The body contains this text.
    BodyContains(String),
}

impl Check {
    /// Whether the check needs the body.
    pub fn needs_body(&self) -> bool {
        matches!(self, Self::BodyContains(_))
    }

    /// Whether it passes. A request without a response passes no check.
    pub fn passes(&self, status: Option<StatusCode>, body: &[u8]) -> bool {
        match self {
            Self::StatusIs(expected) => status == Some(*expected),
            Self::BodyContains(text) => {
                status.is_some() && body.windows(text.len()).any(|part| part == text.as_bytes())
            }
        }
    }

    /// Its name in the summary.
    pub fn name(&self) -> String {
        match self {
            Self::StatusIs(status) => format!("status is {}", status.as_u16()),
            Self::BodyContains(text) => format!("body contains {text}"),
        }
    }
}

impl FromStr for Check {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let status = text.strip_prefix("status is ").map(|status| status.trim().parse().map(Self::StatusIs));
        let body = text.strip_prefix("body contains ").filter(|wanted| !wanted.is_empty());
        match (status, body) {
            (Some(Ok(check)), _) => Ok(check),
            (_, Some(wanted)) => Ok(Self::BodyContains(wanted.to_owned())),
            _ => Err("expected 'status is 200', with any status, or 'body contains TEXT'"),
        }
    }
}
