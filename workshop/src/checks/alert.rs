//! Step 9: the attendee's monitor fires once when requests fail, and recovers when they stop failing.
//!
//! The monitor is the console's. It evaluates the requests of both runs on a simulated clock, so that minutes
//! take no time and the result does not depend on the speed of the machine.

use super::assert::{Check, ensure, fail};
use super::requests::no_server_spans;
use crate::evidence::{Evidence, Origin, Purpose, Run};
use crate::messages::Message;
use crate::text;
use crate::verdict::{Expectation, Failure};
use console::monitor::{Definition, Monitor, Notice};
use console::store::Rates;
use otlp::model::{Span, SpanKind};

const SECOND: u64 = 1_000_000_000;
/// The default rate of the load generator.
const REQUESTS_PER_SECOND: u64 = 5;
/// The parts of the drill, in seconds: without errors, at the error rate, without errors again.
const CALM: u64 = 120;
const FAILING: u64 = 120;
const CALM_AGAIN: u64 = 180;

/// The default address of the console, in the notices' links to traces.
const CONSOLE: &str = "http://localhost:4000";

/// The monitor's notices, each with the seconds since the start of the drill.
type Notices = Vec<(u64, Notice)>;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let defined = text!("monitor.toml defines a monitor: service, window, threshold, min_requests");
    let definition = match definition(evidence) {
        Ok(definition) => definition,
        Err(failure) => return vec![Expectation::new(defined, Err(failure))],
    };
    let defined = Expectation::new(defined, Ok(()));
    let mut expectations = vec![defined];
    let service = &evidence.backend.service;
    let definition = match evidence.backend.origin {
        Origin::Package { .. } => {
            let watched = watches(&definition, service);
            let is_watched = watched.is_ok();
            expectations.push(Expectation::new(text!("it watches {service}", service), watched));
            if !is_watched {
                return expectations;
            }
            definition
        }
        // The name of a command is the one that each run sets. The monitor has the name that it has
        // elsewhere.
        Origin::Command => Definition { service: service.clone(), ..definition },
    };
    let notices = drill(evidence, &definition);
    expectations.extend([
        Expectation::new(
            text!("it does not fire in {seconds} s at RANDOM_ERROR_RATE=0", seconds = CALM),
            does_not_fire(&notices, evidence),
        ),
        Expectation::new(
            text!(
                "it fires once in {seconds} s at RANDOM_ERROR_RATE={rate}, and names service, rate and a trace",
                seconds = FAILING,
                rate = evidence.errors.error_rate
            ),
            fires_once(&notices, &definition, evidence),
        ),
        Expectation::new(
            text!("it recovers in the {seconds} s after that, and reports it once", seconds = CALM_AGAIN),
            recovers_once(&notices, &definition),
        ),
    ]);
    expectations
}

fn definition(evidence: &Evidence) -> Result<Definition, Failure> {
    let definition = match &evidence.backend.monitor {
        None => Err(text!("there is no monitor.toml in the backend's folder")),
        Some(text) => Definition::parse(text).map_err(|error| Message::from(error.to_string())),
    };
    definition.map_err(|seen| {
        let cause = text!(
            "Write it next to Cargo.toml; the repository's own monitor.toml has every field, and what is allowed in it."
        );
        Failure::new(seen, cause)
    })
}

fn watches(definition: &Definition, service: &str) -> Check {
    ensure!(
        definition.service == service,
        format!("service = {:?}", definition.service),
        text!("Write the name that the service has in its telemetry: service.name of the resource.")
    );
    Ok(())
}

/// Evaluates the monitor on the requests of both runs, once per simulated second.
fn drill(evidence: &Evidence, definition: &Definition) -> Notices {
    let calm: Vec<&Span> = requests(&evidence.calm, definition, Purpose::UpstreamFails);
    let failing: Vec<&Span> = requests(&evidence.errors, definition, Purpose::UpstreamFails);
    let mut monitor = Monitor::from_definition(Ok(definition.clone()));
    let mut rates = Rates::default();
    let mut notices = Notices::new();
    // Not 0, because the monitor looks back from the current time.
    let start = 3_600;
    let mut sent = 0;
    for second in 0..CALM + FAILING + CALM_AGAIN {
        let now = (start + second) * SECOND;
        let fails = (CALM..CALM + FAILING).contains(&second);
        let spans = if fails { &failing } else { &calm };
        for _ in 0..REQUESTS_PER_SECOND {
            let Some(span) = spans.get(sent % spans.len().max(1)) else { continue };
            sent += 1;
            let (start, end) = (now.saturating_sub(span.duration()), now);
            rates.count(&Span { start, end, ..(*span).clone() }, now);
        }
        notices.extend(monitor.evaluate(Some(&rates), now).map(|notice| (second, notice)));
    }
    notices
}

