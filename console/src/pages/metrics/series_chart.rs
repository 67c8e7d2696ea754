//! One series of an instrument: its chart, and what it has counted.

use std::borrow::Cow;

use maud::{Markup, html};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::STALE;
use super::columns::Columns;
use super::intervals::{NamedLine, lines};
use crate::pages::chart::{self, Axis, Line};
use crate::pages::format;
use crate::store::{HISTORY_WINDOW, Instrument, Kind, Sample, Series, Totals};
use crate::{Lang, TimeRange};
use otlp::model::{Attributes, Exemplar};

/// A series: its samples, and lines over time that are computed from them.
#[derive(Serialize)]
pub(super) struct SeriesChart {
    #[serde(serialize_with = "pairs")]
    pub(super) attributes: Attributes,
    samples: Vec<SampleJson>,
    #[serde(flatten)]
    pub(super) chart: Chart,
    /// Whether it was updated recently.
    #[serde(skip)]
    pub(super) is_live: bool,
}

/// Lines over time, and what they say now.
#[derive(Serialize)]
pub(super) struct Chart {
    /// The latest values by name: `value`, `rate`, `p50`, `total`, `count`, …
    pub(super) latest: Latest,
    exemplars: Vec<ExemplarJson>,
    #[serde(skip)]
    pub(super) lines: Vec<NamedLine>,
    #[serde(skip)]
    axis: AxisOfSeries,
}

/// Points that are closer than this are always connected.
const MIN_GAP: u64 = 15_000_000_000;

type AxisOfSeries = (u64, u64, u64);

#[derive(Serialize)]
struct SampleJson {
    #[serde(serialize_with = "format::rfc_3339")]
    time: u64,
    value: f64,
    count: u64,
}

#[derive(Serialize)]
struct ExemplarJson {
    #[serde(serialize_with = "format::rfc_3339")]
    time: u64,
    value: f64,
    trace_id: String,
    span_id: Option<String>,
}

impl ExemplarJson {
    fn new(exemplar: &Exemplar) -> Option<Self> {
        let Exemplar { time, value, trace_id, span_id } = exemplar.clone();
        Some(Self { time, value, trace_id: trace_id?, span_id })
    }

    fn address(&self) -> String {
        let span = self.span_id.as_ref().map(|span| format!("?span={span}#s-{span}")).unwrap_or_default();
        format!("/traces/{}{span}", self.trace_id)
    }
}

fn pairs<S: Serializer>(attributes: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (key, value) in attributes.iter() {
        map.serialize_entry(key, &value.unquoted())?;
    }
    map.end()
}

impl SeriesChart {
    pub(super) fn new(
        instrument: &Instrument,
        series: &Series,
        is_live: bool,
        range: &TimeRange,
        now: u64,
    ) -> Self {
        // The first rate in the range needs the sample before it.
        let samples: Vec<&Sample> = series.samples.iter().collect();
        let (mut lines, is_rate) = lines(instrument, &samples);
        for (_, points) in &mut lines {
            points.extend(series.gaps.iter().map(|time| (*time, None)));
            points.sort_by_key(|(time, _)| *time);
        }
        let is_in_range = |time: u64| range.is_all() || range.overlaps(time, time);
        lines.iter_mut().for_each(|(_, points)| points.retain(|(time, _)| is_in_range(*time)));
        let samples: Vec<&Sample> = samples.into_iter().filter(|sample| is_in_range(sample.time)).collect();
        Self {
            attributes: series.attributes.clone(),
            samples: samples
                .iter()
                .map(|sample| SampleJson { time: sample.time, value: sample.value, count: sample.count })
                .collect(),
            chart: Chart {
                latest: Latest::new(instrument.kind, &series.totals, &lines, is_rate),
                exemplars: series.exemplars.iter().filter_map(ExemplarJson::new).collect(),
                axis: axis(&samples, now.min(range.to)),
                lines,
            },
            is_live,
        }
    }
}

impl Chart {
    /// The chart of several series, whose lines have a point in each of `columns`.
    pub(super) fn of_group(
        kind: Kind,
        totals: &Totals,
        (lines, is_rate): (Vec<NamedLine>, bool),
        exemplars: &[Exemplar],
        columns: Columns,
    ) -> Self {
        Self {
            latest: Latest::new(kind, totals, &lines, is_rate),
            exemplars: exemplars.iter().filter_map(ExemplarJson::new).collect(),
            axis: (columns.end(0), columns.end(columns.count.saturating_sub(1)), columns.step),
            lines,
        }
    }

