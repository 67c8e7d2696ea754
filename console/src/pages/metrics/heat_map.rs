//! How the values of a histogram are distributed over time, as SVG without a script.

use maud::{Markup, html};
use serde::Serialize;

use super::buckets::Buckets;
use super::columns::Columns;
use crate::Lang;
use crate::pages::format;

/// Maximum number of rows; more buckets are merged.
const MAX_ROWS: usize = 24;
/// Number of strengths of the colour.
const LEVELS: f64 = 6.0;
/// Smaller counts are nothing but the rest of a division.
const MIN_COUNT: f64 = 1e-6;

/// The number of values in each bucket and each interval.
#[derive(Serialize)]
pub(super) struct HeatMap {
    step_seconds: f64,
    /// The buckets that have values, and those between them, lowest first.
    rows: Vec<Row>,
    columns: Vec<Column>,
}

/// A bucket: values above `above`, up to and including `to`. `None` if there is no bound.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    above: Option<f64>,
    to: Option<f64>,
}

/// An interval, with the number of values in each row.
#[derive(Serialize)]
struct Column {
    #[serde(serialize_with = "format::rfc_3339")]
    from: u64,
    #[serde(serialize_with = "format::rfc_3339")]
    to: u64,
    counts: Vec<f64>,
}

impl HeatMap {
    /// `None` if there are no values.
    pub(super) fn new(buckets: &Buckets, in_buckets: &[Vec<f64>], columns: Columns) -> Option<Self> {
        let has_values = |bucket: &usize| in_buckets.iter().any(|counts| counts[*bucket] >= MIN_COUNT);
        let bounds = &buckets.bounds;
        let first = (0..=bounds.len()).find(has_values)?;
        let last = (0..=bounds.len()).rfind(has_values)?;
        let merged = (last + 1 - first).div_ceil(MAX_ROWS);
        let ends = |at: usize| (at + merged).min(last + 1);
        let starts = (first..=last).step_by(merged);
        let row = |at: usize| Row {
            above: at.checked_sub(1).map(|below| bounds[below]),
            to: bounds.get(ends(at) - 1).copied(),
        };
        let column = |(at, counts): (usize, &Vec<f64>)| Column {
            from: columns.end(at).saturating_sub(columns.step),
            to: columns.end(at),
            counts: starts
                .clone()
                .map(|at| {
                    let sum: f64 = counts[at..ends(at)].iter().sum();
                    (sum / MIN_COUNT).round() * MIN_COUNT
                })
                .collect(),
        };
        Some(Self {
            step_seconds: columns.seconds(),
            rows: starts.clone().map(row).collect(),
            columns: in_buckets.iter().enumerate().map(column).collect(),
        })
    }

    pub(super) fn html(&self, lang: Lang, unit: &str) -> Markup {
        let most = self.columns.iter().flat_map(|column| column.counts.iter().copied()).fold(0.0, f64::max);
        // By the square root, so that a few values are visible next to many.
        let level = |count: f64| (LEVELS * (count / most).sqrt()).ceil().clamp(1.0, LEVELS);
        let rows = self.rows.len();
        html! {
            div.heat {
                ol aria-hidden="true" { @for row in self.rows.iter().rev() { li { (row.short(unit)) } } }
                div {
                    svg viewBox={ "0 0 " (self.columns.len()) " " (rows) } preserveAspectRatio="none" role="img"
                        aria-label=(lang.tr("Heat map: the number of values by bucket and time. The JSON of this page has the numbers.")) {
                        @for (x, column) in self.columns.iter().enumerate() {
                            @for (row, count) in column.counts.iter().enumerate().filter(|(_, count)| **count >= MIN_COUNT) {
                                rect class={ "h" (level(*count)) } x=(x) y=(rows - 1 - row) width="1" height="1" {
                                    title { (format::date_and_time(column.from)) "–" (format::date_and_time(column.to)) ", " (self.rows[row].long(unit)) ": " (format::number(*count)) }
                                }
                            }
                        }
                    }
                    @if let (Some(first), Some(last)) = (self.columns.first(), self.columns.last()) {
                        span.from { (format::clock(first.from)) }
                        span.to { (format::clock(last.to)) }
                    }
                }
            }
            p.quiet.key {
                svg viewBox="0 0 6 1" preserveAspectRatio="none" aria-hidden="true" {
                    @for level in 1..=6 { rect class={ "h" (level) } x=(level - 1) y="0" width="1" height="1" {} }
                }
                " " (lang.trf("1 to {n} values in {seconds} s",
                    &[("n", &format::number(most.ceil())), ("seconds", &format::number(self.step_seconds))]))
            }
        }
    }
}

impl Row {
    /// `≤ 200 ms`
    fn short(&self, unit: &str) -> String {
        match (self.above, self.to) {
            (_, Some(to)) => format!("≤ {}", format::with_unit(to, unit)),
            (Some(above), None) => format!("> {}", format::with_unit(above, unit)),
            (None, None) => String::new(),
        }
    }

    /// `100 ms–200 ms`
    fn long(&self, unit: &str) -> String {
        match (self.above, self.to) {
            (Some(above), Some(to)) => {
                format!("{}–{}", format::with_unit(above, unit), format::with_unit(to, unit))
            }
            _ => self.short(unit),
        }
    }
}
