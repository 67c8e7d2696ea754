//! An OTLP/HTTP receiver that keeps what arrives.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use prost::Message;
use tokio::net::TcpListener;

/// What has arrived so far.
#[derive(Default)]
pub struct Received {
    /// `traces shop`: a signal, and the `service.name` of its resource.
    pub sources: BTreeSet<String>,
    pub spans: Vec<Span>,
    pub metrics: BTreeSet<String>,
    pub log_records: Vec<LogRecord>,
}

type Shared = Arc<Mutex<Received>>;

/// Listens on a free port, and returns the endpoint.
pub async fn start() -> (String, Shared) {
    let received = Shared::default();
    let router = Router::new().route("/v1/{signal}", post(receive)).with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("it listens"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (endpoint, received)
}

async fn receive(State(received): State<Shared>, Path(signal): Path<String>, body: Bytes) -> StatusCode {
    let mut received = received.lock().expect("no test panics while it holds the lock");
    let taken = match signal.as_str() {
        "traces" => ExportTraceServiceRequest::decode(body).map(|request| received.take_spans(request)),
        "metrics" => ExportMetricsServiceRequest::decode(body).map(|request| received.take_metrics(request)),
        "logs" => ExportLogsServiceRequest::decode(body).map(|request| received.take_log_records(request)),
        _ => return StatusCode::NOT_FOUND,
    };
    if taken.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
}

impl Received {
    fn take_spans(&mut self, request: ExportTraceServiceRequest) {
        for of_resource in request.resource_spans {
            self.take_resource("traces", of_resource.resource);
            self.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }

    fn take_metrics(&mut self, request: ExportMetricsServiceRequest) {
        for of_resource in request.resource_metrics {
            self.take_resource("metrics", of_resource.resource);
            let metrics = of_resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
            self.metrics.extend(metrics.map(|metric| metric.name));
        }
    }

    fn take_log_records(&mut self, request: ExportLogsServiceRequest) {
        for of_resource in request.resource_logs {
            self.take_resource("logs", of_resource.resource);
            self.log_records.extend(of_resource.scope_logs.into_iter().flat_map(|scope| scope.log_records));
        }
    }

    fn take_resource(&mut self, signal: &str, resource: Option<Resource>) {
        let attributes = resource.unwrap_or_default().attributes;
        let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
        let name = match name.and_then(|name| name.value?.value) {
            Some(Value::StringValue(name)) => name,
            other => format!("{other:?}"),
        };
        self.sources.insert(format!("{signal} {name}"));
    }

    /// The spans below `parent`, one a line with its kind and name, two spaces deeper than the span above.
    pub fn tree(&self, parent: &[u8]) -> String {
        let mut children: Vec<&Span> =
            self.spans.iter().filter(|span| span.parent_span_id == parent).collect();
        children.sort_by_key(|span| span.start_time_unix_nano);
        let line = |span: &Span| {
            let kind = format!("{:?}", SpanKind::try_from(span.kind).unwrap_or_default());
            let below: String = self.tree(&span.span_id).lines().map(|line| format!("  {line}\n")).collect();
            format!("{} {}\n{below}", kind.to_uppercase(), span.name)
        };
        children.into_iter().map(line).collect()
    }
}
