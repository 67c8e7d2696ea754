//! A Datadog trace agent: accepts what Datadog's SDKs send to `POST /v0.4/traces` in MessagePack, and keeps
//! the spans.
//!
//! The format is that of the Datadog Agent's trace API: an array of traces; a trace is an array of spans, and
//! a span is a map.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Size of a request body; the Datadog Agent has the same limit.
const MAX_BODY_BYTES: usize = 25 << 20;
/// Number of spans that are kept. Further spans are accepted and dropped.
const MAX_SPANS: usize = 10_000;

/// A span in Datadog's format.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DatadogSpan {
    /// `service.name`.
    pub service: String,
    /// The kind of operation, such as `http.server.request`.
    pub name: String,
    /// What the operation was applied to, such as `GET /handson`: OpenTelemetry's span name, or the text of a
    /// query.
    pub resource: String,
    /// The lower half of the W3C trace id.
    pub trace_id: u64,
    /// The id of this span.
    pub span_id: u64,
    /// 0 for a root span.
    #[serde(default)]
    pub parent_id: u64,
    /// Nanoseconds since 1970.
    pub start: i64,
    /// Nanoseconds.
    pub duration: i64,
    /// 1 if the operation failed.
    #[serde(default)]
    pub error: i32,
    /// The string attributes, including `span.kind`, `env` and `version`.
    #[serde(default)]
    pub meta: HashMap<String, String>,
}

/// What the agent received.
#[derive(Debug, Clone, Default)]
pub struct AgentRecord {
    /// The spans, in the order of arrival.
    pub spans: Vec<DatadogSpan>,
    /// Method and path of each call, such as `POST /v0.4/traces`, each once.
    pub calls: Vec<String>,
    /// Why requests were rejected.
    pub refused: Vec<String>,
}

/// A running agent on a free port of this machine. It stops when this value is dropped.
pub struct TraceAgent {
    address: SocketAddr,
    record: Arc<Mutex<AgentRecord>>,
    server: JoinHandle<()>,
}

impl TraceAgent {
    /// Starts the agent.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let record = Arc::new(Mutex::new(AgentRecord::default()));
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(Arc::clone(&record));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, record, server })
    }

    /// The URL of the agent, for `DD_TRACE_AGENT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes what the agent has received so far.
    pub fn take(&self) -> AgentRecord {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for TraceAgent {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// `/info` lists the endpoints, and traces are kept. Everything else, such as the SDK's own telemetry, is
/// accepted and ignored.
async fn answer(
    State(record): State<Arc<Mutex<AgentRecord>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> impl IntoResponse {
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    let call = format!("{method} {}", uri.path());
    if !record.calls.contains(&call) && record.calls.len() < 100 {
        record.calls.push(call);
    }
    let (status, text) = match uri.path() {
        "/info" => (StatusCode::OK, r#"{"version":"7.0.0","endpoints":["/v0.4/traces"]}"#.to_owned()),
        "/v0.4/traces" => match rmp_serde::from_slice::<Vec<Vec<DatadogSpan>>>(&body) {
            Ok(traces) => {
                let room = MAX_SPANS.saturating_sub(record.spans.len());
                record.spans.extend(traces.into_iter().flatten().take(room));
                (StatusCode::OK, r#"{"rate_by_service":{}}"#.to_owned())
            }
            Err(error) => {
                let why = format!("/v0.4/traces: {error}");
                if record.refused.len() < 10 {
                    record.refused.push(why.clone());
                }
                (StatusCode::BAD_REQUEST, why)
            }
        },
        _ => (StatusCode::OK, "{}".to_owned()),
    };
    (status, [(header::CONTENT_TYPE, "application/json")], text)
}