/// The SERVER spans of the service, except those of requests that were sent for the purpose `without`.
fn requests<'a>(run: &'a Run, definition: &Definition, without: Purpose) -> Vec<&'a Span> {
    let others: Vec<&str> = run
        .exchanges
        .iter()
        .filter(|exchange| exchange.purpose == without)
        .filter_map(|exchange| exchange.parent.as_ref().map(|parent| parent.trace_id.as_str()))
        .collect();
    let spans = run.telemetry.spans.iter().filter(|span| {
        let service = span.resource.text("service.name");
        span.kind == SpanKind::Server
            && service == Some(&definition.service)
            && !others.contains(&span.trace_id.as_str())
    });
    spans.collect()
}

fn is_calm(second: u64) -> bool {
    second < CALM
}

fn does_not_fire(notices: &Notices, evidence: &Evidence) -> Check {
    match notices.iter().find(|(second, notice)| is_calm(*second) && notice.firing) {
        None => Ok(()),
        Some((second, notice)) => fail(
            text!("it fired after {seconds} s: {notice}", seconds = *second, notice = notice.text(CONSOLE)),
            text!(
                "Requests of the calm run have the status Error on their SERVER span, although all {count} were answered; only a \
                 5xx is an error.",
                count = evidence.calm.exchanges.len()
            ),
        ),
    }
}

fn fires_once(notices: &Notices, definition: &Definition, evidence: &Evidence) -> Check {
    let fired: Vec<&Notice> = notices
        .iter()
        .filter(|(second, notice)| !is_calm(*second) && notice.firing)
        .map(|(_, notice)| notice)
        .collect();
    let window = humantime::format_duration(definition.window).to_string();
    match fired[..] {
        [notice] => {
            let was_received =
                |id: &str| evidence.errors.telemetry.spans.iter().any(|span| span.trace_id == id);
            ensure!(
                notice.trace_id.as_deref().is_some_and(was_received),
                notice.text(CONSOLE),
                text!("It should name the trace of a request that failed; no such trace was received.")
            );
            Ok(())
        }
        [] => fail(
            text!("it never fired"),
            text!(
                "In {window} there are at most {count} requests, and about {percentage} % of them failed: is min_requests \
                 ({min_requests}) more than that, or the threshold ({threshold}) too high? And do failed requests have the status \
                 Error on their SERVER span?",
                window,
                count = definition.window.as_secs().min(CALM + FAILING) * REQUESTS_PER_SECOND,
                percentage = format!("{:.0}", 100.0 * evidence.errors.error_rate),
                min_requests = definition.min_requests,
                threshold = definition.threshold
            ),
        ),
        [first, ..] => fail(
            text!(
                "it fired {count} times, first: {notice}",
                count = fired.len(),
                notice = first.text(CONSOLE)
            ),
            text!(
                "The error rate moves around the threshold ({threshold}): choose a threshold well below the rate of the failures, or a window longer than {window}.",
                threshold = definition.threshold,
                window
            ),
        ),
    }
}

fn recovers_once(notices: &Notices, definition: &Definition) -> Check {
    let recovered = notices.iter().filter(|(_, notice)| !notice.firing).count();
    let is_firing = notices.last().is_some_and(|(_, notice)| notice.firing);
    let seen = match (notices.is_empty(), is_firing, recovered) {
        (true, ..) => text!("it never fired, so there is nothing to recover from"),
        (_, true, _) => {
            text!("it still fires {seconds} s after the last failure", seconds = CALM_AGAIN)
        }
        (_, _, 1) => return Ok(()),
        _ => text!("it recovered {count} times", count = recovered),
    };
    fail(
        seen,
        text!(
            "It recovers when the failures have left its window of {window}: choose a window shorter than the {seconds} s without \
             failures.",
            window = humantime::format_duration(definition.window).to_string(),
            seconds = CALM_AGAIN
        ),
    )
}
