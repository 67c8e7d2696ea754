//! Requests of encoded spans and log records. `ExportTraceServiceRequest` and `ExportLogsServiceRequest` have
//! the same form: the items of a resource by their scopes.

use opentelemetry::InstrumentationScope;

use super::EncodedResource;
use crate::otlp::protobuf::ExpectedLength::Long;
use crate::otlp::protobuf::Writer;

/// Encoded spans or log records, by their scopes.
#[derive(Debug, Default)]
pub(crate) struct EncodedItems {
    /// In the order in which they came.
    scopes: Vec<ScopeItems>,
    count: usize,
}

#[derive(Debug)]
struct ScopeItems {
    name: String,
    scope: InstrumentationScope,
    items: Vec<u8>,
}

impl ScopeItems {
    fn is_of(&self, name: &str, scope: &InstrumentationScope) -> bool {
        self.name == name
            && self.scope.version() == scope.version()
            && self.scope.schema_url() == scope.schema_url()
            && self.scope.attributes().eq(scope.attributes())
    }
}

impl EncodedItems {
    /// The number of items.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Adds an item of `scope`, whose name is `name`.
    pub(crate) fn add(&mut self, name: &str, scope: &InstrumentationScope, item: &[u8]) {
        self.count += 1;
        // A service has few scopes, so that a search is faster than a hash of the scope's strings and
        // attributes.
        match self.scopes.iter_mut().find(|known| known.is_of(name, scope)) {
            Some(known) => known.items.extend_from_slice(item),
            None => {
                let (name, scope) = (name.to_owned(), scope.clone());
                self.scopes.push(ScopeItems { name, scope, items: item.to_vec() });
            }
        }
    }

    /// The request that sends the items, using the memory of `buffer`.
    pub(crate) fn encode_request(&self, resource: &EncodedResource, buffer: Vec<u8>) -> Vec<u8> {
        let mut to = Writer::new(buffer);
        to.message(1, Long, |to| {
            to.bytes_always(1, &resource.attributes);
            for ScopeItems { name, scope, items } in &self.scopes {
                to.message(2, Long, |to| {
                    super::scope(to, name, scope);
                    to.encoded(items);
                    to.string(3, scope.schema_url().unwrap_or_default());
                });
            }
            to.string(3, &resource.schema_url);
        });
        to.into_bytes()
    }
}
