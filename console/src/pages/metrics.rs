//! The pages of metrics: the list of instruments, and the recent values of one instrument.

mod intervals;
mod series_chart;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::format::urlencoded;
use super::{format, trace};
use crate::lang::tr_noop;
use crate::page::{Content, Context, NotFound, Preferences, View};
use crate::store::{Instrument, Kind, Series, Store};
use crate::{Console, Lang};
use otlp::model::now;
use series_chart::{Latest, SeriesChart};

/// If a series has not been updated for this long, its process has most likely ended.
const STALE: u64 = 90_000_000_000;
/// Maximum number of series on a page.
const MAX_SERIES: usize = 60;
/// Maximum number of instruments on a page.
const MAX_INSTRUMENTS: usize = 500;

/// The first item to show of a long list.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    from: usize,
}

/// A row of the list.
#[derive(Debug, Clone, Serialize)]
struct Row {
    service: String,
    name: String,
    unit: String,
    description: String,
    #[serde(rename = "type")]
    kind: Kind,
    temporality: &'static str,
    series: usize,
    #[serde(skip)]
    scope: String,
    /// The latest value of the series with the most values.
    #[serde(skip)]
    latest: Option<Latest>,
}

impl Row {
    fn new(service: &str, name: &str, instrument: &Instrument) -> Self {
        let size = |series: &&Series| {
            series.samples.back().map(|sample| (sample.time / STALE, sample.count, sample.value.to_bits()))
        };
        let largest = instrument.series().max_by_key(size);
        Self {
            service: service.to_owned(),
            name: name.to_owned(),
            unit: instrument.unit.clone(),
            description: instrument.description.clone(),
            kind: instrument.kind,
            temporality: if instrument.cumulative { "cumulative" } else { "delta" },
            series: instrument.series().len(),
            scope: instrument.scope.clone(),
            latest: largest.map(|series| Latest::for_series(instrument, series)),
        }
    }
}

/// The instruments of all services.
#[derive(Serialize)]
pub(super) struct Metrics {
    /// The number of all instruments, including those that are not on this page.
    count: usize,
    instruments: Vec<Row>,
    #[serde(skip)]
    from: usize,
}

/// `GET /metrics?from=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    console.respond(preferences, console.read(|store| Metrics::new(store, parameters.from)))
}

impl Metrics {
    pub(super) fn new(store: &Store, from: usize) -> Self {
        let instruments = store.instruments.iter().skip(from).take(MAX_INSTRUMENTS);
        Self {
            count: store.instruments.len(),
            instruments: instruments
                .map(|(service, name, instrument)| Row::new(service, name, instrument))
                .collect(),
            from,
        }
    }
}

impl View for Metrics {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let next = self.from.saturating_add(self.instruments.len());
        Content {
            link: "/metrics",
            title: lang.tr("Metrics").to_owned(),
            fixed: html! {},
            live: html! {
                @if self.count == 0 { (context.nothing_yet(lang.tr("No metrics yet."))) }
                @else { (table(context, &self.instruments)) }
                @if next < self.count {
                    p { a href={ "/metrics?from=" (next) } {
                        (lang.trf("{n} more instruments", &[("n", &(self.count - next))]))
                    } }
                }
            },
        }
    }
}

/// One instrument.
#[derive(Serialize)]
pub(super) struct InstrumentPage {
    instrument: Row,
    series: Vec<SeriesChart>,
    /// The number of series that have ended.
    #[serde(skip)]
    ended: usize,
    #[serde(skip)]
    from: usize,
}

