//! Charts as SVG, without a script and without inline styles.

use maud::{Markup, html};

use super::format;
use crate::time_range;

/// Size in units of the drawing, which is stretched to the available space.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 80.0;
/// Number of parts of a chart that are links.
const LINKS: u64 = 15;
/// If all values are within this part of the largest one, the axis does not begin with 0.
const MAX_PART: f64 = 0.25;

/// A line of a chart: its class, which gives the colour, and its values by time, oldest first; `None` is a
/// gap.
pub(super) struct Line<'a> {
    pub(super) class: &'a str,
    pub(super) points: Vec<(u64, Option<f64>)>,
}

/// The axes of a chart. Times are nanoseconds since 1970.
pub(super) struct Axis {
    pub(super) from: u64,
    pub(super) to: u64,
    /// Values that are further apart are not connected.
    pub(super) max_gap: u64,
    /// Whether the values always begin with 0.
    pub(super) from_zero: bool,
}

impl Axis {
    fn x(&self, time: u64) -> f64 {
        let whole = self.to.saturating_sub(self.from).max(1) as f64;
        WIDTH * time.clamp(self.from, self.to.max(self.from)).saturating_sub(self.from) as f64 / whole
    }

    /// The lowest and the highest value of the drawing.
    fn range(&self, lines: &[Line<'_>]) -> (f64, f64) {
        let values = || lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, value)| *value));
        let (least, greatest) = values()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| {
                (least.min(value), greatest.max(value))
            });
        let is_far = greatest > least && greatest - least < MAX_PART * least.abs().max(greatest.abs());
        if is_far && !self.from_zero { (least, greatest) } else { (least.min(0.0), greatest.max(0.0)) }
    }
}

/// Lines over time. The axes say their first and last values. `label` is for screen readers.
pub(super) fn lines(label: &str, lines: &[Line<'_>], axis: &Axis, shown: impl Fn(f64) -> String) -> Markup {
    let (least, greatest) = axis.range(lines);
    let (mut bottom, mut top) = (shown(least), shown(greatest));
    if bottom == top && least < greatest {
        // The values differ in digits that are not shown.
        (bottom, top) = (least.to_string(), greatest.to_string());
    }
    let y = |value: f64| {
        let range = if greatest > least { greatest - least } else { 1.0 };
        (HEIGHT - 2.0) * (1.0 - (value - least) / range) + 1.0
    };
    html! {
        div.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                line.grid x1="0" x2=(WIDTH) y1=(HEIGHT - 1.0) y2=(HEIGHT - 1.0) {}
                @for line in lines {
                    path class=(line.class) d=(path(&line.points, axis, y)) {}
                }
            }
            span.top { (top) }
            span.bottom { (bottom) }
            @if axis.from < axis.to {
                span.from { (format::clock(axis.from)) }
                span.to { (format::clock(axis.to)) }
            }
        }
    }
}

/// Links over a chart, one for each part of its time, to the traces of that part with these fields. They are
/// for the mouse only, because they would be many stops for the keyboard; for that, each page has the choice
/// of time.
pub(super) fn links(axis: &Axis, title: &str, fields: &[(&str, &str)]) -> Markup {
    let at = |part: u64| axis.from + (axis.to.saturating_sub(axis.from)) / LINKS * part;
    html! {
        @if axis.from < axis.to {
            div.times aria-hidden="true" {
                @for part in 0..LINKS {
                    @let range = time_range::between(at(part), at(part + 1));
                    @let range = range.iter().map(|(name, value)| (*name, value.as_str()));
                    a href=(format::address("/traces", &fields.iter().copied().chain(range).collect::<Vec<_>>()))
                        tabindex="-1" title=(title) {}
                }
            }
        }
    }
}

fn path(points: &[(u64, Option<f64>)], axis: &Axis, y: impl Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut last: Option<u64> = None;
    for (time, value) in points {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            last = None;
            continue;
        };
        let is_connected = last.is_some_and(|last| time.saturating_sub(last) <= axis.max_gap);
        let (x, y) = (axis.x(*time), y(value));
        if is_connected {
            path.push_str(&format!("L{x:.1} {y:.1}"));
        } else {
            // A point between gaps must also be visible: a line without length has round ends.
            path.push_str(&format!("M{x:.1} {y:.1}h0"));
        }
        last = Some(*time);
    }
    path
}

/// A small bar chart for a table.
pub(super) fn spark(label: &str, values: &[u64]) -> Markup {
    let greatest = values.iter().copied().max().unwrap_or_default().max(1) as f64;
    html! {
        svg.spark viewBox={ "0 0 " (2 * values.len()) " 16" } preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (at, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
                @let height = 15.0 * *value as f64 / greatest + 1.0;
                rect x=(2 * at) y=(format!("{:.1}", 16.0 - height)) width="1.6" height=(format!("{height:.1}")) {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Line, path};

    const AXIS: Axis = Axis { from: 0, to: 100, max_gap: 20, from_zero: false };

    #[test]
    fn points_are_placed_by_time_and_not_connected_over_a_gap() {
        let points = [(0, Some(0.0)), (10, Some(0.0)), (50, Some(0.0)), (60, None), (100, Some(0.0))];
        assert_eq!(path(&points, &AXIS, |_| 1.0), "M0.0 1.0h0L30.0 1.0M150.0 1.0h0M300.0 1.0h0");
    }

    #[test]
    fn the_axis_begins_with_0_unless_all_values_are_far_from_it() {
        let range = |values: &[f64]| {
            let points = values.iter().map(|value| (0, Some(*value))).collect();
            AXIS.range(&[Line { class: "value", points }])
        };
        assert_eq!(range(&[1_000.0, 1_001.0]), (1_000.0, 1_001.0));
        assert_eq!(range(&[10.0, 1_001.0]), (0.0, 1_001.0));
        assert_eq!(range(&[7.0, 7.0]), (0.0, 7.0));
        assert_eq!(range(&[-5.0, 5.0]), (-5.0, 5.0));
        assert_eq!(range(&[]), (f64::INFINITY.min(0.0), 0.0));
    }
}
