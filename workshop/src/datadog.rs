//! A trace agent: takes what Datadog's SDKs send, as `POST /v0.4/traces` in MessagePack, and keeps the spans.
//!
//! The format is that of the Datadog Agent's trace API: an array of traces, each an array of spans, each a map.

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

/// Bytes of a request, as the Agent's own bound has it.
const BODY: usize = 25 << 20;
/// Spans that are kept; what comes after them is only counted as a request.
const SPANS: usize = 10_000;

/// A span in Datadog's words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DatadogSpan {
    /// `service.name`.
    pub service: String,
    /// The kind of operation: `http.server.request`.
    pub name: String,
    /// What it was done to, `GET /handson`: OpenTelemetry's span name, or the text of a query.
    pub resource: String,
    /// The lower half of the W3C id.
    pub trace_id: u64,
    /// Of this span.
    pub span_id: u64,
    /// 0 for a root.
    #[serde(default)]
    pub parent_id: u64,
    /// Nanoseconds since 1970.
    pub start: i64,
    /// Nanoseconds.
    pub duration: i64,
    /// 1 where it failed.
    #[serde(default)]
    pub error: i32,
    /// Attributes that are text; `span.kind`, `env` and `version` among them.
    #[serde(default)]
    pub meta: HashMap<String, String>,
}

/// What came to the agent.
#[derive(Debug, Clone, Default)]
pub struct AgentRecord {
    /// In the order of arrival.
    pub spans: Vec<DatadogSpan>,
    /// `POST /v0.4/traces`, once for each address that was called.
    pub calls: Vec<String>,
    /// Why a request was refused.
    pub refused: Vec<String>,
}

/// A running agent on a free port of this machine. It ends when it is dropped.
pub struct TraceAgent {
    address: SocketAddr,
    record: Arc<Mutex<AgentRecord>>,
    server: JoinHandle<()>,
}

impl TraceAgent {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// Where no port can be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let record = Arc::new(Mutex::new(AgentRecord::default()));
        let router =
            Router::new().fallback(answer).layer(DefaultBodyLimit::max(BODY)).with_state(Arc::clone(&record));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, record, server })
    }

    /// For `DD_TRACE_AGENT_URL`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far.
    pub fn take(&self) -> AgentRecord {
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for TraceAgent {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// `/info` says what there is; traces are kept; the SDK's reports on itself are taken and forgotten.
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
                let room = SPANS.saturating_sub(record.spans.len());
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
