//! What the histograms must have of the run with unusual requests.

use super::exports::{cause_of_early_end, exports};
use super::histogram::{exports_about_httpbin, is_about_httpbin, is_counted, points};
use super::{CLIENT, DATABASE, SERVER};
use crate::checks::assert::{Check, each, ensure};
use crate::checks::requests::trace_id_of;
use crate::checks::unusual::WITHOUT_ANSWER;
use crate::evidence::{Exchange, Run, Unusual, UpstreamCall};
use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;
use otlp::model::{Attributes, HistogramPoint, Span, SpanKind, Value};

/// Whether the requests of the run with unusual requests are counted: those with a SERVER span, and the one
/// that is not sampled. A request whose caller hangs up may have any status, which its span shows.
pub(super) fn counts_unusual_requests(run: &Run) -> Check {
    let is_of_one = |attributes: &Attributes| {
        attributes.text("http.route") == Some("/handson")
            && attributes.int("http.response.status_code") == Some(200)
    };
    let spans = run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Server);
    let with_span = spans.filter(|span| is_of_one(&span.attributes)).count();
    let is_unsampled = run.unusual(Unusual::Unsampled).is_some_and(|(_, exchange)| {
        let trace = trace_id_of(exchange);
        exchange.answer.as_ref().is_ok_and(|answer| answer.status == 200)
            && !run.telemetry.spans.iter().any(|span| Some(span.trace_id.as_str()) == trace)
    });
    let served = with_span + usize::from(is_unsampled);
    let points = points(&exports(run, SERVER)?)?;
    let last = points.iter().map(|point| point.time).max();
    let counts = points.into_iter().filter(|point| is_of_one(&point.attributes)).map(|point| point.count);
    let counted = counts.fold(0_u64, u64::saturating_add);
    ensure!(
        usize::try_from(counted).is_ok_and(|counted| counted >= served),
        text!("{counted} values for {served} requests to /handson with the status 200", counted, served),
        cause_of_early_end(run, last).unwrap_or_else(|| {
            text!(
                "A metric counts every request, whether its span is sampled or not. Shut the meter provider down when the last request has been \
                 answered, not when SIGTERM arrives."
            )
        })
    );
    work_is_counted(run)
}

/// Whether the calls and queries of requests that were answered are counted, also if they are not sampled.
fn work_is_counted(run: &Run) -> Check {
    let is_answered = |exchange: &Exchange| {
        exchange.path == "/handson" && exchange.answer.as_ref().is_ok_and(|answer| answer.status == 200)
    };
    let is_of_answered =
        |call: &UpstreamCall| call.exchange.is_some_and(|index| is_answered(&run.exchanges[index]));
    let calls = run.upstream.iter().filter(|call| call.status == 200 && is_of_answered(call)).count();
    let queries = run.exchanges.iter().filter(|exchange| is_answered(exchange)).count();
    let is_call = |point: &HistogramPoint| {
        is_about_httpbin(run, point) && point.attributes.int("http.response.status_code") == Some(200)
    };
    each([(CLIENT, calls), (DATABASE, queries)], |(name, least)| {
        let exports = if name == CLIENT { exports_about_httpbin(run)? } else { exports(run, name)? };
        let points = points(&exports)?;
        let last = points.iter().map(|point| point.time).max();
        let is_meant =
            |point: &HistogramPoint| is_counted(point, run, name) && (name != CLIENT || is_call(point));
        let counts = points.into_iter().filter(|point| is_meant(point)).map(|point| point.count);
        let counted = counts.fold(0_u64, u64::saturating_add);
        ensure!(
            usize::try_from(counted).is_ok_and(|counted| counted >= least),
            text!("{counted} values of {name} for {least} that were answered", counted, name, least),
            cause_of_early_end(run, last).unwrap_or_else(|| {
                text!(
                    "A metric counts all work, whether the span of its request is sampled or not: record it on every path, not where a span is recorded."
                )
            })
        );
        Ok(())
    })
}

