//! A collector on a free port of loopback, for OTLP over HTTP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;

use crate::http::serve;

/// What the collector does with an export.
#[derive(Clone, Copy)]
pub enum Behaviour {
    Accept,
    /// A status, and `Retry-After` in seconds.
    Refuse(StatusCode, Option<u64>),
    /// Rejects that many spans or log records of each batch.
    Reject(i64),
}

#[derive(Clone)]
pub struct Collector {
    pub address: SocketAddr,
    behaviour: Arc<Mutex<Behaviour>>,
    /// Spans and log records that were accepted.
    accepted: Arc<Mutex<(usize, usize)>>,
    /// Notified when an export has been refused.
    pub refused: Arc<tokio::sync::Notify>,
}

impl Collector {
    pub async fn start(behaviour: Behaviour) -> Self {
        let behaviour = Arc::new(Mutex::new(behaviour));
        let (accepted, refused) = (Arc::default(), Arc::default());
        let collector = Self { address: ([127, 0, 0, 1], 0).into(), behaviour, accepted, refused };
        let (traces, logs, metrics) = (collector.clone(), collector.clone(), collector.clone());
        let router = Router::new()
            .route("/v1/traces", post(move |body: Bytes| async move { traces.spans(&body) }))
            .route("/v1/logs", post(move |body: Bytes| async move { logs.log_records(&body) }))
            .route("/v1/metrics", post(|| async move { metrics.respond(|_, _| ()) }));
        Self { address: serve(router).await, ..collector }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().expect("no handler has panicked") = behaviour;
    }

    /// How many spans and log records were accepted.
    pub fn accepted(&self) -> (usize, usize) {
        *self.accepted.lock().expect("no handler has panicked")
    }

    fn spans(&self, body: &Bytes) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = ExportTraceServiceRequest::decode(body.clone()).expect("a request of OTLP");
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let count: usize = scopes.map(|scope| scope.spans.len()).sum();
        self.respond(|accepted, rejected| accepted.0 += count - rejected)
    }

    fn log_records(&self, body: &Bytes) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = ExportLogsServiceRequest::decode(body.clone()).expect("a request of OTLP");
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        let count: usize = scopes.map(|scope| scope.log_records.len()).sum();
        self.respond(|accepted, rejected| accepted.1 += count - rejected)
    }

    fn respond(&self, accept: impl FnOnce(&mut (usize, usize), usize)) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        let behaviour = *self.behaviour.lock().expect("no handler has panicked");
        let mut accepted = self.accepted.lock().expect("no handler has panicked");
        match behaviour {
            Behaviour::Accept => {
                accept(&mut accepted, 0);
                (StatusCode::OK, headers, Vec::new())
            }
            Behaviour::Refuse(status, retry_after) => {
                headers.extend(retry_after.map(|seconds| (axum::http::header::RETRY_AFTER, seconds.into())));
                self.refused.notify_one();
                (status, headers, Vec::new())
            }
            // The response to an export of log records has the same fields.
            Behaviour::Reject(rejected_spans) => {
                accept(&mut accepted, usize::try_from(rejected_spans).expect("a count"));
                let error_message = "attributes are too long".to_owned();
                let partial = ExportTracePartialSuccess { rejected_spans, error_message };
                let response = ExportTraceServiceResponse { partial_success: Some(partial) };
                (StatusCode::OK, headers, response.encode_to_vec())
            }
        }
    }
}
