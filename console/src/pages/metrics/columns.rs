//! Time in columns of equal length, in which series with samples at different times are added up.

use crate::TimeRange;
use crate::store::HISTORY_WINDOW;

/// Maximum number of columns.
const MAX_COLUMNS: u64 = 90;
/// An interval that begins or ends this close to the border of a column, as a part of the column, is regarded
/// as beginning or ending there, because exports are never exactly on time.
const TOLERANCE: f64 = 0.1;
const SECOND: u64 = 1_000_000_000;
/// The interval of exports if no series has two samples.
const USUAL_INTERVAL: u64 = 10 * SECOND;
/// Samples may be this far in the future.
const MAX_AHEAD: u64 = 60 * SECOND;

/// The times of a series, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) first: u64,
    pub(super) last: u64,
    /// The usual time between two samples; `None` if there is only one.
    pub(super) interval: Option<u64>,
}

/// Time in columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Columns {
    from: u64,
    /// Length of a column in nanoseconds.
    pub(super) step: u64,
    pub(super) count: usize,
}

impl Columns {
    /// Columns that fit the samples of these series. The last one ends when all series that still export have
    /// been exported: a later one would be without those that have not. If `from_first`, the first sample
    /// has a column; otherwise that begins with it. `None` without series.
    pub(super) fn new(series: &[Times], from_first: bool, now: u64) -> Option<Self> {
        let mut intervals: Vec<u64> = series.iter().filter_map(|times| times.interval).collect();
        intervals.sort_unstable();
        let usual = intervals.get(intervals.len() / 2).copied().unwrap_or(USUAL_INTERVAL).max(SECOND);
        let is_possible = |last: &u64| *last <= now.saturating_add(MAX_AHEAD);
        let lasts = || series.iter().map(|times| times.last);
        let newest = lasts().filter(is_possible).max().or(lasts().max())?;
        let interval = |times: &Times| times.interval.unwrap_or(usual);
        let still_exports = |times: &&Times| {
            let late = interval(times).saturating_mul(3) / 2;
            times.last <= newest && times.last.saturating_add(late) >= newest
        };
        let to = series.iter().filter(still_exports).map(|times| times.last).min().unwrap_or(newest);
        let oldest = to.saturating_sub(HISTORY_WINDOW.as_nanos() as u64);
        let earliest = series.iter().map(|times| times.first).min()?.clamp(oldest, to);
        // Series that begin in the first interval: the column before all of them have begun would be too low.
        let begins = |times: &&Times| times.first < earliest.saturating_add(interval(times) / 10 * 9);
        let from = series.iter().filter(begins).map(|times| times.first).max().unwrap_or(earliest);
        let from = from.clamp(earliest, to);
        let step = usual * (to - from).div_ceil(usual * MAX_COLUMNS).max(1);
        let count = ((to - from + step / 2) / step + u64::from(from_first)).max(1);
        Some(Self { from: to.saturating_sub(count * step), step, count: count as usize })
    }

    /// Those that end in the range; `None` if there is none.
    pub(super) fn within(self, range: &TimeRange) -> Option<Self> {
        let is_within = |column: &usize| range.overlaps(self.end(*column), self.end(*column));
        let (first, last) = ((0..self.count).find(is_within)?, (0..self.count).rfind(is_within)?);
        Some(Self { from: self.from + first as u64 * self.step, count: last + 1 - first, ..self })
    }

    /// The end of a column.
    pub(super) fn end(&self, column: usize) -> u64 {
        self.from.saturating_add(self.step * (column as u64 + 1))
    }

