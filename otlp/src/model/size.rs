//! Estimates how much memory an item uses, including the heap, for limits in bytes.
//!
//! The estimate is an upper bound: allocations are rounded up as the allocators of Linux and macOS do.

use std::mem::size_of;
use std::sync::Arc;

use super::{Attributes, Event, Link, LogRecord, Scope, Span, Value};

impl Span {
    /// Number of bytes on the heap, including its share of data that the items of an export have in common.
    pub fn heap(&self) -> usize {
        let own = [&self.trace_id, &self.span_id, &self.trace_state, &self.name, &self.status_message];
        let events = self.events.iter().map(|event| text(&event.name) + event.attributes.heap());
        let links = self.links.iter().map(|link| {
            text(&link.trace_id) + text(&link.span_id) + text(&link.trace_state) + link.attributes.heap()
        });
        own.into_iter().map(text).sum::<usize>()
            + self.parent_span_id.as_ref().map_or(0, text)
            + self.attributes.heap()
            + allocation(self.events.capacity() * size_of::<Event>())
            + events.sum::<usize>()
            + allocation(self.links.capacity() * size_of::<Link>())
            + links.sum::<usize>()
            + shared(&self.resource, &self.scope)
    }
}

impl LogRecord {
    /// Number of bytes in a map, including its share of data that the items of an export have in common.
    pub fn bytes(&self) -> usize {
        // The nodes of a map are not full.
        2 * size_of::<Self>()
            + text(&self.severity_text)
            + text(&self.event_name)
            + self.trace_id.as_ref().map_or(0, text)
            + self.span_id.as_ref().map_or(0, text)
            + self.body.heap()
            + self.attributes.heap()
            + shared(&self.resource, &self.scope)
    }
}

impl Attributes {
    /// Number of bytes on the heap. Keys and texts count in full, although the items of an export share them:
    /// the last item that keeps them may be any of these.
    pub fn heap(&self) -> usize {
        let keys = allocation(size_of_val(self.keys())) + self.keys().iter().map(text).sum::<usize>();
        let values = self.values();
        keys + allocation(size_of_val(values)) + values.iter().map(Value::heap).sum::<usize>()
    }
}

impl Value {
    fn heap(&self) -> usize {
        match self {
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
            // The text is next to two reference counts.
            Self::Text(text) => allocation(text.len() + 2 * size_of::<usize>()),
            Self::Bytes(bytes) => allocation(bytes.capacity()),
            Self::Array(values) => {
                allocation(values.capacity() * size_of::<Self>())
                    + values.iter().map(Self::heap).sum::<usize>()
            }
            Self::Map(map) => map.heap(),
        }
    }
}

fn shared(resource: &Arc<Attributes>, scope: &Arc<Scope>) -> usize {
    let scope_bytes =
        text(&scope.name) + text(&scope.version) + text(&scope.schema_url) + scope.attributes.heap();
    resource.heap() / Arc::strong_count(resource) + scope_bytes / Arc::strong_count(scope)
}

fn text(text: &String) -> usize {
    allocation(text.capacity())
}

/// The size of an allocation is a multiple of 16 bytes, of which the allocator uses 8; an empty one uses
/// none.
fn allocation(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { (bytes + 8).next_multiple_of(16).max(32) }
}
