//! The spans of a trace in the order of the tree, each with its position in time.

use std::collections::{HashMap, HashSet};

use maud::{Markup, html};

use crate::page::Context;
use crate::pages::format;
use otlp::model::{Span, StatusCode, Trace};

/// Maximum number of rows to show; the JSON has all spans of a larger trace.
const MAX_ROWS: usize = 3_000;
/// Maximum number of event marks in a row.
const MAX_EVENTS: usize = 20;
/// Maximum depth of indentation.
const MAX_LEVELS: usize = 24;
/// Width of the whole time in units of the drawing.
const WIDTH: f64 = 1000.0;

/// The layout of a trace.
pub(super) struct Waterfall<'a> {
    /// Nanoseconds since 1970.
    pub(super) start: u64,
    /// Nanoseconds since 1970.
    pub(super) end: u64,
    /// Number of spans whose parent was not received.
    pub(super) missing_parents: usize,
    /// Number of spans that are their own ancestors.
    pub(super) circles: usize,
    /// Number of spans that end before they start.
    pub(super) reversed: usize,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    span: &'a Span,
    level: usize,
    /// The time in nanoseconds in which none of its children ran.
    self_time: u64,
}

impl<'a> Waterfall<'a> {
    pub(super) fn new(trace: &Trace<'a>) -> Self {
        let ids: HashSet<&str> = trace.spans.iter().map(|span| span.span_id.as_str()).collect();
        let mut children: HashMap<&str, Vec<&'a Span>> = HashMap::new();
        let mut roots: Vec<&'a Span> = Vec::new();
        let (mut missing_parents, mut circles) = (0, 0);
        for span in &trace.spans {
            match span.parent_span_id.as_deref() {
                Some(parent) if parent == span.span_id => {
                    circles += 1;
                    roots.push(span);
                }
                Some(parent) if ids.contains(parent) => {
                    children.entry(parent).or_default().push(span);
                }
                Some(_) => {
                    missing_parents += 1;
                    roots.push(span);
                }
                None => roots.push(span),
            }
        }
        let mut waterfall = Self {
            start: trace.spans.iter().map(|span| span.start).min().unwrap_or_default(),
            end: trace.spans.iter().map(|span| span.end.max(span.start)).max().unwrap_or_default(),
            missing_parents,
            circles,
            reversed: trace.spans.iter().filter(|span| span.end < span.start).count(),
            rows: Vec::with_capacity(trace.spans.len()),
        };
        let mut placed = HashSet::new();
        waterfall.place(&roots, &children, &mut placed);
        // Spans that no root leads to are part of a cycle.
        for span in &trace.spans {
            if !placed.contains(span.span_id.as_str()) {
                let before = waterfall.rows.len();
                waterfall.place(&[span], &children, &mut placed);
                waterfall.circles += waterfall.rows.len() - before;
            }
        }
        waterfall
    }

