//! The allowed names, with their definitions in the registry of semantic conventions. Any other name is a
//! violation: deprecated ones (`http.method`, `net.peer.port`, `db.statement`), misspelled ones, and paths of
//! the build machine (`code.file.path`).

use crate::support::queries::Instrument;
use otlp::model::SpanKind;

/// The type of an attribute's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    Texts,
}

/// The type of an attribute; `None` for an unknown one.
pub fn attribute(name: &str) -> Option<Type> {
    let texts = ["host.ip", "host.mac", "process.command_args"];
    let ints = [
        "client.port",
        "db.response.returned_rows",
        "http.response.status_code",
        "network.peer.port",
        "process.pid",
        "server.port",
    ];
    if TEXTS.contains(&name) || name.starts_with("handson.") {
        Some(Type::Text)
    } else if ints.contains(&name) {
        Some(Type::Int)
    } else if texts.contains(&name) {
        Some(Type::Texts)
    } else {
        None
    }
}

const TEXTS: &[&str] = &[
    "client.address",
    "container.id",
    "cpu.mode",
    "db.collection.name",
    "db.namespace",
    "db.operation.name",
    "db.query.summary",
    "db.query.text",
    "db.response.status_code",
    "db.system.name",
    "deployment.environment.name",
    "disk.io.direction",
    "error.type",
    "exception.message",
    "exception.stacktrace",
    "exception.type",
    "host.arch",
    "host.id",
    "host.name",
    "http.request.method",
    "http.request.method_original",
    "http.route",
    "network.peer.address",
    "network.protocol.name",
    "network.protocol.version",
    "os.type",
    "os.version",
    "otel.component.name",
    "otel.component.type",
    "server.address",
    "service.instance.id",
    "service.name",
    "service.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "url.full",
    "url.path",
    "url.query",
    "url.scheme",
    "user.id",
    "user.name",
    "user_agent.original",
    "vcs.ref.head.revision",
    "vcs.repository.url.full",
];

/// Attributes that every span of this kind must have. `marker` distinguishes HTTP from database.
pub struct Required {
    pub kind: SpanKind,
    pub marker: &'static str,
    pub attributes: &'static [&'static str],
}

/// The required attributes, by kind of span.
pub const REQUIRED: &[Required] = &[
    Required {
        kind: SpanKind::Server,
        marker: "http.request.method",
        attributes: &[
            "http.request.method",
            "url.path",
            "url.scheme",
            "server.address",
            "http.response.status_code",
        ],
    },
    Required {
        kind: SpanKind::Client,
        marker: "url.full",
        attributes: &["http.request.method", "server.address", "server.port", "url.full"],
    },
    Required {
        kind: SpanKind::Client,
        marker: "db.system.name",
        attributes: &[
            "db.system.name",
            "db.collection.name",
            "db.operation.name",
            "db.query.text",
            "db.namespace",
        ],
    },
];

/// A metric: unit, instrument and required attributes.
pub type Metric = (&'static str, Instrument, &'static [&'static str]);

/// The definition of a metric in the registry; `None` for an unknown one.
pub fn metric(name: &str) -> Option<Metric> {
    use Instrument::{Counter, Histogram, UpDownCounter};
    Some(match name {
        "http.server.request.duration" => ("s", Histogram, &["http.request.method", "url.scheme"]),
        "http.server.active_requests" => ("{request}", UpDownCounter, &["http.request.method", "url.scheme"]),
        "http.client.request.duration" => {
            ("s", Histogram, &["http.request.method", "server.address", "server.port"])
        }
        "db.client.operation.duration" => ("s", Histogram, &["db.system.name"]),
        "otel.sdk.processor.span.processed" | "otel.sdk.exporter.span.exported" => ("{span}", Counter, &[]),
        "otel.sdk.log.created" => ("{log_record}", Counter, &[]),
        "otel.sdk.processor.log.queue.capacity" => ("{log_record}", UpDownCounter, &[]),
        "otel.sdk.processor.log.processed" | "otel.sdk.exporter.log.exported" => {
            ("{log_record}", Counter, &[])
        }
        "process.cpu.time" => ("s", Counter, &["cpu.mode"]),
        "process.disk.io" => ("By", Counter, &[]),
        _ => return None,
    })
}
