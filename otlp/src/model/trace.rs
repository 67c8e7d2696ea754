//! The spans of one trace, with functions to query them.

use super::{Span, SpanKind, StatusCode, Telemetry};

/// The spans of one trace, earliest first.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    /// 32 hex digits.
    pub id: String,
    /// The spans, earliest first.
    pub spans: Vec<&'a Span>,
}

impl Telemetry {
    /// The trace with this id, without spans if none was received.
    pub fn trace(&self, id: &str) -> Trace<'_> {
        Trace::new(id, self.spans.iter().filter(|span| span.trace_id == id))
    }
}

impl<'a> Trace<'a> {
    /// Builds a trace from spans in any order.
    pub fn new(id: &str, spans: impl Iterator<Item = &'a Span>) -> Self {
        let mut spans: Vec<&Span> = spans.collect();
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        Self { id: id.to_owned(), spans }
    }

    /// The spans with this name.
    pub fn named(&self, name: &str) -> Vec<&'a Span> {
        self.spans.iter().copied().filter(|span| span.name == name).collect()
    }

    /// The spans of this kind.
    pub fn of_kind(&self, kind: SpanKind) -> Vec<&'a Span> {
        self.spans.iter().copied().filter(|span| span.kind == kind).collect()
    }

    /// The span with this id.
    pub fn span(&self, id: &str) -> Option<&'a Span> {
        self.spans.iter().copied().find(|span| span.span_id == id)
    }

    /// The span's parent, if it was received and belongs to this trace.
    pub fn parent(&self, span: &Span) -> Option<&'a Span> {
        self.span(span.parent_span_id.as_deref()?)
    }

    /// Whether `span` is a descendant of `ancestor`.
    pub fn is_below(&self, span: &Span, ancestor: &Span) -> bool {
        let parents = std::iter::successors(self.parent(span), |span| self.parent(span));
        // There are at most as many ancestors as spans; ids that form a cycle would never end.
        parents.take(self.spans.len()).any(|parent| parent.span_id == ancestor.span_id)
    }

    /// The tree as text: name, kind, duration and status of each span. Spans with a missing parent are at the
    /// top level.
    pub fn tree(&self) -> String {
        if self.spans.is_empty() {
            return format!("trace {}: no span was received", self.id);
        }
        let mut tree =
            Tree { text: format!("trace {}", self.id), lines: 0, seen: vec![false; self.spans.len()] };
        for (index, root) in self.spans.iter().enumerate().filter(|(_, span)| self.parent(span).is_none()) {
            let above = match &root.parent_span_id {
                Some(parent) => format!("  (its parent {parent} is not a span of the service)"),
                None => String::new(),
            };
            if tree.add(index, &format!("{}{above}", line(root))) {
                self.branches(root, "", 0, &mut tree);
            }
        }
        if tree.lines > MAX_LINES {
            tree.text.push_str(&format!("\n… and more: {} spans in all", self.spans.len()));
        }
        tree.text
    }

    /// Names, kinds and parents as an indented list, siblings in alphabetical order: the same for each run of
    /// the same work, even if some of it runs concurrently.
    pub fn shape(&self) -> String {
        self.spans
            .iter()
            .filter(|span| self.parent(span).is_none())
            .map(|root| self.shape_below(root, 0))
            .collect()
    }

    fn shape_below(&self, span: &Span, depth: usize) -> String {
        let mut shape = format!("{}{} {:?}\n", "  ".repeat(depth), span.name, span.kind);
        if depth < MAX_DEPTH.min(self.spans.len()) {
            let is_child = |other: &&&Span| other.parent_span_id.as_deref() == Some(&span.span_id);
            let children = self.spans.iter().filter(is_child);
            let mut children: Vec<String> =
                children.map(|child| self.shape_below(child, depth + 1)).collect();
            children.sort();
            shape += &children.concat();
        }
        shape
    }

    fn branches(&self, parent: &Span, indent: &str, depth: usize, tree: &mut Tree) {
        let is_child = |(_, span): &(usize, &&Span)| span.parent_span_id.as_deref() == Some(&parent.span_id);
        let children: Vec<(usize, &&Span)> = self.spans.iter().enumerate().filter(is_child).collect();
        for (place, (index, child)) in children.iter().enumerate() {
            let is_last = place + 1 == children.len();
            let is_new =
                tree.add(*index, &format!("{indent}{} {}", if is_last { '└' } else { '├' }, line(child)));
            if is_new && depth < MAX_DEPTH {
                let indent = format!("{indent}{}", if is_last { "  " } else { "│ " });
                self.branches(child, &indent, depth + 1, tree);
            }
        }
    }
}

/// Maximum number of lines of a tree.
const MAX_LINES: usize = 200;
/// Maximum depth of a tree.
const MAX_DEPTH: usize = 64;

/// A tree as text. Duplicate ids and cycles are not a tree, so each span is shown only once.
struct Tree {
    text: String,
    lines: usize,
    /// Whether the span at each position of the trace was shown.
    seen: Vec<bool>,
}

impl Tree {
    /// Adds a line for the span at this position; `false` if the span already has one, or there are too many.
    fn add(&mut self, index: usize, line: &str) -> bool {
        let is_new = !std::mem::replace(&mut self.seen[index], true);
        if is_new {
            self.lines += 1;
            if self.lines <= MAX_LINES {
                self.text.push('\n');
                self.text.push_str(line);
            }
        }
        is_new && self.lines <= MAX_LINES
    }
}

fn line(span: &Span) -> String {
    let kind = format!("{:?}", span.kind).to_uppercase();
    let took = span.end.saturating_sub(span.start) as f64 / 1e6;
    let status = if span.status == StatusCode::Error { "  Error" } else { "" };
    format!("{}  {kind}  {took:.2} ms{status}", span.name)
}