    /// Adds rows for the spans and all their descendants. It is not recursive, because a chain of spans may
    /// be long.
    fn place(
        &mut self,
        roots: &[&'a Span],
        children: &HashMap<&str, Vec<&'a Span>>,
        placed: &mut HashSet<&'a str>,
    ) {
        let mut waiting: Vec<(&'a Span, usize)> = roots.iter().rev().map(|span| (*span, 0)).collect();
        while let Some((span, level)) = waiting.pop() {
            // If an id arrived twice, only the first span gets the children.
            let is_first = placed.insert(&span.span_id);
            let below = children.get(span.span_id.as_str()).filter(|_| is_first);
            let below = below.map(Vec::as_slice).unwrap_or_default();
            self.rows.push(Row { span, level, self_time: self_time(span, below) });
            let not_placed = below.iter().rev().filter(|child| !placed.contains(child.span_id.as_str()));
            waiting.extend(not_placed.map(|child| (*child, level + 1)));
        }
    }

    /// The duration of the trace in nanoseconds.
    pub(super) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The number of failed spans.
    pub(super) fn failed(&self) -> usize {
        self.rows.iter().filter(|row| row.span.status == StatusCode::Error).count()
    }

    /// The failed spans before and after the row of `chosen`.
    pub(super) fn failed_around(&self, chosen: Option<&Span>) -> (Vec<&'a Span>, Vec<&'a Span>) {
        let place = chosen.and_then(|chosen| self.place_of(chosen));
        let failed = |rows: &[Row<'a>]| -> Vec<&'a Span> {
            rows.iter().map(|row| row.span).filter(|span| span.status == StatusCode::Error).collect()
        };
        match place {
            Some(place) => (failed(&self.rows[..place]), failed(&self.rows[place + 1..])),
            None => (Vec::new(), failed(&self.rows)),
        }
    }

    fn place_of(&self, span: &Span) -> Option<usize> {
        self.rows.iter().position(|row| std::ptr::eq(row.span, span))
    }

    /// Keeps only the spans that match and their ancestors. Returns the number of those that match.
    pub(super) fn retain(&mut self, matches: impl Fn(&Span) -> bool) -> usize {
        let mut found = 0;
        // From the last row to the first, an ancestor is the next row whose level is lower by one.
        let mut level = 0;
        let mut kept: Vec<Row<'a>> = Vec::new();
        for row in std::mem::take(&mut self.rows).into_iter().rev() {
            if matches(row.span) {
                found += 1;
                level = level.max(row.level);
            } else if row.level + 1 == level {
                level = row.level;
            } else {
                continue;
            }
            kept.push(row);
        }
        kept.reverse();
        self.rows = kept;
        found
    }

    pub(super) fn table(&self, context: &Context, chosen: Option<&Span>, find: &str) -> Markup {
        let lang = context.lang;
        let whole = self.duration().max(1) as f64;
        let at = |time: u64| WIDTH * time.saturating_sub(self.start) as f64 / whole;
        // The minimum width is visible, also at the right edge.
        let width = |span: &Span| (at(span.end) - at(span.start)).max(3.0);
        let left = |span: &Span| at(span.start).min(WIDTH - width(span)).max(0.0);
        let hidden = self.rows.len().saturating_sub(MAX_ROWS);
        // The selected span is among the rows that are shown.
        let place = chosen.and_then(|chosen| self.place_of(chosen)).unwrap_or_default();
        let first = if place < MAX_ROWS { 0 } else { (place - MAX_ROWS / 2).min(hidden) };
        html! {
            div.waterfall {
                table {
                    thead { tr {
                        th { (lang.tr("Span")) } th.number { (lang.tr("Duration")) }
                        th.number.minor title=(lang.tr("The time in which none of its children ran")) { (lang.tr("Self time")) }
                        th.time { span { "0" } span { (format::duration(whole / 2.0)) } span { (format::duration(whole)) } }
                    } }
                    tbody {
                        @for (place, row) in self.rows.iter().enumerate().skip(first).take(MAX_ROWS) {
                            @let span = row.span;
                            @let has_children = self.rows.get(place + 1).is_some_and(|next| next.level > row.level);
                            @let is_chosen = chosen.is_some_and(|chosen| std::ptr::eq(chosen, span));
                            @let colour = context.colour(span.service());
                            tr.chosen[is_chosen] id={ "s-" (span.span_id) } data-span=(span.span_id) data-level=(row.level) {
                                td.{ "l" (row.level.min(MAX_LEVELS)) } {
                                    @if has_children { button.fold type="button" aria-expanded="true" aria-label=(lang.tr("Children")) {} }
                                    a.row href=(address(span, find)) aria-current=[is_chosen.then_some("true")] {
                                        span.dot.(colour) {}
                                        (format::short(&span.name, 70))
                                        @if span.status == StatusCode::Error { " " span.mark.bad { (lang.tr("error")) } }
                                    }
                                    " " span.quiet { (format::short(span.service(), 40)) }
                                }
                                td.number { (format::duration(span.duration() as f64)) }
                                td.number.quiet.minor { (format::duration(row.self_time as f64)) }
                                td.time {
                                    svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true" {
                                        rect.(colour).bad[span.status == StatusCode::Error]
                                            x=(format!("{:.1}", left(span))) y="3" height="10"
                                            width=(format!("{:.1}", width(span))) {}
                                        @for event in span.events.iter().take(MAX_EVENTS) {
                                            rect.event x=(format!("{:.1}", at(event.time.clamp(self.start, self.end)).min(WIDTH - 2.0))) y="0" width="2" height="16" {}
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if hidden > 0 { p.notice { (lang.trf("{n} more are in the JSON of this page.", &[("n", &hidden)])) } }
            }
        }
    }
}

/// The address of a span in the page of its trace.
pub(super) fn address(span: &Span, find: &str) -> String {
    format!("{}#s-{}", format::address("", &[("span", &span.span_id), ("find", find)]), span.span_id)
}

/// The time of `span` that no child covers. Overlapping children count once.
fn self_time(span: &Span, children: &[&Span]) -> u64 {
    let mut intervals: Vec<(u64, u64)> = children
        .iter()
        .map(|child| (child.start.max(span.start), child.end.min(span.end)))
        .filter(|(start, end)| start < end)
        .collect();
    intervals.sort_unstable();
    let mut covered = 0;
    let mut until = 0;
    for (start, end) in intervals {
        covered += end.saturating_sub(start.max(until));
        until = until.max(end);
    }
    span.duration().saturating_sub(covered)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Waterfall;
    use otlp::model::{Attributes, Dropped, Scope, Span, SpanKind, StatusCode, Trace};

    fn span(id: &str, parent: Option<&str>, start: u64, end: u64) -> Span {
        Span {
            resource: Arc::new(Attributes::default()),
            scope: Arc::new(Scope::default()),
            trace_id: "1".repeat(32),
            span_id: id.to_owned(),
            parent_span_id: parent.map(str::to_owned),
            trace_state: String::new(),
            flags: 0,
            name: id.to_owned(),
            kind: SpanKind::Internal,
            start,
            end,
            attributes: Attributes::default(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: Dropped::default(),
            status: StatusCode::Unset,
            status_message: String::new(),
        }
    }

    fn laid_out(spans: &[Span]) -> Vec<(String, usize, u64)> {
        let trace = Trace::new("1", spans.iter());
        let rows = Waterfall::new(&trace).rows;
        rows.iter().map(|row| (row.span.name.clone(), row.level, row.self_time)).collect()
    }

    #[test]
    fn children_are_below_their_parent_and_overlapping_ones_count_once() {
        let spans = [
            span("b", Some("a"), 10, 30),
            span("a", None, 0, 100),
            span("c", Some("a"), 20, 50),
            span("d", Some("b"), 15, 20),
        ];
        let row = |name: &str, level, self_time| (name.to_owned(), level, self_time);
        assert_eq!(laid_out(&spans), [row("a", 0, 60), row("b", 1, 15), row("d", 2, 5), row("c", 1, 30)]);
    }

    #[test]
    fn cycles_orphans_duplicates_and_reversed_times_are_all_shown_once() {
        let spans = [
            span("a", Some("b"), 0, 10),
            span("b", Some("a"), 0, 10),
            span("own", Some("own"), 0, 10),
            span("orphan", Some("gone"), 0, 10),
            span("twin", None, 0, 10),
            span("twin", None, 5, 10),
            span("reversed", None, 10, 0),
        ];
        let trace = Trace::new("1", spans.iter());
        let waterfall = Waterfall::new(&trace);
        assert_eq!(waterfall.rows.len(), spans.len());
        assert_eq!((waterfall.missing_parents, waterfall.circles, waterfall.reversed), (1, 3, 1));
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_spans_is_laid_out() {
        let name = |at: usize| format!("{at:016x}");
        let spans: Vec<Span> =
            (1..100_000).map(|at| span(&name(at), Some(&name(at - 1)), at as u64, at as u64 + 1)).collect();
        assert_eq!(laid_out(&spans).len(), spans.len());
    }
}