    /// The length of a column in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.step as f64 / SECOND as f64
    }

    /// The parts of an interval that are in each column.
    pub(super) fn parts(&self, from: u64, to: u64) -> impl Iterator<Item = (usize, f64)> + use<> {
        let place = |time: u64| (i128::from(time) - i128::from(self.from)) as f64 / self.step as f64;
        let rounded = |place: f64| {
            if (place - place.round()).abs() <= TOLERANCE { place.round() } else { place }
        };
        let exact = (place(from), place(to));
        let near = (rounded(exact.0), rounded(exact.1));
        let (from, to) = if near.0 < near.1 { near } else { exact };
        let first = from.max(0.0) as usize;
        let last = (to.max(0.0).ceil() as usize).min(self.count);
        (first..last).filter_map(move |column| {
            let overlap = to.min(column as f64 + 1.0) - from.max(column as f64);
            (overlap > 0.0).then(|| (column, overlap / (to - from)))
        })
    }

    /// The columns at whose end a value is the latest: one that was recorded at `from`, and replaced at `to`.
    pub(super) fn during(&self, from: u64, to: u64) -> std::ops::Range<usize> {
        let near = (self.step as f64 * TOLERANCE) as u64;
        let ends_before = |time: u64| {
            let passed = time.saturating_sub(near).saturating_sub(self.from);
            // The end of column 0 is one step after the beginning.
            (passed.div_ceil(self.step).saturating_sub(1) as usize).min(self.count)
        };
        ends_before(from)..ends_before(to)
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, SECOND, Times};

    const NOW: u64 = 1_767_323_045 * SECOND;

    fn times(first: u64, last: u64) -> Times {
        Times { first: NOW - first * SECOND, last: NOW - last * SECOND, interval: Some(10 * SECOND) }
    }

    fn parts(columns: Columns, from: u64, to: u64) -> Vec<(usize, f64)> {
        columns.parts(NOW - from * SECOND, NOW - to * SECOND).collect()
    }

    #[test]
    fn columns_end_when_all_series_that_still_export_have_been_exported() {
        let columns =
            Columns::new(&[times(60, 0), times(55, 5), times(50, 40)], false, NOW).expect("columns");
        assert_eq!((columns.step, columns.count), (10 * SECOND, 5), "from 55 s to 5 s ago");
        assert_eq!(columns.end(4), NOW - 5 * SECOND);
        assert_eq!(Columns::new(&[], false, NOW), None);
        let one = Times { first: NOW, last: NOW, interval: None };
        assert_eq!(Columns::new(&[one], true, NOW).expect("columns").count, 1);
        let from_the_future = Times { first: u64::MAX, last: u64::MAX, interval: None };
        assert_eq!(Columns::new(&[from_the_future, times(20, 0)], false, NOW).expect("columns").count, 2);
        assert_eq!(Columns::new(&[times(90_000, 0)], false, NOW).expect("columns").count, 90, "15 minutes");
    }

    #[test]
    fn an_interval_is_divided_among_columns_and_exports_are_not_exactly_on_time() {
        let columns = Columns::new(&[times(30, 0)], false, NOW).expect("columns");
        assert_eq!(columns.count, 3);
        assert_eq!(parts(columns, 20, 10), [(1, 1.0)]);
        assert_eq!(columns.parts(NOW - 19_100_000_000, NOW - 9_500_000_000).collect::<Vec<_>>(), [(1, 1.0)]);
        assert_eq!(parts(columns, 25, 15), [(0, 0.5), (1, 0.5)]);
        assert_eq!(parts(columns, 50, 10), [(0, 0.25), (1, 0.25)], "what is before the first column is lost");
        assert_eq!(parts(columns, 90, 80), []);
        assert_eq!(parts(columns, 10, 20), []);
    }

    #[test]
    fn a_value_is_the_latest_one_until_the_next() {
        let columns = Columns::new(&[times(20, 0)], true, NOW).expect("columns");
        assert_eq!(columns.count, 3);
        let during = |from: u64, to: u64| columns.during(NOW - from * SECOND, NOW - to * SECOND);
        assert_eq!(during(20, 10), 0..1);
        assert_eq!(during(15, 5), 1..2);
        assert_eq!(columns.during(NOW, NOW + 30 * SECOND), 2..3);
    }
}
