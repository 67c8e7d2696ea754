//! Computes the values of a series in each interval between two exports.

use crate::store::{Distribution, Instrument, Kind, Sample};

/// A line of a chart: its name, such as `rate` or `p99`, and its values by time.
pub(super) type NamedLine = (String, Vec<(u64, Option<f64>)>);

pub(super) const PERCENTILES: [(&str, f64); 3] = [("p99", 0.99), ("p95", 0.95), ("p50", 0.5)];
/// Maximum number of quantiles of a summary to show.
const MAX_QUANTILES: usize = 8;
/// The bounds of exponential buckets are computed, so that the same bound may differ by this part.
const TOLERANCE: f64 = 1e-9;

/// The lines of a chart, and whether they are rates.
pub(super) fn lines(instrument: &Instrument, samples: &[&Sample]) -> (Vec<NamedLine>, bool) {
    let line = |name: &str, value: &dyn Fn(usize) -> Option<f64>| {
        let points = samples.iter().enumerate().map(|(at, sample)| (sample.time, value(at)));
        (name.to_owned(), points.collect())
    };
    let before = |at: usize| at.checked_sub(1).map(|before| samples[before]);
    match instrument.kind {
        Kind::Gauge | Kind::UpDownCounter => (vec![line("value", &|at| Some(samples[at].value))], false),
        Kind::Counter => {
            let rate = |at: usize| {
                let (before, sample) = (before(at), samples[at]);
                let has_start = !instrument.cumulative && sample.start > 0;
                let start = if has_start { sample.start } else { before?.time };
                let seconds = (sample.time.saturating_sub(start)) as f64 / 1e9;
                let counted = before.filter(|before| instrument.cumulative && continues(before, sample));
                let more = sample.value - counted.map_or(0.0, |before| before.value);
                (seconds > 0.0).then(|| more / seconds)
            };
            (vec![line("rate", &rate)], true)
        }
        Kind::Histogram => {
            let has_buckets = |sample: &&Sample| {
                sample.distribution.as_ref().is_some_and(|of| !of.bounds.is_empty() && !of.counts.is_empty())
            };
            if !samples.iter().any(has_buckets) {
                if samples.iter().all(|sample| sample.value.is_nan()) {
                    return (Vec::new(), false);
                }
                return (
                    vec![line("mean", &|at| mean(instrument.cumulative, before(at), samples[at]))],
                    false,
                );
            }
            let counts: Vec<Option<(&Distribution, Vec<u64>)>> = (0..samples.len())
                .map(|at| match before(at) {
                    Some(before) if instrument.cumulative => difference(before, samples[at]),
                    // The first of several cumulative samples is not an interval.
                    None if instrument.cumulative && samples.len() > 1 => None,
                    _ => whole(samples[at]),
                })
                .collect();
            let counts: Vec<Option<(&Distribution, Vec<f64>)>> = counts
                .into_iter()
                .map(|found| {
                    found.map(|(of, counts)| (of, counts.iter().map(|count| *count as f64).collect()))
                })
                .collect();
            let percentile = |at: usize, share| {
                let (of, counts) = counts[at].as_ref()?;
                percentile(&of.bounds, counts, share)
            };
            let lines = PERCENTILES.map(|(name, share)| line(name, &|at| percentile(at, share)));
            (lines.to_vec(), false)
        }
        Kind::Summary => {
            let mut quantiles: Vec<f64> = Vec::new();
            for (quantile, _) in samples.iter().flat_map(|sample| &sample.quantiles) {
                if quantiles.len() < MAX_QUANTILES && !quantiles.contains(quantile) && !quantile.is_nan() {
                    quantiles.push(*quantile);
                }
            }
            quantiles.sort_by(|one, other| other.total_cmp(one));
            if quantiles.is_empty() {
                return (vec![line("mean", &|at| mean(true, before(at), samples[at]))], false);
            }
            let value = |at: usize, wanted: f64| {
                let found = samples[at].quantiles.iter().find(|(quantile, _)| *quantile == wanted);
                // A summary without recent values has quantiles that are not numbers.
                found.map(|(_, value)| *value).filter(|value| !value.is_nan())
            };
            (quantiles.iter().map(|wanted| line(&name(*wanted), &|at| value(at, *wanted))).collect(), false)
        }
    }
}

/// What a series has counted between two samples.
pub(super) struct Interval<'a> {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) sum: f64,
    pub(super) count: f64,
    /// The buckets of a histogram.
    pub(super) buckets: Option<(&'a Distribution, Vec<u64>)>,
}

impl<'a> Interval<'a> {
    /// The interval before a sample. `None` for the first sample if it is cumulative, because it is not known
    /// when it counted. `usual` is the length of an interval whose beginning is unknown.
    pub(super) fn new(
        cumulative: bool,
        before: Option<&'a Sample>,
        sample: &'a Sample,
        usual: u64,
    ) -> Option<Self> {
        let start = match before {
            _ if !cumulative && sample.start > 0 => sample.start,
            Some(before) => before.time,
            None if cumulative => return None,
            None => sample.time.saturating_sub(usual),
        };
        let counted = before.filter(|before| cumulative && continues(before, sample));
        let buckets = match counted {
            Some(before) => difference(before, sample),
            None => whole(sample),
        };
        Some(Self {
            from: start.min(sample.time.saturating_sub(1)),
            to: sample.time,
            sum: sample.value - counted.map_or(0.0, |before| before.value),
            count: sample.count.saturating_sub(counted.map_or(0, |before| before.count)) as f64,
            buckets,
        })
    }
}

/// `p50`, `p99.9`.
fn name(quantile: f64) -> String {
    // 0.999 * 100 is not exactly 99.9.
    format!("p{}", (quantile * 1e8).round() / 1e6)
}

