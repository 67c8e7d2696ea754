//! Requests, errors and latency of one service.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::SHOWN;
use crate::page;
use crate::pages::chart::{self, Line};
use crate::pages::format::{self, urlencoded};
use crate::store::{SLOT, Slot, Store};

/// Slots that a chart has at the least: a minute.
const MIN_SLOTS: usize = 12;

pub(super) fn charts(store: &Store, service: &str, slots: &[Slot], all: &Slot) -> Markup {
    let seconds = SLOT.as_secs_f64();
    // The slot that is running is not full yet.
    let full = &slots[..slots.len().saturating_sub(1)];
    // In the first minutes the charts begin where the requests do.
    let first = full.iter().position(|slot| slot.requests > 0).unwrap_or(0);
    let full = &full[first.min(full.len().saturating_sub(MIN_SLOTS))..];
    let percentile = |share: f64| Line {
        class: match share {
            0.5 => "p50",
            0.95 => "p95",
            _ => "p99",
        },
        values: full.iter().map(|slot| slot.percentile(share)).collect(),
    };
    let shown = |share| all.percentile(share).map_or("–".to_owned(), format::duration);
    let per_second = |slot: &Slot| Some(slot.requests as f64 / seconds);
    let lately = full.last().and_then(per_second).unwrap_or_default();
    html! {
        section {
            div.tabs {
                @for name in store.services().iter().filter(|name| store.rates.contains_key(*name)) {
                    a href={ "/?service=" (urlencoded(name)) } aria-current=[(name == service).then_some("true")] {
                        (page::service(store.services(), name))
                    }
                }
                span.quiet { "the last " (SHOWN.as_secs() / 60) " minutes" }
            }
            div.charts {
                figure {
                    figcaption { "Requests" b #requests-per-second { (format::number(lately)) "/s" }
                        span.quiet #requests { (format::number(all.requests as f64)) " in all" } }
                    (chart::lines("Requests a second",
                        &[Line { class: "requests", values: full.iter().map(per_second).collect() }],
                        |value| format!("{}/s", format::number(value))))
                }
                figure {
                    figcaption { "Errors" b { (format::percent(all.error_rate())) }
                        span.quiet { (format::number(all.errors as f64)) " in all" } }
                    (chart::lines("Share of requests that failed",
                        &[Line { class: "errors", values: full.iter()
                            .map(|slot| (slot.requests > 0).then(|| slot.error_rate())).collect() }],
                        format::percent))
                }
                figure {
                    figcaption { "Latency"
                        span.p50 { "p50 " b { (shown(0.5)) } } span.p95 { "p95 " b { (shown(0.95)) } } span.p99 { "p99 " b { (shown(0.99)) } } }
                    (chart::lines("Latency: p50, p95 and p99", &[percentile(0.99), percentile(0.95), percentile(0.5)],
                        format::duration))
                }
            }
        }
    }
}

pub(super) fn json(slot: &Slot) -> Value {
    let ms = |share| slot.percentile(share).map(|nanoseconds| nanoseconds / 1e6);
    json!({
        "requests": slot.requests, "errors": slot.errors,
        "p50_ms": ms(0.5), "p95_ms": ms(0.95), "p99_ms": ms(0.99),
    })
}
