//! Monitors, and what has become of them.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::pages::format;
use crate::{Monitor, monitor};

pub(super) fn one(monitor: &Monitor, now: u64) -> Markup {
    let definition = match &monitor.definition {
        Ok(definition) => definition,
        Err(why) => {
            // One that is not written yet is no mistake.
            let class = if monitor.is_written() { "bad" } else { "quiet" };
            return html! { div.monitor { p { code { (monitor.file()) } } p class=(class) { (why) } } };
        }
    };
    let window = humantime::format_duration(definition.window);
    html! {
        div.monitor {
            p {
                (state(monitor.state)) " " strong { (definition.service) } ": "
                (format::percent(monitor.error_rate)) " of " (monitor.requests) " requests in the last " (window)
                " failed; the threshold is " (format::percent(definition.threshold))
            }
            @if monitor.state == monitor::State::NoData {
                p.quiet { "It judges from " (definition.min_requests) " requests on." }
            }
            @if !monitor.history.is_empty() {
                ol.history {
                    @for change in monitor.history.iter().take(6) {
                        li {
                            (state(change.state)) " " (format::time(change.at)) " "
                            span.quiet { (format::ago(change.at, now)) } " at " (format::percent(change.error_rate))
                            @if let (Some(id), monitor::State::Firing) = (&change.trace_id, change.state) {
                                " " a href={ "/traces/" (id) } { "a trace" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(state: monitor::State) -> Markup {
    html! {
        @match state {
            monitor::State::NoData => span.mark.quiet { "no data" },
            monitor::State::Ok => span.mark.good { "ok" },
            monitor::State::Firing => span.mark.bad { "firing" },
        }
    }
}

pub(super) fn json(monitor: &Monitor) -> Value {
    json!({
        "file": monitor.file(),
        "service": monitor.definition.as_ref().ok().map(|definition| &definition.service),
        "wrong": monitor.definition.as_ref().err(),
        "state": monitor.state,
        "error_rate": monitor.error_rate,
        "requests": monitor.requests,
        "history": monitor.history,
    })
}
