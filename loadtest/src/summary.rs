//! The summary at the end, in k6's format.

pub mod format;
pub mod json;

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::metrics::{Metric, Metrics, share};
use crate::thresholds::Threshold;

/// The metrics of each section of the summary, in order.
const HTTP: [&str; 6] = [
    "http_req_duration",
    "http_req_duration{expected_response:true}",
    "http_req_failed",
    "http_req_schedule_delay",
    "http_req_scheduled_duration",
    "http_reqs",
];
const EXECUTION: [&str; 5] = ["dropped_iterations", "iteration_duration", "iterations", "vus", "vus_max"];

/// Writes the summary.
///
/// # Errors
///
/// `out` cannot be written.
pub fn write(out: &mut impl Write, metrics: &Metrics, thresholds: &[Threshold]) -> io::Result<()> {
    if !thresholds.is_empty() {
        writeln!(out, "\n  █ THRESHOLDS\n")?;
        write_thresholds(out, metrics, thresholds)?;
    }
    writeln!(out, "\n  █ TOTAL RESULTS\n")?;
    write_checks(out, metrics)?;
    let rows = |names: &[&str]| names.iter().filter_map(|name| row(metrics, name)).collect::<Vec<_>>();
    let (http, execution) = (rows(&HTTP), rows(&EXECUTION));
    let layout = Layout::new(http.iter().chain(&execution));
    for (title, rows) in [("HTTP", http), ("EXECUTION", execution)] {
        writeln!(out, "    {title}")?;
        layout.write(out, &rows)?;
        writeln!(out)?;
    }
    Ok(())
}

fn write_thresholds(out: &mut impl Write, metrics: &Metrics, thresholds: &[Threshold]) -> io::Result<()> {
    let mut sorted: Vec<&Threshold> = thresholds.iter().collect();
    sorted.sort_by_key(|threshold| &threshold.metric);
    for same_metric in sorted.chunk_by(|one, other| one.metric == other.metric) {
        for (n, threshold) in same_metric.iter().enumerate() {
            if n == 0 {
                writeln!(out, "    {}", threshold.metric)?;
            }
            let mark = if threshold.holds(metrics) { '✓' } else { '✗' };
            writeln!(out, "    {mark} '{}' {}", threshold.expression, threshold.measured(metrics))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn write_checks(out: &mut impl Write, metrics: &Metrics) -> io::Result<()> {
    let Some(Metric::Rate { passes, fails }) = metrics.get("checks") else { return Ok(()) };
    let total = passes + fails;
    let of_total = |part| format!("{part} out of {total}");
    let rows = [
        Row::new("checks_total", vec![total.to_string(), format::per_second(total, metrics.elapsed)]),
        Row::new("checks_succeeded", vec![format::percent(share(passes, total)), of_total(passes)]),
        Row::new("checks_failed", vec![format::percent(share(fails, total)), of_total(fails)]),
    ];
    Layout::new(&rows).write(out, &rows)?;
    writeln!(out)?;
    for check in &metrics.checks {
        let (passes, fails) = (check.passes, check.fails);
        if fails == 0 {
            writeln!(out, "    ✓ {}", check.name)?;
        } else {
            let percent = (share(passes, passes + fails) * 100.0).floor();
            writeln!(out, "    ✗ {}\n      ↳  {percent}% — ✓ {passes} / ✗ {fails}", check.name)?;
        }
    }
    writeln!(out)
}

/// One metric: its name, and a text for each column.
struct Row {
    name: String,
    columns: Vec<String>,
}

impl Row {
    fn new(name: &str, columns: Vec<String>) -> Self {
        Self { name: name.to_owned(), columns }
    }
}

fn row(metrics: &Metrics, name: &str) -> Option<Row> {
    let columns = match metrics.get(name)? {
        Metric::Trend(trend) if trend.count() == 0 && name.contains('{') => return None,
        Metric::Trend(trend) => json::TREND
            .iter()
            .map(|(label, of)| format!("{label}={}", format::milliseconds(of(trend))))
            .collect(),
        Metric::Counter { count, elapsed } => vec![count.to_string(), format::per_second(count, elapsed)],
        Metric::Gauge { value, min, max } => {
            vec![value.to_string(), format!("min={min}"), format!("max={max}")]
        }
        Metric::Rate { passes, fails } => {
            let total = passes + fails;
            vec![format::percent(share(passes, total)), format!("{passes} out of {total}")]
        }
    };
    // As in k6, a metric with a tag is on a separate line below its metric.
    let name = name
        .split_once('{')
        .map_or(name.to_owned(), |(_, tag)| format!("  {{ {} }}", tag.trim_end_matches('}')));
    Some(Row { name, columns })
}

/// Widths of names and columns: names are padded with dots, and columns are aligned in rows with the same
/// number of them.
#[derive(Default)]
struct Layout {
    name: usize,
    /// The widths of columns, by the number of columns in a row.
    columns: BTreeMap<usize, Vec<usize>>,
}

impl Layout {
    fn new<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut layout = Self::default();
        for row in rows {
            layout.name = layout.name.max(row.name.chars().count() + 3);
            let widths = layout.columns.entry(row.columns.len()).or_insert(vec![0; row.columns.len()]);
            for (width, column) in widths.iter_mut().zip(&row.columns) {
                *width = column.chars().count().max(*width);
            }
        }
        layout
    }

    fn write(&self, out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
        for row in rows {
            let mut line = format!("    {:.<name$}:", row.name, name = self.name);
            for (column, width) in row.columns.iter().zip(&self.columns[&row.columns.len()]) {
                line += &format!(" {column:<width$}");
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
