//! The series of a group, added up in columns of time.

use super::buckets::Buckets;
use super::columns::Columns;
use super::groups::interval;
use super::intervals::{Interval, NamedLine, PERCENTILES, percentile};
use crate::store::{Instrument, Kind, Series, Totals};
use otlp::model::Exemplar;

/// Maximum number of exemplars of a group.
const MAX_EXEMPLARS: usize = 5;
/// A value is the latest one for this many intervals; then its series has ended.
const MAX_INTERVALS: u64 = 3;

/// What the series of a group have counted in each column.
pub(super) struct Sums {
    pub(super) kind: Kind,
    columns: Columns,
    /// The counts of a histogram by bucket, for each column.
    pub(super) in_buckets: Vec<Vec<f64>>,
    buckets: Option<Buckets>,
    cells: Vec<Cell>,
    pub(super) totals: Totals,
    pub(super) series: usize,
    /// The newest, newest first.
    pub(super) exemplars: Vec<Exemplar>,
}

/// The numbers of a column.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// Number of series with values, counted by the part of the column that they cover.
    series: f64,
    sum: f64,
    /// Number of values of distributions.
    count: f64,
    min: f64,
    max: f64,
}

impl Sums {
    pub(super) fn new(kind: Kind, columns: Columns, buckets: Option<&Buckets>) -> Self {
        let in_column = |buckets: &Buckets| vec![0.0; buckets.bounds.len() + 1];
        Self {
            kind,
            columns,
            in_buckets: buckets.map_or(Vec::new(), |buckets| vec![in_column(buckets); columns.count]),
            buckets: buckets.cloned(),
            cells: vec![Cell::default(); columns.count],
            totals: Totals::default(),
            series: 0,
            exemplars: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, instrument: &Instrument, series: &Series) {
        // The instrument may have changed since the survey.
        if instrument.kind != self.kind {
            return;
        }
        self.series += 1;
        self.totals.add_series(&series.totals);
        self.exemplars.extend(series.exemplars.iter().cloned());
        self.exemplars.sort_by_key(|exemplar| std::cmp::Reverse(exemplar.time));
        self.exemplars.truncate(MAX_EXEMPLARS);
        let usual = interval(series).unwrap_or(self.columns.step);
        if matches!(self.kind, Kind::Gauge | Kind::UpDownCounter) {
            self.add_values(series, usual);
        } else {
            self.add_intervals(instrument.cumulative, series, usual);
        }
    }

    fn add_values(&mut self, series: &Series, usual: u64) {
        for (at, sample) in series.samples.iter().enumerate() {
            let end = sample.time.saturating_add(usual.saturating_mul(MAX_INTERVALS));
            let gap = series.gaps.partition_point(|gap| *gap <= sample.time);
            let until = series.gaps.get(gap).map_or(end, |gap| end.min(*gap));
            let until = series.samples.get(at + 1).map_or(until, |next| until.min(next.time));
            for column in self.columns.during(sample.time, until) {
                let cell = &mut self.cells[column];
                let is_first = cell.series == 0.0;
                cell.min = if is_first { sample.value } else { cell.min.min(sample.value) };
                cell.max = if is_first { sample.value } else { cell.max.max(sample.value) };
                cell.series += 1.0;
                cell.sum += sample.value;
            }
        }
    }

    fn add_intervals(&mut self, cumulative: bool, series: &Series, usual: u64) {
        for (at, sample) in series.samples.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| series.samples.get(before));
            // A summary always counts from the start of the process.
            let Some(interval) = Interval::new(cumulative, before, sample, usual) else { continue };
            let divided = self.buckets.as_ref().zip(interval.buckets.as_ref());
            let divided = divided.map(|(buckets, (of, counts))| buckets.divide(of, counts));
            for (column, part) in self.columns.parts(interval.from, interval.to) {
                let cell = &mut self.cells[column];
                cell.series += part;
                cell.sum += interval.sum * part;
                cell.count += interval.count * part;
                let in_buckets = self.in_buckets.get_mut(column).into_iter().flatten();
                for (sum, count) in in_buckets.zip(divided.iter().flatten()) {
                    *sum += count * part;
                }
            }
        }
    }

    /// The lines of a chart, and whether they are rates.
    pub(super) fn lines(&self) -> (Vec<NamedLine>, bool) {
        let line = |name: &str, value: &dyn Fn(&Cell) -> Option<f64>| {
            let points =
                self.cells.iter().enumerate().map(|(column, cell)| {
                    (self.columns.end(column), value(cell).filter(|_| cell.series > 0.0))
                });
            (name.to_owned(), points.collect())
        };
        let mean =
            || line("mean", &|cell| (cell.count > 0.0 && !cell.sum.is_nan()).then(|| cell.sum / cell.count));
        match (self.kind, &self.buckets) {
            (Kind::Counter, _) => (vec![line("rate", &|cell| Some(cell.sum / self.columns.seconds()))], true),
            (Kind::UpDownCounter, _) => (vec![line("sum", &|cell| Some(cell.sum))], false),
            (Kind::Gauge, _) => {
                let max = line("max", &|cell| Some(cell.max));
                let mean = line("mean", &|cell| Some(cell.sum / cell.series));
                (vec![max, mean, line("min", &|cell| Some(cell.min))], false)
            }
            (Kind::Histogram, Some(buckets)) => {
                let lines = PERCENTILES.map(|(name, share)| {
                    let points = self.in_buckets.iter().enumerate().map(|(column, counts)| {
                        (self.columns.end(column), percentile(&buckets.bounds, counts, share))
                    });
                    (name.to_owned(), points.collect())
                });
                (lines.to_vec(), false)
            }
            (Kind::Histogram | Kind::Summary, _) => (vec![mean()], false),
        }
    }
}
