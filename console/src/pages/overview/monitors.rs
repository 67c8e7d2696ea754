//! Monitors, and the changes of their states.

use std::collections::VecDeque;
use std::time::Duration;

use maud::{Markup, html};
use serde::Serialize;

use crate::monitor::{Change, DefinitionError, State};
use crate::pages::format;
use crate::{Lang, Monitor};

/// Maximum number of changes to show; the JSON has more.
const MAX_CHANGES: usize = 6;

/// A monitor.
#[derive(Serialize)]
pub(super) struct MonitorView {
    file: String,
    service: Option<String>,
    /// What is wrong with the file.
    wrong: Option<String>,
    state: State,
    error_rate: f64,
    requests: u64,
    history: VecDeque<Change>,
    #[serde(skip)]
    window: Duration,
    #[serde(skip)]
    threshold: f64,
    #[serde(skip)]
    min_requests: u64,
    /// Whether the file does not exist yet, which is not a mistake.
    #[serde(skip)]
    is_missing: bool,
}

impl MonitorView {
    pub(super) fn new(monitor: &Monitor) -> Self {
        let definition = monitor.definition.as_ref();
        Self {
            file: monitor.file(),
            service: definition.ok().map(|definition| definition.service.clone()),
            wrong: definition.err().map(ToString::to_string),
            state: monitor.state,
            error_rate: monitor.error_rate,
            requests: monitor.requests,
            history: monitor.history.clone(),
            window: definition.map_or(Duration::ZERO, |definition| definition.window),
            threshold: definition.map_or(0.0, |definition| definition.threshold),
            min_requests: definition.map_or(0, |definition| definition.min_requests),
            is_missing: matches!(definition, Err(DefinitionError::Missing)),
        }
    }

    pub(super) fn html(&self, lang: Lang, now: u64) -> Markup {
        let (Some(service), None) = (&self.service, &self.wrong) else {
            let class = if self.is_missing { "quiet" } else { "bad" };
            let wrong = self.wrong.as_deref().unwrap_or_default();
            return html! { div.monitor { p { code { (self.file) } } p class=(class) { (wrong) } } };
        };
        let sentence = lang.trf(
            "{rate} of {requests} requests failed in the last {window}; the threshold is {threshold}",
            &[
                ("rate", &format::percent(self.error_rate)),
                ("requests", &self.requests),
                ("window", &humantime::format_duration(self.window)),
                ("threshold", &format::percent(self.threshold)),
            ],
        );
        html! {
            div.monitor {
                p { (state(lang, self.state)) " " strong { (service) } ": " (sentence) }
                @if self.state == State::NoData {
                    p.quiet { (lang.trf("It needs at least {n} requests.", &[("n", &self.min_requests)])) }
                }
                @if !self.history.is_empty() {
                    ol.history {
                        @for change in self.history.iter().take(MAX_CHANGES) {
                            li {
                                (state(lang, change.state)) " " (format::time(change.at)) " "
                                span.quiet { (format::ago(lang, change.at, now)) ", " (format::percent(change.error_rate)) }
                                @if let (Some(id), State::Firing) = (&change.trace_id, change.state) {
                                    " " a href={ "/traces/" (id) } { (lang.tr("trace")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn state(lang: Lang, state: State) -> Markup {
    html! {
        @match state {
            State::NoData => span.mark.quiet { (lang.tr("no data")) },
            State::Ok => span.mark.good { "ok" },
            State::Firing => span.mark.bad { (lang.tr("firing")) },
        }
    }
}
