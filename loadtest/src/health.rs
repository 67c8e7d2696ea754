//! Waits for the target before the load begins.

use std::time::Duration;

use http::StatusCode;
use tokio::time::{Instant, sleep, timeout};

use crate::target::Target;
use crate::vu::{Scenario, Vu};

/// How long an answer may take. A target that hangs while it starts is asked again.
const ANSWER: Duration = Duration::from_secs(2);

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(250);

/// Asks `health` until it answers 2xx. `say` gets one line where it does not at first.
///
/// # Errors
///
/// Where it does not within `patience`, in words for people.
pub async fn wait(health: Target, patience: Duration, say: impl FnOnce(&str)) -> Result<(), String> {
    let url = health.public_url().to_owned();
    let probe = Scenario { target: health, checks: Vec::new(), spans: None };
    let deadline = Instant::now() + patience;
    let mut say = Some(say);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let answer =
            timeout(left.min(ANSWER), Vu::default().iterate(&probe, std::time::Instant::now())).await;
        let seen = match answer.map(|iteration| iteration.outcome) {
            Ok(Ok(status)) if status.is_success() => return Ok(()),
            Ok(Ok(status)) => in_words(status),
            Ok(Err(failure)) => failure.message,
            Err(_) => "no answer".to_owned(),
        };
        if deadline.saturating_duration_since(Instant::now()) < PAUSE {
            let patience = humantime::format_duration(patience);
            return Err(format!(
                "{url} is not healthy after {patience}: {seen}; --wait-for names another address, --wait-timeout 0s does not wait"
            ));
        }
        if let Some(say) = say.take() {
            say(&format!("waiting for {url}: {seen}"));
        }
        sleep(PAUSE).await;
    }
}

fn in_words(status: StatusCode) -> String {
    format!("it answers {status}")
}
