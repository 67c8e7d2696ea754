//! A receiver of one run, for the checks.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::model::Telemetry;
use crate::{Rejected, Sink};

/// Items that are kept; of those that come on top it is only known that they came.
const MAX_ITEMS: usize = 400_000;

/// A running receiver. It ends when it is dropped.
pub struct Receiver {
    endpoint: String,
    inbox: Arc<Inbox>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// Where there is none.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let inbox = Arc::new(Inbox::default());
        let router = crate::router(Arc::<Inbox>::clone(&inbox));
        let server = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { endpoint, inbox, server })
    }

    /// A value for `OTEL_EXPORTER_OTLP_ENDPOINT`, by HTTP as by gRPC.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What has come since the last time.
    pub fn take(&self) -> Telemetry {
        self.inbox.take()
    }

    /// Whether so much came that not all of it was kept.
    pub fn flooded(&self) -> bool {
        self.inbox.items() >= MAX_ITEMS
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// What both transports fill.
#[derive(Default)]
pub(crate) struct Inbox {
    telemetry: Mutex<Telemetry>,
}

impl Sink for Inbox {
    fn add(&self, more: Telemetry) -> Rejected {
        if self.items() < MAX_ITEMS {
            let mut all = self.telemetry.lock().unwrap_or_else(PoisonError::into_inner);
            all.spans.extend(more.spans);
            all.log_records.extend(more.log_records);
            all.metrics.extend(more.metrics);
            all.refused.extend(more.refused);
        }
        // Whoever floods it is told by the check.
        Rejected::default()
    }

    fn refuse(&self, why: String) {
        self.add(Telemetry { refused: vec![why], ..Telemetry::default() });
    }
}

impl Inbox {
    /// What has come since the last time.
    pub(crate) fn take(&self) -> Telemetry {
        std::mem::take(&mut self.telemetry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn items(&self) -> usize {
        let all = self.telemetry.lock().unwrap_or_else(PoisonError::into_inner);
        all.spans.len() + all.log_records.len() + all.metrics.len() + all.refused.len()
    }
}
