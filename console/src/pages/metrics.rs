//! The pages of metrics: the list of instruments, and the recent values of one instrument.

mod buckets;
mod columns;
mod groups;
mod heat_map;
mod intervals;
mod series_chart;
mod sums;

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
use crate::{Console, Lang, TimeRange};
use groups::{ALL, Group, Groups};
use heat_map::HeatMap;
use otlp::model::now;
use series_chart::{Latest, SeriesChart};

/// If a series has not been updated for this long, its process has most likely ended.
const STALE: u64 = 90_000_000_000;
/// Maximum number of series on a page.
const MAX_SERIES: usize = 60;
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

/// One instrument.
#[derive(Serialize)]
pub(super) struct InstrumentPage {
    instrument: Row,
    /// The attributes by which it can be grouped.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    group: String,
    series: Vec<SeriesChart>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Group>,
    /// The heat map of all series.
    #[serde(skip_serializing_if = "Option::is_none")]
    heat_map: Option<HeatMap>,
    /// The number of groups, including those that are not on this page.
    #[serde(skip)]
    count: usize,
    /// The number of series that are in no group, because there are too many groups.
    #[serde(skip)]
    left_out: usize,
    /// The number of series that have ended.
    #[serde(skip)]
    ended: usize,
    /// The number of series with values in the chosen time.
    #[serde(skip)]
    series_count: usize,
    #[serde(skip)]
    skipped: usize,
}

/// `GET /metrics/{service}/{name}?group=&skip=`
pub(super) async fn instrument(
    State(console): State<Arc<Console>>,
    Path((service, name)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    preferences: Preferences,
) -> Response {
    match InstrumentPage::load(&console, &service, &name, parameters, &preferences.range, now()) {
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
    /// `None` if there is no such instrument.
    pub(super) fn load(
        console: &Console,
        service: &str,
        name: &str,
        parameters: Parameters,
        range: &TimeRange,
        now: u64,
    ) -> Option<Self> {
        let Parameters { skip: skipped, group } = parameters;
        // If there are groups, series are not shown.
        let first = if group.is_empty() { skipped } else { usize::MAX };
        let page = console.read(|store| {
            let instrument = store.instruments.get(service, name)?;
            Some(Self::new(service, name, instrument, first, range, now))
        })?;
        let Groups { attributes, groups, count, left_out, heat_map } =
            Groups::new(console, service, name, &group, skipped, range, now);
        Some(Self { attributes, group, groups, heat_map, count, left_out, skipped, ..page })
    }

    fn new(
        service: &str,
        name: &str,
        instrument: &Instrument,
        skipped: usize,
        range: &TimeRange,
        now: u64,
    ) -> Self {
        let is_live = |series: &Series| {
            let last = series.samples.back();
            !series.has_ended() && last.is_some_and(|sample| sample.time.saturating_add(STALE) > now)
        };
        let mut series: Vec<&Series> =
            instrument.series().filter(|series| has_values(series, range)).collect();
        series.sort_by_key(|series| !is_live(series));
        let ended = series.iter().filter(|series| !is_live(series)).count();
        let series_count = series.len();
        let shown = series.into_iter().skip(skipped).take(MAX_SERIES);
        Self {
            instrument: Row::new(service, name, instrument, range),
            attributes: Vec::new(),
            group: String::new(),
            series: shown
                .map(|series| SeriesChart::new(instrument, series, is_live(series), range, now))
                .collect(),
            groups: Vec::new(),
            heat_map: None,
            count: 0,
            left_out: 0,
            ended,
            series_count,
            skipped,
        }
    }

    /// The form that selects how series are grouped.
    fn form(&self, lang: Lang) -> Markup {
        let Row { service, name, .. } = &self.instrument;
        let (each, all) = (lang.tr("each series alone"), lang.tr("all series together"));
        let attributes = self.attributes.iter().map(|key| (key.as_str(), key.as_str()));
        let mut choices: Vec<(&str, &str)> = [("", each), (ALL, all)].into_iter().chain(attributes).collect();
        if !choices.iter().any(|(value, _)| *value == self.group) {
            choices.push((&self.group, &self.group));
        }
        html! {
            form.filter action=(address(service, name)) {
                label { (lang.tr("Group by")) select name="group" {
                    @for (value, text) in choices {
                        option value=(value) selected[value == self.group] { (format::short(text, 100)) }
                    }
                } }
                button { (lang.tr("Show")) }
            }
        }
    }

    fn groups_html(&self, lang: Lang) -> Markup {
        let Row { service, name, unit, kind, .. } = &self.instrument;
        let next = self.skipped.saturating_add(self.groups.len());
        html! {
            p.quiet { (lang.tr(groups::rule(*kind))) }
            div.charts { @for group in &self.groups { (group.html(lang, &self.group, service, unit)) } }
            @if next < self.count {
                p { a href={ (address(service, name)) "?group=" (urlencoded(&self.group)) "&skip=" (next) } {
                    (lang.trf("{n} more groups", &[("n", &(self.count - next))]))
                } }
            }
            @if self.left_out > 0 {
                p.quiet { (lang.trf("{n} series with further values are not shown.", &[("n", &self.left_out)])) }
            }
        }
    }
}

impl View for InstrumentPage {
    fn html(&self, context: &Context) -> Content {
        let (lang, instrument) = (context.lang, &self.instrument);
        let next = self.skipped.saturating_add(self.series.len());
        Content {
            link: "/metrics",
            title: format::short(&instrument.name, 120),
            fixed: html! { (context.choose_range("all")) (self.form(lang)) },
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
                @if self.series_count == 0 { p.quiet { (lang.tr("No values in this time.")) } }
                @else if context.range.is_chosen() {
                    p.quiet { (lang.tr("At most the last 15 minutes or 400 values are kept. Totals, counts, sums, means and extremes are those of the whole time of a series.")) }
                }
                @if let Some(heat_map) = self.heat_map.as_ref().filter(|_| self.group.is_empty() || self.group == ALL) {
                    h2 { (lang.tr("Distribution of all values")) }
                    (heat_map.html(lang, &instrument.unit))
                }
                @if !self.group.is_empty() { (self.groups_html(lang)) }
                @else { div.charts {
                    @for series in &self.series {
                        figure.stale[!series.is_live] {
                            @if !series.is_live { p.quiet { (lang.tr("This series has ended.")) } }
                            (series.chart.html(lang, &instrument.service, &instrument.unit))
                            (trace::attributes(lang, &series.attributes))
                        }
                    }
                } }
                @if self.group.is_empty() && next < self.series_count {
                    p { a href={ (address(&instrument.service, &instrument.name)) "?skip=" (next) } {
                        (lang.trf("{n} more series", &[("n", &(self.series_count - next))]))
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
