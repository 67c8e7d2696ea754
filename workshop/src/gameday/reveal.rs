//! What is shown after a right answer: the fault, and how an experienced engineer finds it.

use super::GameDay;
use super::answer::utc;
use super::evidence::Evidence;
use super::fault::Fault;
use super::incident::Incident;
use crate::messages::Message;
use crate::text;

/// The fault, its first and its last trace, and how to find it.
pub(super) fn reveal(game: &GameDay, evidence: &Evidence, first: &Incident, last: &Incident) -> Vec<Message> {
    let plan = &game.plan;
    let began = game.began().unwrap_or_default();
    let url = game.console_url();
    let trace = |incident: &Incident| format!("{url}/traces/{}", incident.trace().unwrap_or_default());
    let service =
        evidence.calls().first().map_or("handson".to_owned(), |call| call.span.service().to_owned());
    let search = search(plan.fault, &service);
    vec![
        text!(
            "{fault} since {time} (seed {seed}): {what}",
            fault = plan.fault.name(),
            time = utc(began),
            seed = plan.seed,
            what = what(game)
        ),
        text!("  first     {first}\n  last      {last}", first = trace(first), last = trace(last)),
        how(plan.fault),
        text!("  search    {search}", search),
    ]
}

fn what(game: &GameDay) -> Message {
    let endpoint = game.plan.endpoint;
    match game.plan.fault {
        Fault::SlowQuery => {
            text!("another program locked the database from time to time, for about a second")
        }
        Fault::SlowUpstream => text!(
            "httpbin got the body of each call of {endpoint} 0.5 s to 0.9 s late, and waited for it",
            endpoint
        ),
        Fault::Pool => {
            text!("another client held all connections to httpbin for about 0.6 s, again and again")
        }
        Fault::RetryStorm => text!("a proxy repeated each call of {endpoint} four times", endpoint),
        Fault::LostContext => text!("a proxy removed traceparent from the calls of {endpoint}", endpoint),
        Fault::ClockSkew => {
            let seconds = (game.plan.skew / 1_000_000_000).unsigned_abs();
            match game.plan.skew > 0 {
                true => text!("the clock of httpbin was {seconds} s ahead", seconds),
                false => text!("the clock of httpbin was {seconds} s behind", seconds),
            }
        }
        Fault::FlakyUpstream => text!(
            "a proxy answered 40 % of the calls of {endpoint} with 503, without asking httpbin",
            endpoint
        ),
    }
}

fn how(fault: Fault) -> Message {
    match fault {
        Fault::SlowQuery => text!(
            "The overview shows a higher p95 while p50 stays: some requests are slow, not all. In a slow trace, nearly all of the time is in the span of the query. Several queries of different requests wait at the same time, and end almost together: this is how a lock looks."
        ),
        Fault::SlowUpstream => text!(
            "The overview shows that p50 and p95 rise: every request is slower. In each trace one call is longer than the three others, and httpbin's own span in it is as long. So the time passes in httpbin, and not on the way there."
        ),
        Fault::Pool => text!(
            "The calls take longer, but httpbin's own spans in them are as short as before, and begin late: the time passes before httpbin is reached. It happens to all endpoints, so it is what they share: the connections."
        ),
        Fault::RetryStorm => text!(
            "On the page of services, httpbin gets more requests while the service gets as many as before. In a trace, one call has several spans of httpbin below it, one shortly after the other."
        ),
        Fault::LostContext => text!(
            "Nothing is slower, and nothing fails. But the list of traces has new ones that begin in httpbin, and in the traces of the service the same call has no span of httpbin below it any more."
        ),
        Fault::ClockSkew => text!(
            "A trace seems to take many seconds, while its first span takes a fraction of one. The spans of httpbin are outside of the calls that they belong to, all by the same time: no work can begin before it is called for, so a clock is wrong. The page of the trace says so, too."
        ),
        Fault::FlakyUpstream => text!(
            "The overview shows errors, and the page of errors their type and message. Their traces have a call with the status 503, always of the same endpoint, and no span of httpbin below it: the answer comes from something in between."
        ),
    }
}

/// The search in the list of traces that finds the traces with the fault.
fn search(fault: Fault, service: &str) -> String {
    match fault {
        Fault::SlowQuery => "db.system.name~\"\" duration>250ms".to_owned(),
        Fault::SlowUpstream => format!("service={} kind=server duration>400ms", super::HTTPBIN),
        Fault::Pool => format!("service={service} kind=client url.full~\"\" duration>400ms"),
        Fault::RetryStorm => "trace.spans>13".to_owned(),
        Fault::LostContext => format!("service={} -service={service}", super::HTTPBIN),
        Fault::ClockSkew => format!("trace.duration>5s service={service} kind=server"),
        Fault::FlakyUpstream => "http.response.status_code=503".to_owned(),
    }
}
