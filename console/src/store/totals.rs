//! What a series has counted so far.

use super::Kind;
use super::sample::Sample;

/// What a series has counted: since the start of its process if its points are cumulative, otherwise since
/// its first export.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// The sum of all values, or the value of a counter. Not a number if a sender left it out.
    pub sum: f64,
    /// The number of values of a distribution.
    pub count: u64,
    /// The smallest value of a distribution, if its points have it.
    pub min: Option<f64>,
    /// The largest value of a distribution, if its points have it.
    pub max: Option<f64>,
}

impl Totals {
    pub(super) fn add(&mut self, sample: &Sample, kind: Kind, cumulative: bool) {
        let (min, max) = sample.distribution.as_ref().map_or((None, None), |of| (of.min, of.max));
        if cumulative || matches!(kind, Kind::Gauge | Kind::UpDownCounter) {
            *self = Self { sum: sample.value, count: sample.count, min, max };
            return;
        }
        self.sum += sample.value;
        self.count = self.count.saturating_add(sample.count);
        self.min = self.min.into_iter().chain(min).reduce(f64::min);
        self.max = self.max.into_iter().chain(max).reduce(f64::max);
    }

    /// Adds what another series has counted.
    pub(crate) fn add_series(&mut self, other: &Self) {
        self.sum += other.sum;
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.into_iter().chain(other.min).reduce(f64::min);
        self.max = self.max.into_iter().chain(other.max).reduce(f64::max);
    }

    /// The sum, if it is known.
    pub fn sum(&self) -> Option<f64> {
        Some(self.sum).filter(|sum| !sum.is_nan())
    }

    /// The mean of the values of a distribution.
    pub fn mean(&self) -> Option<f64> {
        self.sum().filter(|_| self.count > 0).map(|sum| sum / self.count as f64)
    }
}
