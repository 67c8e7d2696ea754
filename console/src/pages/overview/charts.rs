//! Requests, errors and latency of one service.

use maud::{Markup, html};
use serde::Serialize;

use super::{Overview, no_requests};
use crate::page::Context;
use crate::pages::chart::{self, Axis, Line};
use crate::pages::format::{self, urlencoded};
use crate::store::{SLOT, Slot};

const SLOT_NANOS: u64 = SLOT.as_nanos() as u64;
/// Number of slots of the shortest chart, for one minute.
const MIN_SLOTS: usize = 12;

/// Requests within 5 s.
#[derive(Serialize)]
pub(super) struct SlotView {
    requests: u64,
    errors: u64,
    #[serde(flatten)]
    latency: Latency,
}

impl SlotView {
    pub(super) fn new(slot: &Slot) -> Self {
        Self { requests: slot.requests, errors: slot.errors, latency: Latency::new(slot) }
    }

    fn error_rate(&self) -> Option<f64> {
        (self.requests > 0).then(|| self.errors as f64 / self.requests as f64)
    }

    fn per_second(&self) -> f64 {
        self.requests as f64 / SLOT.as_secs_f64()
    }
}

/// Percentiles in milliseconds; `None` without requests.
#[derive(Serialize)]
pub(super) struct Latency {
    p50_ms: Option<f64>,
    p95_ms: Option<f64>,
    p99_ms: Option<f64>,
}

impl Latency {
    pub(super) fn new(slot: &Slot) -> Self {
        let ms = |share| slot.percentile(share).map(|nanoseconds| nanoseconds / 1e6);
        Self { p50_ms: ms(0.5), p95_ms: ms(0.95), p99_ms: ms(0.99) }
    }

    /// The percentiles in nanoseconds, with their names.
    fn lines(&self) -> [(&'static str, Option<f64>); 3] {
        [("p50", self.p50_ms), ("p95", self.p95_ms), ("p99", self.p99_ms)]
            .map(|(name, ms)| (name, ms.map(|ms| ms * 1e6)))
    }
}

pub(super) fn charts(context: &Context, overview: &Overview, service: &str) -> Markup {
    let lang = context.lang;
    // The current slot is not complete yet.
    let complete = overview.now.saturating_sub(overview.slots_from) / SLOT_NANOS;
    let full = &overview.slots[..overview.slots.len().min(complete as usize)];
    // In the first minutes, the charts begin with the first request.
    let first = full.iter().position(|slot| slot.requests > 0).unwrap_or(0);
    let first = first.min(full.len().saturating_sub(MIN_SLOTS));
    let full = &full[first..];
    let time = |at: usize| overview.slots_from + (first + at) as u64 * SLOT_NANOS;
    let line = |class, value: &dyn Fn(&SlotView) -> Option<f64>| Line {
        class,
        points: full.iter().enumerate().map(|(at, slot)| (time(at), value(slot))).collect(),
    };
    let percentiles =
        [2, 1, 0].map(|at| line(["p50", "p95", "p99"][at], &|slot: &SlotView| slot.latency.lines()[at].1));
    let axis =
        Axis { from: time(0), to: time(full.len().saturating_sub(1)), max_gap: u64::MAX, from_zero: true };
    let link = |status: &'static str| {
        chart::links(&axis, lang.tr("Traces of this time"), &[("service", service), ("status", status)])
    };
    let lately = full.last().map(SlotView::per_second).unwrap_or_default();
    let error_rate = overview.errors as f64 / overview.requests.max(1) as f64;
    html! {
        section {
            div.tabs {
                @for name in &overview.services {
                    a href={ "/?service=" (urlencoded(name)) } aria-current=[(name == service).then_some("true")] {
                        (context.service(name))
                    }
                }
                span.quiet { (overview.window.text(lang, overview.now)) }
            }
            @if overview.error.is_some() { p.notice { (no_requests(lang, service)) } }
            @else { div.charts {
                figure {
                    figcaption { (lang.tr("Requests")) b #requests-per-second { (format::number(lately)) "/s" }
                        span.quiet #requests { (format::number(overview.requests as f64)) " " (lang.tr("in total")) } }
                    div.linked {
                        (chart::lines(lang.tr("Requests per second"),
                            &[line("requests", &|slot| Some(slot.per_second()))], &axis,
                            |value| format!("{}/s", format::number(value))))
                        (link(""))
                    }
                }
                figure {
                    figcaption { (lang.tr("Errors")) b { (format::percent(error_rate)) }
                        span.quiet { (format::number(overview.errors as f64)) " " (lang.tr("in total")) } }
                    div.linked {
                        (chart::lines(lang.tr("Share of requests that failed"),
                            &[line("errors", &SlotView::error_rate)], &axis,
                            format::percent))
                        (link("error"))
                    }
                }
                figure {
                    figcaption { (lang.tr("Latency"))
                        @for (name, value) in overview.latency.lines() {
                            span.(name) { (name) " " b { (value.map_or("–".to_owned(), format::duration)) } } " "
                        }
                    }
                    div.linked {
                        (chart::lines(lang.tr("Latency: p50, p95 and p99"), &percentiles, &axis, format::duration))
                        (link(""))
                    }
                }
            } }
        }
    }
}
