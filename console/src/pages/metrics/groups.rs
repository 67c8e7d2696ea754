//! Series of an instrument that are added up: all of them, or those with the same value of an attribute.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::buckets::Bounds;
use super::columns::{Columns, Times};
use super::has_values;
use super::heat_map::HeatMap;
use super::series_chart::Chart;
use super::sums::Sums;
use crate::lang::tr_noop;
use crate::pages::format;
use crate::store::{Identity, Instrument, Kind, Series};
use crate::{Console, Lang, TimeRange};

/// The value of `?group=` that adds up all series.
pub(super) const ALL: &str = "*";
/// Maximum number of groups on a page.
const MAX_GROUPS: usize = 60;
/// Maximum number of different values that are sorted and counted.
const MAX_VALUES: usize = 10_000;
/// Maximum number of attributes that are offered.
const MAX_ATTRIBUTES: usize = 100;
/// Maximum number of characters of a value: longer ones with the same beginning are one group.
const MAX_VALUE: usize = 255;
/// Number of samples that are added up under one lock, so that a large instrument does not delay exports.
const SAMPLES_AT_ONCE: usize = 1_000;
/// If there are more groups, they have no heat maps of their own.
const MAX_HEAT_MAPS: usize = 6;

/// The series with one value of the attribute, added up.
#[derive(Serialize)]
pub(super) struct Group {
    /// `None` if they do not have the attribute.
    value: Option<String>,
    series: usize,
    #[serde(flatten)]
    chart: Chart,
    #[serde(serialize_with = "points")]
    points: Vec<Vec<(u64, String, Option<f64>)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) heat_map: Option<HeatMap>,
}

/// `{"time": …, "rate": …}` for each column.
fn points<S: Serializer>(
    points: &[Vec<(u64, String, Option<f64>)>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    struct Point<'a>(&'a [(u64, String, Option<f64>)]);
    impl Serialize for Point<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            if let Some((time, ..)) = self.0.first() {
                map.serialize_entry("time", &format::date_and_time(*time))?;
            }
            for (_, name, value) in self.0 {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }
    serializer.collect_seq(points.iter().map(|point| Point(point)))
}

/// The groups of an instrument, and the attributes by which it can be grouped.
pub(super) struct Groups {
    pub(super) attributes: Vec<String>,
    pub(super) groups: Vec<Group>,
    /// The number of all groups, including those that are not on this page.
    pub(super) count: usize,
    /// The number of series in further groups, of which there are too many to count.
    pub(super) left_out: usize,
    /// The heat map of all series.
    pub(super) heat_map: Option<HeatMap>,
}

/// What has to be known about all series before they are added up.
#[derive(Default)]
struct Survey {
    kind: Option<Kind>,
    attributes: BTreeSet<String>,
    values: BTreeSet<Option<String>>,
    left_out: usize,
    times: Vec<Times>,
    bounds: Bounds,
}

impl Survey {
    fn add(&mut self, instrument: &Instrument, series: &Series, by: &str) {
        self.kind = Some(instrument.kind);
        for (key, _) in series.attributes.iter() {
            if self.attributes.len() < MAX_ATTRIBUTES && !self.attributes.contains(key) {
                self.attributes.insert(key.to_owned());
            }
        }
        let value = value(series, by);
        if self.values.len() < MAX_VALUES || self.values.contains(&value) {
            self.values.insert(value);
        } else {
            self.left_out += 1;
        }
        let (Some(first), Some(last)) = (series.samples.front(), series.samples.back()) else { return };
        // The first sample that is not cumulative has an interval of its own.
        let is_value = matches!(instrument.kind, Kind::Gauge | Kind::UpDownCounter);
        let begins_earlier = !is_value && !instrument.cumulative && first.start > 0;
        let first = if begins_earlier { first.start.min(first.time) } else { first.time };
        self.times.push(Times { first, last: last.time, interval: interval(series) });
        for of in series.samples.iter().filter_map(|sample| sample.distribution.as_ref()) {
            self.bounds.add(of);
        }
    }
}

/// The value by which a series is grouped.
fn value(series: &Series, by: &str) -> Option<String> {
    if by == ALL { None } else { series.attributes.get(by).map(|value| value.shortened(MAX_VALUE)) }
}

/// The usual time between two samples.
pub(super) fn interval(series: &Series) -> Option<u64> {
    let times = series.samples.iter().zip(series.samples.iter().skip(1));
    let mut intervals: Vec<u64> = times
        .map(|(one, next)| next.time.saturating_sub(one.time))
        .filter(|interval| *interval > 0)
        .collect();
    intervals.sort_unstable();
    intervals.get(intervals.len() / 2).copied()
}

