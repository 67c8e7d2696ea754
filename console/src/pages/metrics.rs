//! The pages of metrics: the list of instruments, and the recent values of one instrument.

mod buckets;
mod columns;
mod groups;
mod heat_map;
mod instrument;
mod intervals;
mod series_chart;
mod sums;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::format::{self, urlencoded};
use crate::page::{Content, Context, Preferences, View};
use crate::store::{Instrument, Kind, Series, Store};
use crate::{Console, Lang, TimeRange};
use series_chart::Latest;

#[cfg(test)]
pub(super) use instrument::InstrumentPage;
pub(super) use instrument::page as instrument;

/// If a series has not been updated for this long, its process has most likely ended.
const STALE: u64 = 90_000_000_000;
/// Maximum number of instruments on a page.
const MAX_INSTRUMENTS: usize = 500;

/// The number of items of a long list that the pages before have shown, and how series are grouped.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Parameters {
    pub(super) skip: usize,
    /// An attribute, or `*` for all series together; empty for each series alone.
    pub(super) group: String,
}

/// Whether a series has a value in a range.
fn has_values(series: &Series, range: &TimeRange) -> bool {
    range.is_all() || series.samples.iter().any(|sample| range.overlaps(sample.time, sample.time))
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
    fn new(service: &str, name: &str, instrument: &Instrument, range: &TimeRange) -> Self {
        let size = |series: &&Series| {
            series.samples.back().map(|sample| (sample.time / STALE, sample.count, sample.value.to_bits()))
        };
        let largest = instrument.series().filter(|series| has_values(series, range)).max_by_key(size);
        Self {
            service: service.to_owned(),
            name: name.to_owned(),
            unit: instrument.unit.clone(),
            description: instrument.description.clone(),
            kind: instrument.kind,
            temporality: if instrument.cumulative { "cumulative" } else { "delta" },
            series: instrument.series().len(),
            scope: instrument.scope.clone(),
            latest: largest.map(|series| Latest::for_series(instrument, series, range)),
        }
    }
}

/// The instruments of all services.
#[derive(Serialize)]
pub(super) struct Metrics {
    /// The number of all instruments, including those that are not on this page.
    count: usize,
    instruments: Vec<Row>,
    /// Whether there are instruments, with values in the chosen time or not.
    #[serde(skip)]
    any: bool,
    #[serde(skip)]
    skipped: usize,
}

/// `GET /metrics?skip=`
pub(super) async fn page(
    State(console): State<Arc<Console>>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    let metrics = console.read(|store| Metrics::new(store, parameters.skip, &preferences.range));
    console.respond(preferences, metrics)
}

impl Metrics {
    pub(super) fn new(store: &Store, skipped: usize, range: &TimeRange) -> Self {
        let has_values =
            |instrument: &Instrument| instrument.series().any(|series| has_values(series, range));
        let all = || store.instruments.iter().filter(|(_, _, instrument)| has_values(instrument));
        Self {
            count: all().count(),
            instruments: all()
                .skip(skipped)
                .take(MAX_INSTRUMENTS)
                .map(|(service, name, instrument)| Row::new(service, name, instrument, range))
                .collect(),
            any: !store.instruments.is_empty(),
            skipped,
        }
    }
}

impl View for Metrics {
    fn html(&self, context: &Context) -> Content {
        let lang = context.lang;
        let next = self.skipped.saturating_add(self.instruments.len());
        Content {
            link: "/metrics",
            title: lang.tr("Metrics").to_owned(),
            fixed: context.choose_range("all"),
            live: html! {
                @if self.any && self.count == 0 { p.quiet { (lang.tr("No values in this time.")) } }
                @else if self.count == 0 { (context.nothing_yet(lang.tr("No metrics yet."))) }
                @else { (table(context, &self.instruments)) }
                @if next < self.count {
                    p { a href={ "/metrics?skip=" (next) } {
                        (lang.trf("{n} more instruments", &[("n", &(self.count - next))]))
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
