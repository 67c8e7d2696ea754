//! The attributes of a SERVER span.

use std::collections::BTreeSet;

use crate::checks::assert::Check;
use crate::checks::attributes::{
    Attribute, Is, advice_on, attributes_are, int, recommended, recommended_are_missing, required, text,
};
use crate::checks::requests::{Served, kind_of_failure};
use crate::messages::Message;

/// The facts about a request.
struct Request {
    port: u16,
    status: u16,
    /// What failed, if it failed.
    kind: &'static str,
    /// `exception.type` of the exceptions in its trace.
    exceptions: BTreeSet<String>,
}

/// The attributes of HTTP server spans in the semantic conventions, and what this step requires in addition.
static SERVER_SPAN: &[Attribute<Request>] = &[
    required("http.request.method", |_| text("GET"), &["http.method"]),
    required("http.route", |_| text("/handson"), &[]),
    required("url.path", |_| text("/handson"), &["http.target"]),
    required("url.query", |_| Is::Absent, &[]),
    required("url.scheme", |_| text("http"), &["http.scheme"]),
    required("http.response.status_code", |request| int(request.status), &["http.status_code"]),
    required("error.type", error_type, &[]),
    recommended("server.address", |_| text("127.0.0.1"), &["net.host.name", "http.host"]),
    recommended("server.port", |request| int(request.port), &["net.host.port"]),
    recommended("client.address", |_| text("127.0.0.1"), &["net.sock.peer.addr", "http.client_ip"]),
    recommended("network.protocol.version", |_| text("1.1"), &["http.flavor"]),
    recommended("user_agent.original", |_| text("workshop"), &["http.user_agent"]),
];

fn error_type(request: &Request) -> Is {
    if request.status < 500 {
        return Is::Absent;
    }
    let names = [request.status.to_string(), request.kind.to_owned()].into_iter();
    Is::ErrorType(names.chain(request.exceptions.iter().cloned()).collect())
}

fn request(served: &Served<'_>) -> Request {
    let events = served.trace.spans.iter().flat_map(|span| &span.events);
    let exceptions: BTreeSet<String> =
        events.filter_map(|event| Some(event.attributes.text("exception.type")?.to_owned())).collect();
    let kind = kind_of_failure(served.exchange);
    Request { port: served.run.port, status: served.status, kind, exceptions }
}

pub(super) fn are_right(served: &Served<'_>) -> Check {
    attributes_are(&served.server.attributes, SERVER_SPAN, &request(served))
}

pub(super) fn advice(served: &Served<'_>) -> Option<Message> {
    advice_on(recommended_are_missing(&served.server.attributes, SERVER_SPAN, &request(served)))
}