/// Reads all series of an instrument that have values in a range, in parts. Exports can be added in between.
fn for_each_series(
    console: &Console,
    service: &str,
    name: &str,
    range: &TimeRange,
    mut read: impl FnMut(&Instrument, &Series),
) {
    let mut last: Option<Identity> = None;
    loop {
        let next = console.read(|store| {
            let instrument = store.instruments.get(service, name)?;
            let (mut samples, mut next) = (0, None);
            for (identity, series) in instrument.series_after(last) {
                if has_values(series, range) {
                    read(instrument, series);
                }
                next = Some(identity);
                samples += series.samples.len();
                if samples >= SAMPLES_AT_ONCE {
                    break;
                }
            }
            next
        });
        match next {
            Some(identity) => last = Some(identity),
            None => return,
        }
    }
}

impl Groups {
    /// Groups by the attribute `by`. If it is empty, there are no groups, only the heat map of all series.
    pub(super) fn new(
        console: &Console,
        service: &str,
        name: &str,
        by: &str,
        skipped: usize,
        range: &TimeRange,
        now: u64,
    ) -> Self {
        let mut survey = Survey::default();
        let key = if by.is_empty() { ALL } else { by };
        for_each_series(console, service, name, range, |instrument, series| {
            survey.add(instrument, series, key)
        });
        let Survey { kind, attributes, values, left_out, times, bounds } = survey;
        let attributes = attributes.into_iter().collect();
        let count = values.len();
        let nothing = Self { attributes, groups: Vec::new(), count, left_out, heat_map: None };
        let Some(kind) = kind else { return nothing };
        let buckets = bounds.buckets();
        let has_buckets = kind == Kind::Histogram && !buckets.bounds.is_empty();
        let is_value = matches!(kind, Kind::Gauge | Kind::UpDownCounter);
        let columns = Columns::new(&times, is_value, now).and_then(|columns| columns.within(range));
        let Some(columns) = columns else { return Self { count: 0, ..nothing } };
        if by.is_empty() && !has_buckets {
            return nothing;
        }
        let buckets = has_buckets.then_some(&buckets);
        // Series without the attribute come last.
        let (without, with): (Vec<_>, Vec<_>) = values.into_iter().partition(Option::is_none);
        let shown = with.into_iter().chain(without).skip(skipped).take(MAX_GROUPS);
        let shown: Vec<Option<String>> = shown.collect();
        let mut sums: BTreeMap<&Option<String>, Sums> =
            shown.iter().map(|value| (value, Sums::new(kind, columns, buckets))).collect();
        let mut all = buckets.map(|buckets| Sums::new(kind, columns, Some(buckets)));
        for_each_series(console, service, name, range, |instrument, series| {
            if let Some(all) = &mut all {
                all.add(instrument, series);
            }
            if let Some(sums) = sums.get_mut(&value(series, key)) {
                sums.add(instrument, series);
            }
        });
        let heat_map = |sums: &Sums| HeatMap::new(buckets?, &sums.in_buckets, columns);
        let with_heat_maps = key != ALL && sums.len() <= MAX_HEAT_MAPS;
        let groups = shown.iter().filter_map(|value| {
            let sums = sums.get(value)?;
            let heat_map = if with_heat_maps { heat_map(sums) } else { None };
            Some(Group::new(value.clone(), sums, heat_map, columns))
        });
        Self {
            groups: if by.is_empty() { Vec::new() } else { groups.collect() },
            heat_map: all.as_ref().and_then(heat_map),
            ..nothing
        }
    }
}

impl Group {
    fn new(value: Option<String>, sums: &Sums, heat_map: Option<HeatMap>, columns: Columns) -> Self {
        let lines = sums.lines();
        let at = |column: usize| {
            let values = lines.0.iter().filter_map(|(name, points)| {
                let (time, value) = points.get(column)?;
                Some((*time, name.clone(), *value))
            });
            values.collect()
        };
        Self {
            value,
            series: sums.series,
            points: (0..columns.count).map(at).collect(),
            chart: Chart::of_group(sums.kind, &sums.totals, lines, &sums.exemplars, columns),
            heat_map,
        }
    }

    pub(super) fn html(&self, lang: Lang, by: &str, service: &str, unit: &str) -> Markup {
        html! {
            figure {
                @if by != ALL {
                    p { span.quiet { (format::short(by, 100)) " = " }
                        @match &self.value {
                            Some(value) => strong { (format::short(value, 100)) },
                            None => span.quiet { (lang.tr("not set")) },
                        }
                    }
                }
                (self.chart.html(lang, service, unit))
                @if let Some(heat_map) = &self.heat_map { (heat_map.html(lang, unit)) }
                p.quiet { (lang.plural(self.series as u64, "{n} series", "{n} series")) }
            }
        }
    }
}

/// How the series of a group are added up.
pub(super) fn rule(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => tr_noop("The rate of a group is the sum of the rates of its series."),
        Kind::UpDownCounter => tr_noop("The value of a group is the sum of the latest values of its series."),
        Kind::Gauge => tr_noop(
            "Gauges are not added up: a group has the mean, the minimum and the maximum of the latest values of its series.",
        ),
        Kind::Histogram => tr_noop(
            "The buckets of the series of a group are added up, and its percentiles are computed from the result.",
        ),
        Kind::Summary => {
            tr_noop("Quantiles cannot be added up: a group has the mean of all values of its series.")
        }
    }
}
