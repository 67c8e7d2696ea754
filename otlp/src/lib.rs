//! An OTLP receiver: HTTP with protobuf or JSON, and gRPC, uncompressed, by gzip or deflate, on one port.
//!
//! See <https://opentelemetry.io/docs/specs/otlp/>. There is only one port, because
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is one address, which an exporter may use over HTTP or over gRPC.
//!
//! | item | what it is for |
//! | --- | --- |
//! | [`router`] and [`Sink`] | the routes of OTLP for a server of your own |
//! | [`Receiver`] | a receiver for one test or one run, which can refuse, stall or hang |
//! | [`decode()`], [`decode_json()`] | what an export request, or a file, contains |
//! | [`model`] | what was received, without protobuf |

#![warn(missing_docs)]

mod body;
mod decode;
mod decoded_size;
mod error;
mod export;
mod grpc;
mod http;
mod json;
mod metrics;
pub mod model;
mod receiver;
mod shared_attributes;
mod wire;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use prost::Message;

use export::{Export, Logs, Metrics, Traces};
use model::Telemetry;

pub use error::DecodeError;
pub use receiver::{Behaviour, Received, Receiver};

/// Takes received telemetry, for the checks or for the console.
pub trait Sink: Send + Sync + 'static {
    /// Adds the telemetry of one export, and returns what was rejected.
    fn add(&self, telemetry: Telemetry) -> Rejected;

    /// Called if a request was refused as a whole. The signal is not always known.
    fn refuse(&self, signal: Option<Signal>, reason: String);
}

/// A kind of telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The name in OTLP's paths: `traces`, `metrics`, `logs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }

    /// The path of the gRPC method.
    fn method(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// Limits for the memory of requests that are being received: their bodies, decompressed and decoded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Number of bytes for all requests together, and so the maximum of one.
    pub memory: usize,
}

impl Default for Limits {
    /// Enough for sixteen large requests at a time.
    fn default() -> Self {
        Self { memory: 256 * 1024 * 1024 }
    }
}

/// A partial success of OTLP: these items were not accepted, the other items of the export were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Number of rejected items.
    pub items: i64,
    /// The reason. Without rejected items it is a warning.
    pub why: String,
}

impl Rejected {
    /// Adds items that were not taken, for this reason. The last reason is reported.
    pub fn add(&mut self, items: usize, why: impl fmt::Display) {
        self.items += items as i64;
        self.why = why.to_string();
    }

    /// Adds further rejections of the same export.
    pub fn extend(&mut self, more: Self) {
        self.items += more.items;
        if !more.why.is_empty() {
            self.why = more.why;
        }
    }
}

/// The routes of OTLP over HTTP and gRPC.
pub fn router(sink: Arc<dyn Sink>, limits: Limits) -> Router {
    let routes = http::router(Arc::clone(&sink)).merge(grpc::router(&sink));
    routes.layer(from_fn_with_state(body::Bounds::new(sink, limits), body::within))
}

/// What one JSON value of a file contains: `TracesData`, `MetricsData` or `LogsData`, or all of them in one
/// object. See <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>.
///
/// # Errors
///
/// If the value is not OTLP/JSON.
pub fn decode_json(mut json: serde_json::Value) -> Result<Telemetry, DecodeError> {
    let mut part = |field: &str| Some(serde_json::json!({ field: json.get_mut(field)?.take() }));
    let parts = [
        part("resourceSpans").map(decode_part::<Traces>),
        part("resourceMetrics").map(decode_part::<Metrics>),
        part("resourceLogs").map(decode_part::<Logs>),
    ];
    if parts.iter().all(Option::is_none) {
        return Err(DecodeError::NoTelemetry);
    }
    let mut telemetry = Telemetry::default();
    for part in parts.into_iter().flatten() {
        telemetry.extend(part?);
    }
    Ok(telemetry)
}

fn decode_part<E: Export>(json: serde_json::Value) -> Result<Telemetry, DecodeError> {
    Ok(E::telemetry(json::message_of(json, E::NAME)?)?)
}

/// What the body of an export request contains, in protobuf.
///
/// # Errors
///
/// If the body is no request for this signal.
pub fn decode(signal: Signal, body: &[u8]) -> Result<Telemetry, DecodeError> {
    Ok(match signal {
        Signal::Traces => Traces::telemetry(Message::decode(body)?)?,
        Signal::Metrics => Metrics::telemetry(Message::decode(body)?)?,
        Signal::Logs => Logs::telemetry(Message::decode(body)?)?,
    })
}
