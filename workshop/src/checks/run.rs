//! Step 0: the service runs, answers, and calls httpbin.

use std::time::Duration;

use super::assert::{Check, each, ensure, fail};
use crate::evidence::{BESIDE_A_FAILURE, Ending, Evidence, Exchange, Purpose, Run, Unusual};
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
        Expectation::new(
            text!(
                "if httpbin fails a call, the request is answered 500 at once: it neither waits for the other calls nor makes one again"
            ),
            each(upstream_fails(&evidence.errors), |(index, exchange)| {
                makes_no_call_again(&evidence.errors, index)?;
                fails_with_its_call(&evidence.errors, index, exchange)
            })
            .and_then(|()| does_not_wait(&evidence.errors)),
        ),
        Expectation::new(
            text!("if a call gets no answer or the query fails, the request is answered 500"),
            each([Unusual::UpstreamBreaks, Unusual::UpstreamRefuses, Unusual::DatabaseFails], |kind| {
                fails_with_its_work(&evidence.unusual, kind)
            }),
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

/// The requests during which httpbin failed a call.
fn upstream_fails(run: &Run) -> impl Iterator<Item = (usize, &Exchange)> {
    run.exchanges.iter().enumerate().filter(|(_, exchange)| exchange.purpose == Purpose::UpstreamFails)
}

fn makes_no_call_again(run: &Run, index: usize) -> Check {
    let Some(failed) = run.upstream_of(index).find(|call| call.status >= 400) else { return Ok(()) };
    let same = run.upstream_of(index).filter(|call| call.method == failed.method).count();
    ensure!(
        same <= if failed.method == "GET" { 2 } else { 1 },
        calls_of(run, index),
        text!(
            "If a call fails, the request fails, and the call is not made again: switch the retries of the client off. Each attempt \
             would be a call with its own span."
        )
    );
    Ok(())
}

fn fails_with_its_call(run: &Run, index: usize, exchange: &Exchange) -> Check {
    let failed = run.upstream_of(index).find(|call| call.status >= 400);
    let (Some(call), Ok(answer)) = (failed, &exchange.answer) else { return Ok(()) };
    let cause =
        || text!("A call fails by any 4xx or 5xx, and a call that fails ends the request, with a 500.");
    ensure!(
        answer.status == 500,
        text!(
            "{method} {path} was answered {status}, and the request {answer}",
            method = &call.method,
            path = &call.path,
            status = call.status,
            answer = answer.status
        ),
        cause()
    );
    // The others are made at the same time; only the first one is made alone.
    let is_first = !run.upstream_of(index).any(|other| other.arrived < call.arrived);
    ensure!(!is_first || run.upstream_of(index).count() == 1, calls_of(run, index), cause());
    Ok(())
}

/// The calls of a request with their statuses, in the order of their arrival.
fn calls_of(run: &Run, index: usize) -> Message {
    let calls = run.upstream_of(index);
    let names: Vec<String> =
        calls.map(|call| format!("{} {} ({})", call.method, call.path, call.status)).collect();
    Message::verbatim(names.join(", "))
}

/// A busy machine may delay a request, but not all of them.
fn does_not_wait(run: &Run) -> Check {
    let waited = |(index, exchange): (usize, &Exchange)| {
        let failed = run.upstream_of(index).find(|call| call.status >= 400)?;
        let has_others = run.upstream_of(index).any(|call| call.arrived > failed.arrived || call.overlapped);
        has_others.then(|| Duration::from_nanos(exchange.answered.saturating_sub(failed.answered)))
    };
    let Some(least) = upstream_fails(run).filter_map(waited).min() else { return Ok(()) };
    ensure!(
        // The others begin a little earlier than the call that fails ends.
        least < BESIDE_A_FAILURE * 4 / 5,
        text!("it was answered {time} after the call had failed", time = format!("{least:.0?}")),
        text!(
            "When one of the three calls fails, stop waiting for the others, and cancel them: tokio::try_join! does both."
        )
    );
    Ok(())
}

fn fails_with_its_work(run: &Run, kind: Unusual) -> Check {
    let Some((_, exchange)) = run.unusual(kind) else { return Ok(()) };
    let status = exchange.answer.as_ref().map(|answer| answer.status);
    let shown = status.map_or_else(ToString::to_string, |status| status.to_string());
    let seen = match kind {
        Unusual::UpstreamBreaks => text!("while httpbin closes the connection: {status}", status = shown),
        Unusual::UpstreamRefuses => text!("while httpbin refuses connections: {status}", status = shown),
        _ => text!("while there is no table users: {status}", status = shown),
    };
    ensure!(
        status == Ok(kind.status()),
        seen,
        text!(
            "A piece of work that fails ends the request, with a 500: the program must neither hide the error nor keep an earlier row."
        )
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
