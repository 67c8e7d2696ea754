//! Step 9: the attendee's monitor fires once when requests fail, and recovers when they no longer do.
//!
//! The monitor is the console's own. It watches the requests of both runs, replayed on a clock of its own, so that minutes
//! take no time and no verdict depends on the machine.

use super::words::{Wrong, expect, no_server_spans, wrong};
use crate::evidence::{Evidence, Purpose, Run};
use crate::verdict::Expectation;
use console::monitor::{Definition, Monitor, Notice};
use console::store::Rates;
use otlp::model::{Span, SpanKind};

const SECOND: u64 = 1_000_000_000;
/// What the load generator sends, too.
const REQUESTS_A_SECOND: u64 = 5;
/// The parts of the drill, in seconds: calm, at the error rate, calm again.
const CALM: u64 = 120;
const FAILING: u64 = 120;
const CALM_AGAIN: u64 = 180;

/// What the monitor told, and when: seconds since the start of the drill.
type Told = Vec<(u64, Notice)>;

pub(super) fn judge(evidence: &Evidence) -> Vec<Expectation> {
    if let Some(failed) = no_server_spans(evidence) {
        return vec![failed];
    }
    let written = "monitor.toml defines a monitor: service, window, threshold, min_requests";
    let definition = match &evidence.backend.monitor {
        None => Err("there is no monitor.toml in the backend's folder".to_owned()),
        Some(text) => Definition::parse(text),
    };
    let definition = match definition {
        Ok(definition) => definition,
        Err(seen) => {
            let cause = "Write it beside Cargo.toml; the repository's own monitor.toml has every field, with what is allowed.";
            return vec![Expectation::failed(written, seen, cause)];
        }
    };
    let watched = format!("it watches {}", evidence.backend.service);
    if definition.service != evidence.backend.service {
        let seen = format!("service = {:?}", definition.service);
        let cause = "The service is named as its telemetry names it: the resource's service.name.";
        return vec![Expectation::met(written), Expectation::failed(watched, seen, cause)];
    }
    let told = drill(evidence, &definition);
    vec![
        Expectation::met(written),
        Expectation::met(watched),
        expect(format!("it keeps still for {CALM} s at RANDOM_ERROR_RATE=0"), keeps_still(&told, evidence)),
        expect(
            format!(
                "it fires once in {FAILING} s at RANDOM_ERROR_RATE={}, and names service, rate and a trace",
                evidence.errors.error_rate
            ),
            fires_once(&told, &definition, evidence),
        ),
        expect(
            format!("it recovers in the {CALM_AGAIN} s after that, and says so once"),
            recovers(&told, &definition),
        ),
    ]
}

/// Lets the monitor watch the requests of both runs, one evaluation a second.
fn drill(evidence: &Evidence, definition: &Definition) -> Told {
    let calm: Vec<&Span> = requests(&evidence.calm, definition, Purpose::UpstreamFails);
    let failing: Vec<&Span> = requests(&evidence.errors, definition, Purpose::UpstreamFails);
    let mut monitor = Monitor::from_definition(Ok(definition.clone()));
    let mut rates = Rates::default();
    let mut told = Told::new();
    // Not at 0, for the monitor looks back from where it is.
    let start = 3_600;
    let mut sent = 0;
    for second in 0..CALM + FAILING + CALM_AGAIN {
        let now = (start + second) * SECOND;
        let fails = (CALM..CALM + FAILING).contains(&second);
        let spans = if fails { &failing } else { &calm };
        for _ in 0..REQUESTS_A_SECOND {
            let Some(span) = spans.get(sent % spans.len().max(1)) else { continue };
            sent += 1;
            let (start, end) = (now.saturating_sub(span.duration()), now);
            rates.count(&Span { start, end, ..(*span).clone() }, now);
        }
        told.extend(monitor.evaluate(Some(&rates), now).map(|notice| (second, notice)));
    }
    told
}

/// The SERVER spans of the service, but for those of requests that were sent for another reason.
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

fn keeps_still(told: &Told, evidence: &Evidence) -> Option<Wrong> {
    let (second, notice) = told.iter().find(|(second, notice)| is_calm(*second) && notice.firing)?;
    wrong(
        format!("it fired after {second} s: {}", notice.text(&console())),
        format!(
            "Requests of the calm run have the status Error on their SERVER span, though all {} were answered; only a 5xx is an \
             error.",
            evidence.calm.exchanges.len()
        ),
    )
}

fn fires_once(told: &Told, definition: &Definition, evidence: &Evidence) -> Option<Wrong> {
    let fired: Vec<&(u64, Notice)> =
        told.iter().filter(|(second, notice)| !is_calm(*second) && notice.firing).collect();
    let window = humantime::format_duration(definition.window);
    match fired[..] {
        [(_, notice)] => {
            let named = notice
                .trace_id
                .as_deref()
                .is_some_and(|id| evidence.errors.telemetry.spans.iter().any(|span| span.trace_id == id));
            (!named).then(|| {
                (notice.text(&console()), "The trace of a request that failed was not received.".to_owned())
            })
        }
        [] => wrong(
            "it never fired",
            format!(
                "In {window} there are at most {} requests, and about {:.0} % of them failed: is min_requests ({}) more than that, \
                 or the threshold ({}) too high? And do failed requests have the status Error on their SERVER span?",
                definition.window.as_secs().min(CALM + FAILING) * REQUESTS_A_SECOND,
                100.0 * evidence.errors.error_rate,
                definition.min_requests,
                definition.threshold
            ),
        ),
        ref several => wrong(
            format!("it fired {} times, first: {}", several.len(), several[0].1.text(&console())),
            format!(
                "The rate wavers about the threshold ({}): take one well below what is to be told, or a window longer than {window}.",
                definition.threshold
            ),
        ),
    }
}

fn recovers(told: &Told, definition: &Definition) -> Option<Wrong> {
    let recovered = told.iter().filter(|(_, notice)| !notice.firing).count();
    let is_firing = told.last().is_none_or(|(_, notice)| notice.firing);
    if recovered == 1 && !is_firing {
        return None;
    }
    let seen = match (told.is_empty(), is_firing) {
        (true, _) => "it never fired, so there is nothing to recover from".to_owned(),
        (_, true) => format!("it still fires {CALM_AGAIN} s after the last failure"),
        _ => format!("it recovered {recovered} times"),
    };
    wrong(
        seen,
        format!(
            "It recovers once the failures have left its window, {}: the window is to be shorter than the {CALM_AGAIN} s of calm.",
            humantime::format_duration(definition.window)
        ),
    )
}

/// Where the console is by default.
fn console() -> String {
    "http://localhost:4000".to_owned()
}
