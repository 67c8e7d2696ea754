//! Waits for the target before the load begins.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::target::Target;
use crate::vu::{Scenario, Vu};

/// Time for one response. A target that hangs while it starts gets another request.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Time between two requests.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// The target did not become healthy in time.
#[derive(Debug, thiserror::Error)]
#[error(
    "{url} is not healthy after {}: {last}; --wait-for sets another address, --wait-timeout 0s does not wait",
    humantime::format_duration(*timeout)
)]
pub struct Unhealthy {
    url: String,
    timeout: Duration,
    /// The last response.
    last: String,
}

/// Requests `health` until it responds with 2xx. `report` gets one line if the first response is another one.
///
/// # Errors
///
/// It does not respond with 2xx within `wait_timeout`.
pub async fn wait(
    health: Target,
    wait_timeout: Duration,
    report: impl FnOnce(&str),
) -> Result<(), Unhealthy> {
    let url = health.public_url().to_owned();
    let probe = Scenario { target: health, checks: Vec::new(), spans: None };
    let deadline = Instant::now() + wait_timeout;
    let mut report = Some(report);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let response =
            timeout(left.min(RESPONSE_TIMEOUT), Vu::default().iterate(&probe, std::time::Instant::now()))
                .await;
        let last = match response.map(|iteration| iteration.outcome) {
            Ok(Ok(status)) if status.is_success() => return Ok(()),
            Ok(Ok(status)) => format!("it responds with {status}"),
            Ok(Err(failure)) => failure.message,
            Err(_) => "no response".to_owned(),
        };
        if deadline.saturating_duration_since(Instant::now()) < RETRY_INTERVAL {
            return Err(Unhealthy { url, timeout: wait_timeout, last });
        }
        if let Some(report) = report.take() {
            report(&format!("waiting for {url}: {last}"));
        }
        sleep(RETRY_INTERVAL).await;
    }
}
