//! What was received, as text: for a test that fails, and for a test that compares whole trees.

use std::fmt::{self, Display, Formatter};

use super::received::{Received, Span};

/// Prints the span trees, the log records and the newest metric points.
pub struct Outline<'a>(pub &'a Received);

/// More than this many spans, records or points help nobody.
const AT_MOST: usize = 30;

impl Display for Outline<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Received { spans, points, records, span_count, record_count, attempts } = self.0;
        writeln!(f, "{attempts} requests, {span_count} spans, {record_count} log records")?;

        let spans: Vec<&Span> = spans.iter().take(AT_MOST).collect();
        for root in spans.iter().filter(|span| parent(span, &spans).is_none()) {
            writeln!(f, "trace {} below {:?}", root.trace_id, root.parent_id)?;
            write_below(f, root, &spans, 1)?;
        }
        for record in records.iter().take(AT_MOST) {
            let (trace, span) = (&record.trace_id, &record.span_id);
            let (severity, body) = (&record.severity, &record.body);
            writeln!(f, "{severity} {body} {trace:?} {span:?} {:?}", record.attributes)?;
        }
        let metrics: std::collections::BTreeSet<_> = points.iter().map(|p| &p.metric).collect();
        for point in metrics.iter().flat_map(|metric| self.0.newest(metric)).take(AT_MOST) {
            writeln!(f, "{} {} {} {:?}", point.metric, point.value, point.unit, point.attributes)?;
        }
        Ok(())
    }
}

fn parent<'a>(span: &Span, spans: &[&'a Span]) -> Option<&'a Span> {
    spans.iter().find(|other| span.parent_id.as_ref() == Some(&other.span_id)).copied()
}

fn children<'a>(parent: &Span, spans: &[&'a Span]) -> Vec<&'a Span> {
    let is_child = |span: &&&Span| span.parent_id.as_ref() == Some(&parent.span_id);
    spans.iter().filter(is_child).copied().collect()
}

fn write_below(f: &mut Formatter<'_>, span: &Span, spans: &[&Span], depth: usize) -> fmt::Result {
    let indent = "  ".repeat(depth);
    let Span { name, kind, status, span_id, start, end, attributes, .. } = span;
    let took = super::duration(*start, *end);
    writeln!(f, "{indent}{name} {kind:?} {status:?} {span_id} {took:?} {attributes:?}")?;
    for event in &span.events {
        writeln!(f, "{indent}  * {} {:?}", event.name, event.attributes)?;
    }
    children(span, spans).iter().try_for_each(|child| write_below(f, child, spans, depth + 1))
}

/// Names, kinds and parents of a trace as an indented list; siblings in alphabetical order, since those that run at
/// once may start in any.
pub fn tree(spans: &[&Span]) -> String {
    let roots = spans.iter().filter(|span| parent(span, spans).is_none());
    roots.map(|root| branch(root, spans, 0)).collect()
}

fn branch(span: &Span, spans: &[&Span], depth: usize) -> String {
    let mut below: Vec<String> =
        children(span, spans).iter().map(|child| branch(child, spans, depth + 1)).collect();
    below.sort();
    format!("{}{} {:?}\n{}", "  ".repeat(depth), span.name, span.kind, below.concat())
}
