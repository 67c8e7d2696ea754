//! Step 0: the service runs, answers, and calls httpbin.

use super::assert::{Check, each, ensure, fail};
use crate::evidence::{Ending, Evidence, Exchange, Purpose, Run};
use crate::messages::Message;
use crate::text;
use crate::verdict::Expectation;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    let calm = &evidence.calm;
    let greeting = format!("Hello, {}", evidence.backend.service);
    let requests = calm.exchanges.iter().filter(|exchange| exchange.path == "/handson");
    let alone = calm.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.purpose == Purpose::Alone);
    let health = calm.exchanges.iter().filter(|exchange| exchange.purpose == Purpose::Health);
    vec![
        Expectation::new(
            text!("GET /handson answers 200 and {body}", body = format!("{{\"message\":\"{greeting}\"}}")),
            each(requests, |exchange| greets(exchange, &greeting)),
        ),
        Expectation::new(
            text!("httpbin gets GET /get, and then GET /get, POST /post and PUT /put at the same time"),
            each(alone, |(index, _)| calls_httpbin(calm, index)),
        ),
        Expectation::new(text!("GET /healthz answers 200"), each(health, is_healthy)),
        Expectation::new(
            text!("the service ends after SIGTERM, with exit status 0"),
            ends(&calm.ending).and_then(|()| ends(&evidence.errors.ending)),
        ),
    ]
}

fn is_healthy(exchange: &Exchange) -> Check {
    match &exchange.answer {
        Ok(answer) => {
            ensure!(
                answer.status == 200,
                text!("status {status}", status = answer.status),
                text!("The route /healthz is missing.")
            );
            Ok(())
        }
        Err(error) => fail(error.to_string(), text!("The service is not running.")),
    }
}

fn greets(exchange: &Exchange, greeting: &str) -> Check {
    let answer = match &exchange.answer {
        Ok(answer) => answer,
        Err(error) => {
            return fail(
                text!("GET /handson: {error}", error = error.to_string()),
                text!(
                    "The handler hangs or the connection broke. Is a panic among the last lines of the log?"
                ),
            );
        }
    };
    ensure!(
        answer.status == 200,
        text!("status {status}: {body}", status = answer.status, body = &answer.body),
        text!("A piece of work fails although RANDOM_ERROR_RATE is 0; the ERROR line in the log says which.")
    );
    let body = serde_json::from_str::<serde_json::Value>(&answer.body).unwrap_or_default();
    ensure!(
        body["message"] == greeting,
        answer.body.clone(),
        text!(
            "The greeting names the service: the package is called backend-NAME, and BACKEND_NAME is unset."
        )
    );
    Ok(())
}

fn calls_httpbin(run: &Run, index: usize) -> Check {
    let calls: Vec<_> = run.upstream_of(index).collect();
    let names: Vec<String> = calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    let (first, mut rest) = match names.split_first() {
        Some((first, rest)) => (first.as_str(), rest.to_vec()),
        None => ("", Vec::new()),
    };
    rest.sort();
    let seen = if names.is_empty() { text!("no call") } else { Message::verbatim(names.join(", ")) };
    ensure!(
        first == "GET /get" && rest == ["GET /get", "POST /post", "PUT /put"],
        seen,
        text!(
            "src/handson.rs calls httpbin once, and then three times with try_join!; HTTPBIN_URL is its address."
        )
    );
    ensure!(
        calls[1..].iter().all(|call| call.overlapped) && calls[0].answered <= calls[1].arrived,
        text!("the three calls came one after the other"),
        text!("Await them together with tokio::try_join!, not one after the other.")
    );
    Ok(())
}

fn ends(ending: &Ending) -> Check {
    match ending {
        // 143 is an exit by SIGTERM, as shells report it: some runtimes end like this after they have
        // drained. The step server-spans checks whether they did.
        Ending::Ended { status: Some(0 | 143), .. } => Ok(()),
        Ending::Ended { status: Some(status), after } => fail(
            text!("exit status {status}, after {time}", status = *status, time = format!("{after:.1?}")),
            text!("Something fails while the service ends."),
        ),
        Ending::Ended { status: None, .. } => fail(
            text!("it was ended by a signal"),
            text!("SIGTERM must be handled: requests drain, telemetry is flushed."),
        ),
        Ending::Killed(after) => fail(
            text!("it still ran after {time}, and was killed", time = format!("{after:?}")),
            text!(
                "Something waits forever at the end: a flush without a timeout, or a flush on the thread that should send."
            ),
        ),
    }
}
