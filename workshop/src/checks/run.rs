//! Step 0: the service runs, answers, and calls httpbin.

use super::words::{Wrong, expect, first_of, wrong};
use crate::evidence::{Ending, Evidence, Exchange, Purpose, Run};
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let greeting = format!("Hello, {}", evidence.backend.service);
    let calls = calm.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.purpose == Purpose::Alone);
    vec![
        expect(
            format!("GET /handson answers 200 and {{\"message\":\"{greeting}\"}}"),
            first_of(calm.exchanges.iter().filter(|e| e.path == "/handson"), |e| greets(e, &greeting)),
        ),
        expect(
            "httpbin gets GET /get, and then GET /get, POST /post and PUT /put at the same time",
            first_of(calls, |(index, _)| calls_httpbin(calm, index)),
        ),
        expect(
            "GET /healthz answers 200",
            first_of(calm.exchanges.iter().filter(|e| e.purpose == Purpose::Health), |exchange| {
                match &exchange.answer {
                    Ok(answer) if answer.status == 200 => None,
                    Ok(answer) => {
                        wrong(format!("status {}", answer.status), "The route /healthz is missing.")
                    }
                    Err(error) => wrong(error, "The service is not up."),
                }
            }),
        ),
        expect(
            "the service ends by itself after SIGTERM, with exit status 0",
            ends(&calm.ending).or_else(|| ends(&evidence.errors.ending)),
        ),
    ]
}

fn greets(exchange: &Exchange, greeting: &str) -> Option<Wrong> {
    match &exchange.answer {
        Err(error) => wrong(
            format!("GET /handson: {error}"),
            "The handler hangs or the connection broke. Is a panic among the last lines of the log?",
        ),
        Ok(answer) if answer.status != 200 => wrong(
            format!("status {}: {}", answer.status, answer.body),
            "A piece of work fails though RANDOM_ERROR_RATE is 0; the ERROR line in the log says which.",
        ),
        Ok(answer) => {
            let message = serde_json::from_str::<serde_json::Value>(&answer.body).ok();
            let message = message.and_then(|body| body["message"].as_str().map(str::to_owned));
            if message.as_deref() == Some(greeting) {
                return None;
            }
            wrong(
                &answer.body,
                "The greeting names the service: the package is called backend-NAME, and BACKEND_NAME is unset.",
            )
        }
    }
}

fn calls_httpbin(run: &Run, index: usize) -> Option<Wrong> {
    let calls: Vec<_> = run.upstream_of(index).collect();
    let seen: Vec<String> = calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    let (first, rest) = seen.split_first().unzip();
    let mut rest = rest.map(<[String]>::to_vec).unwrap_or_default();
    rest.sort();
    if first.map(String::as_str) != Some("GET /get") || rest != ["GET /get", "POST /post", "PUT /put"] {
        let seen = if seen.is_empty() { "no call".to_owned() } else { seen.join(", ") };
        return wrong(
            seen,
            "src/handson.rs calls httpbin once, and then three times by try_join!; HTTPBIN_URL says where.",
        );
    }
    if !calls[1..].iter().all(|call| call.overlapped) || calls[0].answered > calls[1].arrived {
        return wrong(
            "the three calls came one after the other",
            "Await them together, by tokio::try_join!, and not each by itself.",
        );
    }
    None
}

fn ends(ending: &Ending) -> Option<Wrong> {
    match ending {
        Ending::Ended { status: Some(0), .. } => None,
        Ending::Ended { status: Some(status), after } => wrong(
            format!("exit status {status}, after {after:.1?}"),
            "Something fails while the service ends.",
        ),
        Ending::Ended { status: None, .. } => wrong(
            "it was ended by a signal",
            "SIGTERM must be handled: requests drain, telemetry is flushed.",
        ),
        Ending::Killed(after) => wrong(
            format!("it still ran after {after:?}, and was killed"),
            "Something waits for ever at the end: a flush without a timeout, or one on the thread that is to send.",
        ),
    }
}
