//! The page of an instrument: its series, each alone or added up.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Serialize;

use super::groups::{self, ALL, Group, Groups};
use super::heat_map::HeatMap;
use super::series_chart::SeriesChart;
use super::{Parameters, Row, STALE, address, has_values, kind};
use crate::lang::tr_noop;
use crate::page::{Content, Context, NotFound, Preferences, View};
use crate::pages::format::{self, urlencoded};
use crate::pages::trace;
use crate::store::{Instrument, Series};
use crate::{Console, Lang, TimeRange};
use otlp::model::now;

/// Maximum number of series on a page.
const MAX_SERIES: usize = 60;

/// One instrument.
#[derive(Serialize)]
pub(in crate::pages) struct InstrumentPage {
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
pub(in crate::pages) async fn page(
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
    pub(in crate::pages) fn load(
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
