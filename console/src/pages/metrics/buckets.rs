//! Buckets into which the buckets of several histograms fit.

use std::collections::BTreeSet;

use crate::store::Distribution;

/// Maximum number of bounds, and of bounds that are collected first.
const MAX_BOUNDS: usize = 100;
const MAX_COLLECTED: usize = 2_000;

/// The bounds of all histograms.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    all: BTreeSet<Bound>,
    /// Those that were added last: most samples of a series have the same.
    last: Vec<f64>,
}

/// A number that can be compared with all others.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bound(f64);

impl Eq for Bound {}

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Bounds {
    pub(super) fn add(&mut self, of: &Distribution) {
        if of.bounds == self.last {
            return;
        }
        self.last.clone_from(&of.bounds);
        // Zero may be negative.
        self.all.extend(of.bounds.iter().filter(|bound| bound.is_finite()).map(|bound| Bound(bound + 0.0)));
        if self.all.len() > MAX_COLLECTED {
            self.all = thinned(&self.all, MAX_COLLECTED / 2).into_iter().map(Bound).collect();
        }
    }

    /// If there are too many, neighbours are merged.
    pub(super) fn buckets(&self) -> Buckets {
        Buckets { bounds: thinned(&self.all, MAX_BOUNDS) }
    }
}

/// At most `max` of the bounds.
fn thinned(bounds: &BTreeSet<Bound>, max: usize) -> Vec<f64> {
    let every = bounds.len().div_ceil(max).max(1);
    bounds.iter().step_by(every).map(|bound| bound.0).collect()
}

/// Buckets by their upper bounds; the last one has none.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    pub(super) bounds: Vec<f64>,
}

impl Buckets {
    /// Divides the counts of other buckets among these. Values are assumed to be distributed evenly within
    /// their bucket; those of a bucket without an upper bound are near the lower one.
    pub(super) fn divide(&self, of: &Distribution, counts: &[u64]) -> Vec<f64> {
        let mut divided = vec![0.0; self.bounds.len() + 1];
        for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = *count as f64;
            let upper = of.bounds.get(at).copied().unwrap_or(f64::INFINITY);
            let lower = match at.checked_sub(1) {
                Some(below) => of.bounds.get(below).copied().unwrap_or(f64::NEG_INFINITY),
                None => upper.min(0.0),
            };
            let first = self.bounds.partition_point(|bound| *bound <= lower);
            let last = self.bounds.partition_point(|bound| *bound < upper);
            if !upper.is_finite() {
                divided[first] += count;
            } else if first >= last || lower >= upper || !lower.is_finite() {
                divided[last] += count;
            } else {
                for (bucket, sum) in divided.iter_mut().enumerate().take(last + 1).skip(first) {
                    let above = bucket.checked_sub(1).map_or(lower, |below| self.bounds[below].max(lower));
                    let below = self.bounds.get(bucket).map_or(upper, |bound| bound.min(upper));
                    *sum += count * (below - above) / (upper - lower);
                }
            }
        }
        divided
    }
}

#[cfg(test)]
mod tests {
    use super::Bounds;
    use crate::store::Distribution;

    fn distribution(bounds: &[f64]) -> Distribution {
        Distribution { bounds: bounds.to_vec(), counts: Vec::new(), min: None, max: None }
    }

    #[test]
    fn a_wide_bucket_is_divided_among_narrow_ones() {
        let mut bounds = Bounds::default();
        let (wide, narrow) = (distribution(&[1.0, 4.0]), distribution(&[-0.0, 1.0, 2.0, 4.0, 8.0]));
        bounds.add(&wide);
        bounds.add(&narrow);
        let buckets = bounds.buckets();
        assert_eq!(buckets.bounds, [0.0, 1.0, 2.0, 4.0, 8.0]);
        assert_eq!(buckets.divide(&wide, &[2, 6, 1]), [0.0, 2.0, 2.0, 4.0, 1.0, 0.0]);
        assert_eq!(buckets.divide(&narrow, &[1, 2, 3, 4, 5, 6]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(buckets.divide(&distribution(&[3.0]), &[3, 0]), [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn bounds_that_are_too_many_are_merged_and_no_value_is_lost() {
        let mut bounds = Bounds::default();
        let many: Vec<f64> = (0..5_000).map(f64::from).collect();
        let many = distribution(&many);
        bounds.add(&many);
        bounds.add(&distribution(&[f64::INFINITY, f64::NAN]));
        let buckets = bounds.buckets();
        assert!((40..=100).contains(&buckets.bounds.len()), "{}", buckets.bounds.len());
        let divided = buckets.divide(&many, &vec![2; 5_001]);
        assert!((divided.iter().sum::<f64>() - 10_002.0).abs() < 1e-6);
    }
}
