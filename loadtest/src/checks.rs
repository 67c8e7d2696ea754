//! Checks: what an answer must be like. They are counted, and a failed one does not fail the run; a threshold on the
//! metric `checks` does.

use std::str::FromStr;

use http::StatusCode;

/// One check, written as its name: `status is 200` or `body contains Hello`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// The status is exactly this.
    StatusIs(StatusCode),
    /// The body holds this text.
    BodyContains(String),
}

impl Check {
    /// Whether the body must be kept for it.
    pub fn needs_body(&self) -> bool {
        matches!(self, Self::BodyContains(_))
    }

    /// Whether it passes; a request without an answer passes none.
    pub fn passes(&self, status: Option<StatusCode>, body: &[u8]) -> bool {
        match self {
            Self::StatusIs(expected) => status == Some(*expected),
            Self::BodyContains(text) => {
                status.is_some() && body.windows(text.len()).any(|part| part == text.as_bytes())
            }
        }
    }

    /// What the summary calls it.
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
            _ => Err("allowed: 'status is 200', with any status, or 'body contains TEXT'"),
        }
    }
}
