//! Computes the values of a series in each interval between two exports.

use maud::{Markup, html};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::Lang;
use crate::pages::chart::{self, Line};
use crate::pages::format;
use crate::store::{Instrument, Kind, Sample, Series};
use otlp::model::Attributes;

/// A series: its samples, and lines over time that are computed from them.
#[derive(Serialize)]
pub(super) struct SeriesChart {
    #[serde(serialize_with = "pairs")]
    pub(super) attributes: Attributes,
    samples: Vec<SampleJson>,
    /// The lines by name: `value`, `rate`, `p50`, …
    #[serde(rename = "latest", serialize_with = "latest_values")]
    lines: Vec<(&'static str, Vec<Option<f64>>)>,
    /// Whether the values are per second.
    #[serde(skip)]
    is_rate: bool,
    /// Whether it was updated recently.
    #[serde(skip)]
    pub(super) is_live: bool,
}

#[derive(Serialize)]
struct SampleJson {
    #[serde(serialize_with = "format::rfc_3339")]
    time: u64,
    value: f64,
    count: u64,
}

fn pairs<S: Serializer>(attributes: &Attributes, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (key, value) in &attributes.0 {
        map.serialize_entry(key, &value.unquoted())?;
    }
    map.end()
}

fn latest_values<S: Serializer>(
    lines: &[(&'static str, Vec<Option<f64>>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(lines.iter().map(|(name, values)| (name, last(values))))
}

const PERCENTILES: [(&str, f64); 3] = [("p99", 0.99), ("p95", 0.95), ("p50", 0.5)];

impl SeriesChart {
    pub(super) fn new(instrument: &Instrument, series: &Series, is_live: bool) -> Self {
        let samples: Vec<&Sample> = series.samples.iter().collect();
        let (lines, is_rate) = lines(instrument, &samples);
        let samples = samples.iter().map(|sample| SampleJson {
            time: sample.time,
            value: sample.value,
            count: sample.count,
        });
        Self { attributes: series.attributes.clone(), samples: samples.collect(), lines, is_rate, is_live }
    }

    pub(super) fn chart(&self, lang: Lang, unit: &str) -> Markup {
        let lines: Vec<Line<'_>> =
            self.lines.iter().map(|(name, values)| Line { class: name, values: values.clone() }).collect();
        let shown = |value| shown(value, unit, self.is_rate);
        html! {
            figcaption {
                @for (name, values) in self.lines.iter().rev() {
                    span.(name) { (name) " " b { (last(values).map_or("–".to_owned(), shown)) } }
                }
            }
            (chart::lines(lang.tr("Recent values"), &lines, shown))
        }
    }
}

/// The latest value of a series; for a histogram, the median.
#[derive(Debug, Clone)]
pub(super) struct Latest {
    /// The name of the line, if there are several.
    name: Option<&'static str>,
    value: f64,
    is_rate: bool,
}

impl Latest {
    pub(super) fn new(instrument: &Instrument, series: &Series) -> Option<Self> {
        // The latest value needs at most the last two samples.
        let samples: Vec<&Sample> =
            series.samples.iter().skip(series.samples.len().saturating_sub(2)).collect();
        let (lines, is_rate) = lines(instrument, &samples);
        let (name, values) = lines.last()?;
        Some(Self { name: (lines.len() > 1).then_some(*name), value: last(values)?, is_rate })
    }

    pub(super) fn text(&self, unit: &str) -> String {
        let value = shown(self.value, unit, self.is_rate);
        self.name.map_or(value.clone(), |name| format!("{name} {value}"))
    }
}

fn shown(value: f64, unit: &str, is_rate: bool) -> String {
    // Seconds per second are a share without a unit, such as the use of a processor.
    let unit = if is_rate && unit == "s" { "" } else { unit };
    let shown = format::with_unit(value, unit);
    if is_rate { format!("{shown}/s") } else { shown }
}

type Lines = Vec<(&'static str, Vec<Option<f64>>)>;

/// The lines of a chart, and whether they are rates.
fn lines(instrument: &Instrument, samples: &[&Sample]) -> (Lines, bool) {
    match instrument.kind {
        Kind::Gauge | Kind::UpDownCounter => {
            let values = samples.iter().map(|sample| Some(sample.value)).collect();
            (vec![("value", values)], false)
        }
        Kind::Counter => {
            let rates = intervals(samples).map(|(before, sample)| {
                let seconds = (sample.time.saturating_sub(before.time)) as f64 / 1e9;
                let more =
                    if instrument.cumulative { since(before.value, sample.value) } else { sample.value };
                (seconds > 0.0).then(|| more / seconds)
            });
            (vec![("rate", rates.collect())], true)
        }
        Kind::Histogram => {
            let counts: Vec<Option<(&[f64], Vec<u64>)>> = match instrument.cumulative {
                true if samples.len() == 1 => samples.iter().map(|sample| whole(sample)).collect(),
                true => intervals(samples).map(|(before, sample)| difference(before, sample)).collect(),
                false => samples.iter().map(|sample| whole(sample)).collect(),
            };
            let line = |share| {
                counts
                    .iter()
                    .map(|of| of.as_ref().and_then(|(bounds, counts)| percentile(bounds, counts, share)))
                    .collect()
            };
            (PERCENTILES.map(|(name, share)| (name, line(share))).to_vec(), false)
        }
        Kind::Summary => {
            let line = |share: f64| {
                let nearest = |sample: &&Sample| {
                    let quantile =
                        sample.quantiles.iter().find(|(quantile, _)| (quantile - share).abs() < 1e-9);
                    quantile.map(|(_, value)| *value)
                };
                samples.iter().map(nearest).collect()
            };
            (PERCENTILES.map(|(name, share)| (name, line(share))).to_vec(), false)
        }
    }
}

fn last(values: &[Option<f64>]) -> Option<f64> {
    values.iter().rev().flatten().next().copied()
}

fn intervals<'a>(samples: &'a [&'a Sample]) -> impl Iterator<Item = (&'a Sample, &'a Sample)> {
    samples.windows(2).map(|pair| (pair[0], pair[1]))
}

/// The increase; a value that decreased has started again from 0.
fn since(before: f64, now: f64) -> f64 {
    if now >= before { now - before } else { now }
}

fn whole(sample: &Sample) -> Option<(&[f64], Vec<u64>)> {
    let (bounds, counts) = &**sample.buckets.as_ref()?;
    Some((bounds, counts.clone()))
}

/// The buckets of the interval. If the bounds have changed or the count decreased, those since the start.
fn difference<'a>(before: &'a Sample, sample: &'a Sample) -> Option<(&'a [f64], Vec<u64>)> {
    let (bounds, counts) = &**sample.buckets.as_ref()?;
    let (bounds_before, counts_before) = &**before.buckets.as_ref()?;
    if bounds != bounds_before || counts.len() != counts_before.len() || sample.count < before.count {
        return whole(sample);
    }
    let more = counts.iter().zip(counts_before).map(|(now, before)| now.saturating_sub(*before));
    Some((bounds, more.collect()))
}

/// Values are assumed to be distributed evenly within their bucket. The last bucket has no upper bound, so
/// its lower bound is the result.
fn percentile(bounds: &[f64], counts: &[u64], share: f64) -> Option<f64> {
    // A sum of floats, because it cannot overflow with any counts that a sender may use.
    let all: f64 = counts.iter().map(|count| *count as f64).sum();
    if all == 0.0 || bounds.is_empty() {
        return None;
    }
    let wanted = share * all;
    let mut counted = 0.0;
    for (at, count) in counts.iter().enumerate() {
        let more = *count as f64;
        if counted + more >= wanted && *count > 0 {
            let Some(upper) = bounds.get(at) else { return bounds.last().copied() };
            let lower = if at == 0 { upper.min(0.0) } else { bounds[at - 1] };
            return Some(lower + (upper - lower) * (wanted - counted) / more);
        }
        counted += more;
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_within_its_bucket() {
        let bounds = [1.0, 2.0, 4.0];
        assert_eq!(percentile(&bounds, &[0, 10, 0, 0], 0.5), Some(1.5));
        assert_eq!(percentile(&bounds, &[5, 0, 5, 0], 0.9), Some(3.6));
        assert_eq!(
            percentile(&bounds, &[0, 0, 0, 3], 0.5),
            Some(4.0),
            "all that is known of the last bucket"
        );
        assert_eq!(percentile(&bounds, &[0; 4], 0.5), None);
    }
}
