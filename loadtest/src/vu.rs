//! A VU (virtual user) runs one iteration at a time, and keeps its connection between iterations, as in k6.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::checks::Check;
use crate::connection::Connection;
use crate::iteration::{Failure, Iteration};
use crate::spans::Spans;
use crate::target::Target;

/// What each iteration does.
#[derive(Debug)]
pub struct Scenario {
    /// The request.
    pub target: Target,
    /// The requirements for its response.
    pub checks: Vec<Check>,
    /// Records a span for each request; with `None`, traces start at the target.
    pub spans: Option<Spans>,
}

/// A virtual user.
#[derive(Debug, Default)]
pub struct Vu {
    connection: Option<Connection>,
}

impl Vu {
    /// Runs the iteration that was due at `due`.
    pub async fn iterate(&mut self, scenario: &Scenario, due: Instant) -> Iteration {
        let started = Instant::now();
        let span = scenario.spans.as_ref().map(|spans| spans.start(&scenario.target));
        let header = span.as_ref().and_then(|span| span.traceparent());

        let mut sent = None;
        let request = self.request(scenario, header.as_ref(), &mut sent);
        let response = timeout(scenario.target.timeout(), request).await.unwrap_or_else(|_| {
            let limit = humantime::format_duration(scenario.target.timeout());
            Err(Failure { error_type: "timeout", message: format!("no response within {limit}") })
        });

        let ended = Instant::now();
        let sent = sent.unwrap_or(ended);
        let (outcome, body) = match response {
            Ok((status, body)) => (Ok(status), body),
            Err(failure) => (Err(failure), Bytes::new()),
        };
        if let Some(span) = span {
            span.end(&outcome);
        }
        let status = outcome.as_ref().ok().copied();
        Iteration {
            schedule_delay: sent.saturating_duration_since(due),
            request_duration: ended - sent,
            checks: scenario.checks.iter().map(|check| check.passes(status, &body)).collect(),
            duration: started.elapsed(),
            outcome,
        }
    }

    /// Sends the request and reads the response. It uses a new connection if the last one was closed, and
    /// sends the request again if the connection was closed just before the request reached the other side.
    async fn request(
        &mut self,
        scenario: &Scenario,
        header: Option<&(HeaderName, HeaderValue)>,
        sent: &mut Option<Instant>,
    ) -> Result<(StatusCode, Bytes), Failure> {
        loop {
            // Taken out of `self`, so that the connection is dropped if the request is cancelled.
            let kept = self.connection.take();
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => scenario.target.connect().await?,
            };
            if !connection.is_ready().await && is_kept {
                continue;
            }
            *sent = Some(Instant::now());
            let response = match connection.send(scenario.target.request(header)).await {
                Ok(response) => response,
                Err(error) if is_kept && error.message().is_some() => continue,
                Err(error) => return Err(Failure::new("request", error.error())),
            };
            let status = response.status();
            let keep_body = scenario.checks.iter().any(Check::needs_body);
            let body = read(response.into_body(), keep_body).await;
            let body = body.map_err(|error| Failure::new("request", &error))?;
            self.connection = Some(connection);
            return Ok((status, body));
        }
    }
}

/// Reads a body to its end, and keeps it only if a check needs it.
async fn read(mut body: Incoming, keep: bool) -> Result<Bytes, hyper::Error> {
    if keep {
        return Ok(body.collect().await?.to_bytes());
    }
    while let Some(frame) = body.frame().await {
        frame?;
    }
    Ok(Bytes::new())
}
