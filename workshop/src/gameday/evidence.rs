//! The spans that the console has received, as calls of httpbin and queries.

use std::collections::HashMap;
use std::sync::Arc;

use otlp::model::{Attributes, Span, SpanKind};

use super::HTTPBIN;
use crate::messages::Message;
use crate::text;

/// All spans, and how they belong together.
pub struct Evidence {
    spans: Vec<Arc<Span>>,
    by_id: HashMap<String, usize>,
    children: HashMap<String, Vec<usize>>,
}

/// A CLIENT span of a call of httpbin, and httpbin's own spans below it.
#[derive(Clone)]
pub struct Call<'a> {
    /// The span of the service.
    pub span: &'a Span,
    /// The path that was called, such as `/get`.
    pub path: &'a str,
    /// The SERVER spans of httpbin, earliest first.
    pub served: Vec<&'a Span>,
}

/// What the telemetry of a service needs, so that faults can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// CLIENT spans of the calls of httpbin.
    Calls,
    /// SERVER spans of httpbin.
    Served,
    /// SERVER spans of httpbin below the spans of the calls.
    Linked,
    /// CLIENT spans of the queries.
    Queries,
}

impl Signal {
    /// What it is, and the step that gives it.
    pub fn describe(self) -> (Message, &'static str) {
        match self {
            Self::Calls => (text!("spans of the calls of httpbin"), "client-spans"),
            Self::Served => (text!("spans of httpbin itself"), "server-spans"),
            Self::Linked => (text!("spans of httpbin below the spans of the calls"), "client-spans"),
            Self::Queries => (text!("spans of the queries"), "db-spans"),
        }
    }
}

impl Evidence {
    /// The evidence of these spans.
    pub fn new(mut spans: Vec<Arc<Span>>) -> Self {
        spans.sort_by_key(|span| span.start);
        let mut children: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, span) in spans.iter().enumerate() {
            if let Some(parent) = &span.parent_span_id {
                children.entry(parent.clone()).or_default().push(index);
            }
        }
        let by_id = spans.iter().enumerate().map(|(index, span)| (span.span_id.clone(), index)).collect();
        Self { spans, by_id, children }
    }

    /// All spans, earliest first.
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = &Span> {
        self.spans.iter().map(Arc::as_ref)
    }

    /// The parent of a span, if it has arrived.
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        let parent = &self.spans[*self.by_id.get(span.parent_span_id.as_deref()?)?];
        (parent.trace_id == span.trace_id).then_some(parent)
    }

    fn children<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        let children = self.children.get(&span.span_id).map(Vec::as_slice).unwrap_or_default();
        children.iter().map(|index| &*self.spans[*index]).filter(|child| child.trace_id == span.trace_id)
    }

    /// The requests of the service.
    pub fn requests(&self) -> impl Iterator<Item = &Span> {
        self.spans().filter(|span| span.kind == SpanKind::Server && span.service() != HTTPBIN)
    }

    /// The calls of httpbin.
    pub fn calls(&self) -> Vec<Call<'_>> {
        self.spans().filter_map(|span| self.call(span)).collect()
    }

    fn call<'a>(&'a self, span: &'a Span) -> Option<Call<'a>> {
        let path = called_path(span)?;
        let served = self.children(span).filter(|child| is_served(child)).collect();
        Some(Call { span, path, served })
    }

    /// The SERVER spans of httpbin.
    pub fn served(&self) -> impl Iterator<Item = &Span> {
        self.spans().filter(|span| is_served(span))
    }

    /// The queries.
    pub fn queries(&self) -> impl Iterator<Item = &Span> {
        self.spans().filter(|span| is_query(span))
    }

    /// Whether a span has a query as a child.
    pub fn is_around_a_query(&self, span: &Span) -> bool {
        span.kind == SpanKind::Internal && self.children(span).any(is_query)
    }

    /// Whether there is a signal at all.
    pub fn has(&self, signal: Signal) -> bool {
        match signal {
            Signal::Calls => self.spans().any(|span| called_path(span).is_some()),
            Signal::Served => self.served().next().is_some(),
            Signal::Linked => self.served().any(|span| self.parent(span).is_some()),
            Signal::Queries => self.queries().next().is_some(),
        }
    }
}

/// The path that a call of httpbin calls; `None` for other spans.
pub(super) fn called_path(span: &Span) -> Option<&str> {
    if span.kind != SpanKind::Client || span.service() == HTTPBIN {
        return None;
    }
    path_of_url(first(&span.attributes, &["url.full", "http.url"])?)
}

/// `/get` of `http://127.0.0.1:8081/get?a=b`.
pub(super) fn path_of_url(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let path = &rest[rest.find('/')?..];
    path.split(['?', '#']).next()
}

/// The path that httpbin has served.
pub(super) fn served_path(span: &Span) -> Option<&str> {
    if is_served(span) { first(&span.attributes, &["url.path", "http.route", "http.target"]) } else { None }
}

fn is_served(span: &Span) -> bool {
    span.kind == SpanKind::Server && span.service() == HTTPBIN
}

pub(super) fn is_query(span: &Span) -> bool {
    span.kind == SpanKind::Client && first(&span.attributes, &["db.system.name", "db.system"]).is_some()
}

fn first<'a>(attributes: &'a Attributes, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| attributes.text(key))
}
