//! The attributes of a CLIENT span of HTTP.

use crate::checks::assert::Check;
use crate::checks::attributes::{
    Attribute, Is, advice_on, attributes_are, int, recommended, recommended_are_missing, required, text,
};
use crate::checks::requests::Served;
use crate::evidence::UpstreamCall;
use crate::messages::Message;
use otlp::model::Span;

/// The facts about a call.
struct Call {
    method: String,
    url: String,
    port: u16,
    /// `None` if its request failed before the response arrived, so that the call was cancelled.
    status: Option<u16>,
}

/// The attributes of HTTP client spans in the semantic conventions.
static CLIENT_SPAN: &[Attribute<Call>] = &[
    required("http.request.method", |call| text(&call.method), &["http.method"]),
    required("url.full", |call| text(&call.url), &["http.url"]),
    required("server.address", |_| text("127.0.0.1"), &["net.peer.name"]),
    required("server.port", |call| int(call.port), &["net.peer.port"]),
    required("http.response.status_code", |call| call.status.map_or(Is::Any, int), &["http.status_code"]),
    required("error.type", error_type, &[]),
    recommended(
        "network.protocol.version",
        |call| call.status.map_or(Is::Any, |_| text("1.1")),
        &["http.flavor"],
    ),
];

fn error_type(call: &Call) -> Is {
    match call.status {
        None => Is::Any,
        Some(status) if status >= 400 => Is::ErrorType(vec![status.to_string(), "HttpbinError".to_owned()]),
        Some(_) => Is::Absent,
    }
}

fn facts(served: &Served<'_>, call: &UpstreamCall) -> Call {
    let port = served.run.httpbin_port;
    Call {
        method: call.method.clone(),
        url: format!("http://127.0.0.1:{port}{}", call.path),
        port,
        status: (!served.cancelled(call)).then_some(call.status),
    }
}

pub(super) fn are_right(served: &Served<'_>, span: &Span, call: &UpstreamCall) -> Check {
    attributes_are(&span.attributes, CLIENT_SPAN, &facts(served, call))
}

pub(super) fn advice(served: &Served<'_>, span: &Span, call: &UpstreamCall) -> Option<Message> {
    advice_on(recommended_are_missing(&span.attributes, CLIENT_SPAN, &facts(served, call)))
}
