//! What the samples of a series say about each stretch of time between two exports.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::pages::chart::{self, Line};
use crate::pages::format;
use crate::store::{Instrument, Kind, Sample, Series};
use otlp::model::Attributes;

/// Lines over time, by their names: `value`, `rate`, `p50`, …
pub(super) struct SeriesChart {
    lines: Vec<(&'static str, Vec<Option<f64>>)>,
    /// Of the whole time: a rate is of a unit a second.
    is_rate: bool,
}

const PERCENTILES: [(&str, f64); 3] = [("p99", 0.99), ("p95", 0.95), ("p50", 0.5)];

impl SeriesChart {
    pub(super) fn of(instrument: &Instrument, series: &Series) -> Self {
        let samples: Vec<&Sample> = series.samples.iter().collect();
        match instrument.kind {
            Kind::Gauge | Kind::UpDownCounter => {
                let values = samples.iter().map(|sample| Some(sample.value)).collect();
                Self { lines: vec![("value", values)], is_rate: false }
            }
            Kind::Counter => {
                let rates = stretches(&samples).map(|(before, sample)| {
                    let seconds = (sample.time.saturating_sub(before.time)) as f64 / 1e9;
                    let more =
                        if instrument.cumulative { since(before.value, sample.value) } else { sample.value };
                    (seconds > 0.0).then(|| more / seconds)
                });
                Self { lines: vec![("rate", rates.collect())], is_rate: true }
            }
            Kind::Histogram => {
                let counts: Vec<Option<(&[f64], Vec<u64>)>> = match instrument.cumulative {
                    true if samples.len() == 1 => samples.iter().map(|sample| whole(sample)).collect(),
                    true => stretches(&samples).map(|(before, sample)| difference(before, sample)).collect(),
                    false => samples.iter().map(|sample| whole(sample)).collect(),
                };
                let line = |share| {
                    counts
                        .iter()
                        .map(|of| of.as_ref().and_then(|(bounds, counts)| percentile(bounds, counts, share)))
                        .collect()
                };
                Self { lines: PERCENTILES.map(|(name, share)| (name, line(share))).to_vec(), is_rate: false }
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
                Self { lines: PERCENTILES.map(|(name, share)| (name, line(share))).to_vec(), is_rate: false }
            }
        }
    }

    pub(super) fn chart(&self, unit: &str) -> Markup {
        let lines: Vec<Line<'_>> =
            self.lines.iter().map(|(name, values)| Line { class: name, values: values.clone() }).collect();
        html! {
            figcaption {
                @for (name, values) in self.lines.iter().rev() {
                    span.(name) { (name) " " b { (last(values).map_or("–".to_owned(), |value| self.shown(value, unit))) } }
                }
            }
            (chart::lines("The recent course", &lines, |value| self.shown(value, unit)))
        }
    }

    /// The last value; of a histogram the median.
    pub(super) fn latest(&self, unit: &str) -> Option<String> {
        let (name, values) = self.lines.last()?;
        let value = self.shown(last(values)?, unit);
        Some(if self.lines.len() > 1 { format!("{name} {value}") } else { value })
    }

    fn shown(&self, value: f64, unit: &str) -> String {
        // Seconds a second are a share, such as that of a processor.
        let unit = if self.is_rate && unit == "s" { "" } else { unit };
        let shown = format::with_unit(value, unit);
        if self.is_rate { format!("{shown}/s") } else { shown }
    }

    pub(super) fn json(&self, series: &Series) -> Value {
        let Attributes(attributes) = &series.attributes;
        json!({
            "attributes": attributes.iter().map(|(key, value)| (key.clone(), value.unquoted().into())).collect::<serde_json::Map<_, _>>(),
            "samples": series.samples.iter().map(|sample| json!({
                "time": format::date_and_time(sample.time), "value": sample.value, "count": sample.count,
            })).collect::<Vec<_>>(),
            "latest": self.lines.iter().map(|(name, values)| ((*name).to_owned(), json!(last(values)))).collect::<serde_json::Map<_, _>>(),
        })
    }
}

fn last(values: &[Option<f64>]) -> Option<f64> {
    values.iter().rev().flatten().next().copied()
}

fn stretches<'a>(samples: &'a [&'a Sample]) -> impl Iterator<Item = (&'a Sample, &'a Sample)> {
    samples.windows(2).map(|pair| (pair[0], pair[1]))
}

/// What came on top; a value that fell has begun anew.
fn since(before: f64, now: f64) -> f64 {
    if now >= before { now - before } else { now }
}

fn whole(sample: &Sample) -> Option<(&[f64], Vec<u64>)> {
    let (bounds, counts) = &**sample.buckets.as_ref()?;
    Some((bounds, counts.clone()))
}

/// The buckets of the stretch; where the bounds have changed or the count fell, those from the start.
fn difference<'a>(before: &'a Sample, sample: &'a Sample) -> Option<(&'a [f64], Vec<u64>)> {
    let (bounds, counts) = &**sample.buckets.as_ref()?;
    let (bounds_before, counts_before) = &**before.buckets.as_ref()?;
    if bounds != bounds_before || counts.len() != counts_before.len() || sample.count < before.count {
        return whole(sample);
    }
    let more = counts.iter().zip(counts_before).map(|(now, before)| now.saturating_sub(*before));
    Some((bounds, more.collect()))
}

/// Within its bucket the value is taken to lie evenly; the last bucket has no end, so its lower bound is what is known.
fn percentile(bounds: &[f64], counts: &[u64], share: f64) -> Option<f64> {
    // Whatever the sender says: this does not overflow.
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
    fn a_percentile_lies_within_its_bucket() {
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
