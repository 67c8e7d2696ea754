//! Charts as SVG, without a script and without inline styles.

use maud::{Markup, html};

/// Size in units of the drawing, which is stretched to the available space.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 80.0;

/// A line of a chart: its class, which gives the colour, and its values, oldest first; `None` is a gap.
pub(super) struct Line<'a> {
    pub(super) class: &'a str,
    pub(super) values: Vec<Option<f64>>,
}

/// Lines over time, with the maximum at the top and 0 at the bottom. `label` is for screen readers.
pub(super) fn lines(label: &str, lines: &[Line<'_>], shown: impl Fn(f64) -> String) -> Markup {
    let values = || lines.iter().flat_map(|line| line.values.iter().flatten().copied());
    let least = values().fold(0.0, f64::min);
    let greatest = values().fold(least, f64::max);
    let range = if greatest > least { greatest - least } else { 1.0 };
    html! {
        div.chart {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
                line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2.0) y2=(HEIGHT / 2.0) {}
                @for line in lines {
                    path class=(line.class) d=(path(&line.values, least, range)) {}
                }
            }
            span.top { (shown(greatest)) }
            span.bottom { (shown(least)) }
        }
    }
}

fn path(values: &[Option<f64>], least: f64, range: f64) -> String {
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let mut path = String::new();
    let mut begins = true;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            begins = true;
            continue;
        };
        let x = step * at as f64;
        let y = (HEIGHT - 2.0) * (1.0 - (value - least) / range) + 1.0;
        path.push_str(&format!("{}{x:.1} {y:.1}", if begins { 'M' } else { 'L' }));
        // A single point between gaps must also be visible.
        let is_alone = begins && values.get(at + 1).copied().flatten().is_none();
        if is_alone {
            path.push_str(&format!("L{:.1} {y:.1}", x + 1.0));
        }
        begins = false;
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