/// Whether the series of requests that are not found depend on what a caller chooses, or claim an error.
pub(super) fn not_found_is_one_series(run: &Run) -> Check {
    each(points(&exports(run, SERVER)?)?, |point| {
        let status = point.attributes.int("http.response.status_code");
        let is_of_the_caller = |status: i64| (400..500).contains(&status);
        ensure!(
            !status.is_some_and(is_of_the_caller) || point.attributes.get("error.type").is_none(),
            text!("a point with the status {status} and error.type", status = status.unwrap_or_default()),
            text!("Only 5xx is an error of the server.")
        );
        let words = [
            Unusual::UnknownPath.path(),
            Unusual::Query.query().unwrap_or_default(),
            Unusual::UnknownMethod.method(),
        ];
        let chosen = point.attributes.iter().find(|(_, value)| {
            let value = value.unquoted();
            words.iter().any(|word| value.contains(word))
        });
        ensure!(
            chosen.is_none(),
            text!(
                "a point with {key} = {value}",
                key = chosen.map(|(key, _)| key).unwrap_or_default(),
                value = chosen.map(|(_, value)| value.to_string()).unwrap_or_default()
            ),
            text!(
                "A caller can choose any path, query and method, so each would be a series: a metric has the route, which is absent if there is \
                 none, and _OTHER for a method that is not known."
            )
        );
        Ok(())
    })
}

/// The numbers of calls to httpbin that have no status code: with `error.type`, and without it.
fn calls_without_status(run: &Run) -> Result<(u64, u64), Failure> {
    let points = points(&exports_about_httpbin(run)?)?.into_iter();
    let points = points.filter(|point| {
        is_about_httpbin(run, point) && point.attributes.get("http.response.status_code").is_none()
    });
    let has_type =
        |point: &&HistogramPoint| point.attributes.text("error.type").is_some_and(|kind| !kind.is_empty());
    let (typed, untyped): (Vec<_>, Vec<_>) = points.partition(has_type);
    let count = |points: Vec<&HistogramPoint>| {
        points.into_iter().fold(0_u64, |count, point| count.saturating_add(point.count))
    };
    Ok((count(typed), count(untyped)))
}

/// A call without an answer has no status code, and the class of its failure.
pub(super) fn has_calls_without_answer(run: &Run) -> Check {
    let points = points(&exports_about_httpbin(run)?)?.into_iter();
    each(points.filter(|point| is_about_httpbin(run, point)), |point| {
        let status = point.attributes.get("http.response.status_code");
        ensure!(
            status.is_none() || matches!(status, Some(Value::Int(status)) if (100..600).contains(status)),
            text!(
                "a point with http.response.status_code = {status}",
                status = status.map_or_else(String::new, ToString::to_string)
            ),
            text!("A call without an answer has no status code: leave http.response.status_code out.")
        );
        Ok(())
    })?;
    let (_, untyped) = calls_without_status(run)?;
    // Whether a call that was cancelled has failed is up to the program. One is cancelled, because its caller
    // hangs up.
    ensure!(
        untyped <= 1,
        text!("{untyped} values have neither http.response.status_code nor error.type", untyped),
        text!(
            "A call without an answer has failed: error.type is the class of its failure, such as the type of the error or timeout."
        )
    );
    Ok(())
}

/// Advice if the calls without an answer are not counted, as many as have a span. Some libraries, such as
/// that of Python's httpx, record nothing if a call raises an error, and a program cannot add it.
pub(super) fn calls_without_answer_are_missing(run: &Run) -> Option<Message> {
    let exchanges = WITHOUT_ANSWER.into_iter().filter_map(|kind| Some(run.unusual(kind)?.1));
    let traces: Vec<&str> = exchanges.filter_map(trace_id_of).collect();
    let spans = run.telemetry.spans.iter().filter(|span| span.kind == SpanKind::Client);
    let is_without = |span: &&Span| {
        traces.contains(&span.trace_id.as_str())
            && span.attributes.get("error.type").is_some()
            && span.attributes.get("http.response.status_code").is_none()
    };
    let calls = u64::try_from(spans.filter(is_without).count()).unwrap_or(u64::MAX);
    let (counted, _) = calls_without_status(run).ok()?;
    (counted < calls).then(|| {
        text!(
            "{counted} of {calls} calls without an answer are in http.client.request.duration. By the conventions, a call that fails is \
             recorded too, with error.type.",
            counted,
            calls
        )
    })
}

/// Advice if the query that failed is not counted: few libraries record it.
pub(super) fn failed_query_is_missing(run: &Run) -> Option<Message> {
    run.unusual(Unusual::DatabaseFails)?;
    let exports = exports(run, DATABASE).ok()?;
    let mut points = points(&exports).ok()?.into_iter();
    let has_failed = points.any(|point| point.attributes.get("error.type").is_some());
    (!has_failed).then(|| {
        text!(
            "A query failed, and no value of {name} has error.type. By the conventions, a query that fails is recorded too.",
            name = DATABASE
        )
    })
}