/// `GET /metrics/{service}/{name}?from=`
pub(super) async fn instrument(
    State(console): State<Arc<Console>>,
    Path((service, name)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let now = now();
    let found = console.read(|store| {
        let instrument = store.instruments.get(&service, &name)?;
        Some(InstrumentPage::new(&service, &name, instrument, parameters.from, now))
    });
    match found {
        Some(instrument) => console.respond(preferences, instrument),
        None => {
            let view = NotFound {
                error: format!(
                    "{} has no instrument {}",
                    format::short(&service, 200),
                    format::short(&name, 200)
                ),
                link: "/metrics",
                title: tr_noop("Instrument not found"),
                all: tr_noop("All instruments"),
            };
            console.respond(preferences, view)
        }
    }
}

impl InstrumentPage {
    pub(super) fn new(service: &str, name: &str, instrument: &Instrument, from: usize, now: u64) -> Self {
        let is_live = |series: &Series| {
            series.samples.back().is_some_and(|sample| sample.time.saturating_add(STALE) > now)
        };
        let mut series: Vec<&Series> = instrument.series().collect();
        series.sort_by_key(|series| !is_live(series));
        let ended = series.iter().filter(|series| !is_live(series)).count();
        let shown = series.into_iter().skip(from).take(MAX_SERIES);
        Self {
            instrument: Row::new(service, name, instrument),
            series: shown.map(|series| SeriesChart::new(instrument, series, is_live(series), now)).collect(),
            ended,
            from,
        }
    }
}

impl View for InstrumentPage {
    fn html(&self, context: &Context) -> Content {
        let (lang, instrument) = (context.lang, &self.instrument);
        let next = self.from.saturating_add(self.series.len());
        Content {
            link: "/metrics",
            title: format::short(&instrument.name, 120),
            fixed: html! {},
            live: html! {
                p { (context.service(&instrument.service)) " " (format::short(&instrument.description, 1_000)) }
                p.facts {
                    span { (kind(lang, instrument.kind)) }
                    span { (lang.tr("unit")) " " code { (instrument.unit) } }
                    span {
                        (lang.plural(instrument.series as u64, "{n} series", "{n} series"))
                        @if self.ended > 0 { ", " (lang.trf("{n} of them ended", &[("n", &self.ended)])) }
                    }
                    span { (lang.tr("scope")) " " (instrument.scope) }
                }
                div.charts {
                    @for series in &self.series {
                        figure.stale[!series.is_live] {
                            @if !series.is_live { p.quiet { (lang.tr("This series has ended.")) } }
                            (series.chart(lang, &instrument.unit))
                            (trace::attributes(lang, &series.attributes))
                        }
                    }
                }
                @if next < instrument.series {
                    p { a href={ (address(&instrument.service, &instrument.name)) "?from=" (next) } {
                        (lang.trf("{n} more series", &[("n", &(instrument.series - next))]))
                    } }
                }
            },
        }
    }
}

fn table(context: &Context, instruments: &[Row]) -> Markup {
    let lang = context.lang;
    html! {
        div.scroll { table {
            thead { tr {
                th { (lang.tr("Instrument")) } th { (lang.tr("Service")) } th.minor { (lang.tr("Type")) } th.minor { (lang.tr("Unit")) }
                th.number.minor { (lang.tr("Series")) } th.number { (lang.tr("Latest")) }
            } }
            tbody {
                @for instrument in instruments {
                    tr {
                        td { a.row href=(address(&instrument.service, &instrument.name)) { (format::short(&instrument.name, 100)) }
                            div.quiet { (format::short(&instrument.description, 120)) } }
                        td { (context.service(&instrument.service)) }
                        td.minor { (kind(lang, instrument.kind)) }
                        td.minor { code { (format::short(&instrument.unit, 30)) } }
                        td.number.minor { (instrument.series) }
                        td.number { @if let Some(latest) = &instrument.latest { (latest.text(&instrument.unit)) } }
                    }
                }
            }
        } }
    }
}

fn kind(lang: Lang, kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => lang.tr("gauge"),
        Kind::Counter => lang.tr("counter"),
        Kind::UpDownCounter => lang.tr("up-down counter"),
        Kind::Histogram => lang.tr("histogram"),
        Kind::Summary => lang.tr("summary"),
    }
}

fn address(service: &str, name: &str) -> String {
    format!("/metrics/{}/{}", urlencoded(service), urlencoded(name))
}
