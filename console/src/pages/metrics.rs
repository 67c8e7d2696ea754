//! Metrics: the instruments, and the recent course of each.

mod series_chart;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::format::urlencoded;
use super::{format, trace};
use crate::Console;
use crate::page::{self, Page};
use crate::store::{Instrument, Kind, Series, Store};
use otlp::model::now;
use series_chart::SeriesChart;

/// A series that has not been heard of for this long has most likely ended with its process.
const STALE: u64 = 90_000_000_000;
/// Series of an instrument that are shown.
const MAX_SERIES: usize = 60;

/// `GET /metrics`
pub(super) async fn page(State(console): State<Arc<Console>>, headers: HeaderMap) -> Response {
    let page = {
        let store = console.store();
        let instruments: Vec<_> = store.instruments.iter().collect();
        Page {
            part: "/metrics",
            title: "Metrics".to_owned(),
            fixed: html! {},
            live: html! {
                @if instruments.is_empty() { (page::nothing_yet(&console, "No metric has come so far.")) }
                @else { (table(&store, &instruments)) }
            },
            json: json!({ "instruments": instruments.iter().map(|(service, name, instrument)| {
                summary(service, name, instrument)
            }).collect::<Vec<_>>() }),
            status: StatusCode::OK,
        }
    };
    page.answer(&console, &headers)
}

/// `GET /metrics/{service}/{name}`
pub(super) async fn instrument(
    State(console): State<Arc<Console>>,
    Path((service, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let page = {
        let store = console.store();
        match store.instruments.get(&service, &name) {
            Some(instrument) => one(&store, &service, &name, instrument),
            None => Page {
                part: "/metrics",
                title: "There is no such instrument".to_owned(),
                fixed: html! { p { a href="/metrics" { "All instruments" } } },
                live: html! {},
                json: json!({ "error": format!("{service} has no instrument {name}") }),
                status: StatusCode::NOT_FOUND,
            },
        }
    };
    page.answer(&console, &headers)
}

fn table(store: &Store, instruments: &[(&str, &str, &Instrument)]) -> Markup {
    html! {
        table {
            thead { tr { th { "Instrument" } th { "Service" } th { "Type" } th { "Unit" } th.number { "Series" } th.number { "Latest" } } }
            tbody {
                @for (service, name, instrument) in instruments {
                    tr {
                        td { a.row href=(address(service, name)) { (format::short(name, 100)) }
                            div.quiet { (format::short(&instrument.description, 120)) } }
                        td { (page::service(store.services(), service)) }
                        td { (kind(instrument)) }
                        td { code { (format::short(&instrument.unit, 30)) } }
                        td.number { (instrument.series.len()) }
                        td.number { (latest(instrument)) }
                    }
                }
            }
        }
    }
}

fn one(store: &Store, service: &str, name: &str, instrument: &Instrument) -> Page {
    let now = now();
    let is_live = |series: &&Series| {
        series.samples.back().is_some_and(|sample| sample.time.saturating_add(STALE) > now)
    };
    let mut series: Vec<&Series> = instrument.series.values().collect();
    series.sort_by_key(|series| !is_live(series));
    let ended = series.iter().filter(|series| !is_live(series)).count();
    Page {
        part: "/metrics",
        title: format::short(name, 120),
        fixed: html! {},
        live: html! {
            p { (page::service(store.services(), service)) " " (instrument.description) }
            p.facts {
                span { (kind(instrument)) }
                span { "unit " code { (instrument.unit) } }
                span { (series.len()) " series" @if ended > 0 { ", " (ended) " of which have ended" } }
                span { "scope " (instrument.scope) }
            }
            div.charts {
                @for series in series.iter().take(MAX_SERIES) {
                    figure.stale[!is_live(series)] {
                        (SeriesChart::of(instrument, series).chart(&instrument.unit))
                        (trace::attributes(&series.attributes))
                    }
                }
            }
            @if series.len() > MAX_SERIES { p.notice { (series.len() - MAX_SERIES) " more series are in the JSON." } }
        },
        json: json!({
            "instrument": summary(service, name, instrument),
            "series": series.iter().map(|series| SeriesChart::of(instrument, series).json(series)).collect::<Vec<_>>(),
        }),
        status: StatusCode::OK,
    }
}

fn summary(service: &str, name: &str, instrument: &Instrument) -> Value {
    json!({
        "service": service,
        "name": name,
        "unit": instrument.unit,
        "description": instrument.description,
        "type": instrument.kind,
        "temporality": if instrument.cumulative { "cumulative" } else { "delta" },
        "series": instrument.series.len(),
    })
}

fn kind(instrument: &Instrument) -> &'static str {
    match instrument.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::UpDownCounter => "up-down counter",
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
    }
}

/// Of the series that has the most to say.
fn latest(instrument: &Instrument) -> String {
    let values = |series: &&Series| {
        series.samples.back().map(|sample| (sample.time / STALE, sample.count, sample.value.to_bits()))
    };
    let series = instrument.series.values().max_by_key(values);
    series.and_then(|series| SeriesChart::of(instrument, series).latest(&instrument.unit)).unwrap_or_default()
}

fn address(service: &str, name: &str) -> String {
    format!("/metrics/{}/{}", urlencoded(service), urlencoded(name))
}