/// Whether a cumulative sample contains what the one before has counted. Otherwise it has started again from
/// 0: its start is later, or it has counted less.
fn continues(before: &Sample, sample: &Sample) -> bool {
    let is_more = if sample.count > 0 || before.count > 0 {
        sample.count >= before.count
    } else {
        sample.value >= before.value
    };
    is_more && sample.start <= before.time
}

/// The mean of the values of an interval; without one, of all values.
fn mean(cumulative: bool, before: Option<&Sample>, sample: &Sample) -> Option<f64> {
    let (sum, count) = match before {
        Some(before) if cumulative && continues(before, sample) => {
            (sample.value - before.value, sample.count - before.count)
        }
        _ => (sample.value, sample.count),
    };
    (count > 0).then(|| sum / count as f64).filter(|mean| !mean.is_nan())
}

fn whole(sample: &Sample) -> Option<(&Distribution, Vec<u64>)> {
    let of = &**sample.distribution.as_ref()?;
    Some((of, of.counts.clone()))
}

/// The buckets of the interval. If the count decreased or the buckets do not match, those since the start.
///
/// An exponential histogram gets new buckets at both ends, and its buckets are merged when its scale changes,
/// so that each earlier bucket is inside of one of the later ones.
fn difference<'a>(before: &'a Sample, sample: &'a Sample) -> Option<(&'a Distribution, Vec<u64>)> {
    let of = &**sample.distribution.as_ref()?;
    let earlier = &**before.distribution.as_ref()?;
    if !continues(before, sample) {
        return whole(sample);
    }
    let (mut counts, mut at) = (of.counts.clone(), 0);
    for (index, count) in earlier.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let upper = earlier.bounds.get(index).copied().unwrap_or(f64::INFINITY);
        while of.bounds.get(at).is_some_and(|bound| *bound < upper - upper.abs() * TOLERANCE) {
            at += 1;
        }
        match counts.get(at).and_then(|later| later.checked_sub(*count)) {
            Some(more) => counts[at] = more,
            None => return whole(sample),
        }
    }
    Some((of, counts))
}

/// Values are assumed to be distributed evenly within their bucket. If a bucket has no upper bound, its lower
/// bound is the result.
pub(super) fn percentile(bounds: &[f64], counts: &[f64], share: f64) -> Option<f64> {
    // A sum of floats, because it cannot overflow with any counts that a sender may use.
    let all: f64 = counts.iter().sum();
    if all == 0.0 || bounds.is_empty() {
        return None;
    }
    let wanted = share * all;
    let mut counted = 0.0;
    for (at, count) in counts.iter().enumerate() {
        let more = *count;
        if counted + more >= wanted && more > 0.0 {
            let below = || at.checked_sub(1).and_then(|below| bounds.get(below)).copied();
            let Some(upper) = bounds.get(at).filter(|upper| upper.is_finite()) else { return below() };
            let lower = if at == 0 { upper.min(0.0) } else { bounds[at - 1] };
            return Some(lower + (upper - lower) * (wanted - counted) / more);
        }
        counted += more;
    }
    bounds.last().copied()
}

#[cfg(test)]
mod tests {
    use super::{difference, name, percentile};
    use crate::store::{Distribution, Sample};

    fn sample(bounds: &[f64], counts: &[u64]) -> Sample {
        let (bounds, counts) = (bounds.to_vec(), counts.to_vec());
        let count = counts.iter().sum();
        let distribution = Some(Box::new(Distribution { bounds, counts, min: None, max: None }));
        Sample { time: 0, start: 0, value: 0.0, count, distribution, quantiles: Vec::new() }
    }

    #[test]
    fn buckets_are_subtracted_by_their_bounds() {
        let before = sample(&[0.0, 2.0, 4.0], &[0, 0, 5, 0]);
        for (bounds, counts, expected) in [
            (&[0.0, 2.0, 4.0][..], &[0, 0, 9, 0][..], &[0, 0, 4, 0][..]),
            // New buckets at both ends.
            (&[0.0, 1.0, 2.0, 4.0, 8.0], &[0, 0, 1, 6, 2, 0], &[0, 0, 1, 1, 2, 0]),
            // The scale changed.
            (&[0.0, 1.0, 4.000_000_000_1], &[0, 0, 7, 0], &[0, 0, 2, 0]),
            // The process started again.
            (&[0.0, 2.0, 4.0], &[0, 6, 0, 0], &[0, 6, 0, 0]),
            (&[0.0, 2.0, 4.0], &[0, 0, 3, 0], &[0, 0, 3, 0]),
        ] {
            let later = sample(bounds, counts);
            let (_, found) = difference(&before, &later).expect("buckets");
            assert_eq!(found, expected, "{bounds:?} {counts:?}");
        }
    }

    #[test]
    fn quantiles_are_named_by_their_percentage() {
        assert_eq!([0.5, 0.9, 0.999, 1.0, 0.0].map(name), ["p50", "p90", "p99.9", "p100", "p0"]);
    }

    #[test]
    fn a_percentile_is_within_its_bucket() {
        let bounds = [1.0, 2.0, 4.0];
        assert_eq!(percentile(&bounds, &[0.0, 10.0, 0.0, 0.0], 0.5), Some(1.5));
        assert_eq!(percentile(&bounds, &[5.0, 0.0, 5.0, 0.0], 0.9), Some(3.6));
        assert_eq!(
            percentile(&bounds, &[0.0, 0.0, 0.0, 3.0], 0.5),
            Some(4.0),
            "all that is known of the last bucket"
        );
        assert_eq!(percentile(&bounds, &[0.0; 4], 0.5), None);
        assert_eq!(percentile(&[0.1, f64::INFINITY], &[1.0, 2.0, 0.0], 0.9), Some(0.1));
    }
}