    pub(super) fn html(&self, lang: Lang, service: &str, unit: &str) -> Markup {
        let lines: Vec<Line<'_>> =
            self.lines.iter().map(|(name, points)| Line { class: name, points: points.clone() }).collect();
        let (from, to, max_gap) = self.axis;
        let axis = Axis { from, to, max_gap, from_zero: false };
        let is_rate = self.latest.is_rate;
        html! {
            figcaption {
                @for (name, value) in self.latest.lines.iter().rev() {
                    span.(name) { (name) " " b { (value.map_or("–".to_owned(), |value| shown(value, unit, is_rate))) } }
                }
                @for (name, value) in &self.latest.facts {
                    span.quiet { (name) " " b { (fact(name, *value, unit)) } }
                }
            }
            @if !lines.is_empty() {
                div.linked {
                    (chart::lines(lang.tr("Recent values"), &lines, &axis, |value| shown(value, unit, is_rate)))
                    (chart::links(&axis, lang.tr("Traces of this time"), &[("service", service)]))
                }
            }
            @if !self.exemplars.is_empty() {
                p.exemplars { span.quiet { (lang.tr("Exemplars:")) }
                    @for exemplar in &self.exemplars {
                        " " a href=(exemplar.address()) title=(format::date_and_time(exemplar.time)) {
                            (format::with_unit(exemplar.value, unit)) }
                    }
                }
            }
        }
    }
}

/// From the first sample to now, or to the last sample if that is long ago; and the longest time between two
/// connected samples.
fn axis(samples: &[&Sample], now: u64) -> AxisOfSeries {
    let times = || samples.iter().map(|sample| sample.time);
    let (first, last) = (times().min().unwrap_or(now), times().max().unwrap_or(now));
    let is_recent = last.saturating_add(HISTORY_WINDOW.as_nanos() as u64) > now;
    let mut intervals: Vec<u64> =
        samples.windows(2).map(|two| two[1].time.saturating_sub(two[0].time)).collect();
    intervals.sort_unstable();
    // A few intervals show how often a sender exports; a single one may be a gap.
    let max_gap = match intervals.get(intervals.len() / 2) {
        Some(usual) if intervals.len() > 2 => usual.saturating_mul(3).max(MIN_GAP),
        _ => STALE,
    };
    (first, if is_recent { last.max(now) } else { last }, max_gap)
}

/// The latest values of the lines of a series, and what it has counted.
#[derive(Debug, Clone)]
pub(super) struct Latest {
    lines: Vec<(String, Option<f64>)>,
    facts: Vec<(&'static str, f64)>,
    /// Whether the values of the lines are per second.
    is_rate: bool,
}

impl Serialize for Latest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.lines.iter().map(|(name, value)| (name.as_str(), *value));
        serializer.collect_map(lines.chain(self.facts.iter().map(|(name, value)| (*name, Some(*value)))))
    }
}

impl Latest {
    fn new(kind: Kind, totals: &Totals, lines: &[NamedLine], is_rate: bool) -> Self {
        let last = |points: &[(u64, Option<f64>)]| points.iter().rev().find_map(|(_, value)| *value);
        let facts = match kind {
            Kind::Gauge | Kind::UpDownCounter => Vec::new(),
            Kind::Counter => vec![("total", Some(totals.sum))],
            Kind::Histogram | Kind::Summary => vec![
                ("count", Some(totals.count as f64)),
                ("sum", totals.sum()),
                ("mean", totals.mean()),
                ("min", totals.min),
                ("max", totals.max),
            ],
        };
        // The mean is already a line if there is nothing else.
        let is_line = |name: &str| lines.iter().any(|(line, _)| line == name);
        let facts = facts.into_iter().filter(|(name, _)| !is_line(name));
        Self {
            lines: lines.iter().map(|(name, points)| (name.clone(), last(points))).collect(),
            facts: facts.filter_map(|(name, value)| Some((name, value?))).collect(),
            is_rate,
        }
    }

    /// The latest values in a range. Without the whole history: they need at most the last two samples.
    pub(super) fn for_series(instrument: &Instrument, series: &Series, range: &TimeRange) -> Self {
        let mut samples: Vec<&Sample> =
            series.samples.iter().rev().skip_while(|sample| sample.time >= range.to).take(2).collect();
        samples.reverse();
        let (lines, is_rate) = lines(instrument, &samples);
        Self::new(instrument.kind, &series.totals, &lines, is_rate)
    }

    /// The value that describes the series best: the median or the quantile in the middle, otherwise a total.
    pub(super) fn text(&self, unit: &str) -> String {
        let known = || self.lines.iter().filter_map(|(name, value)| Some((name.as_str(), (*value)?)));
        let line = known().find(|(name, _)| *name == "p50").or_else(|| known().nth(known().count() / 2));
        let (name, value): (&str, Cow<'_, str>) = match line {
            Some(("rate" | "value", value)) => return shown(value, unit, self.is_rate),
            Some((name, value)) => (name, shown(value, unit, self.is_rate).into()),
            None => match self.facts.first() {
                Some((name, value)) => (name, fact(name, *value, unit).into()),
                None => return String::new(),
            },
        };
        format!("{name} {value}")
    }
}

fn fact(name: &str, value: f64, unit: &str) -> String {
    format::with_unit(value, if name == "count" { "" } else { unit })
}

fn shown(value: f64, unit: &str, is_rate: bool) -> String {
    // Seconds per second are a share without a unit, such as the use of a processor.
    let unit = if is_rate && unit == "s" { "" } else { unit };
    let shown = format::with_unit(value, unit);
    if is_rate { format!("{shown}/s") } else { shown }
}
