//! Exporters that wait at a gate.

use std::sync::{Arc, Condvar, Mutex};

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

/// An exporter that counts exported items. While the gate is closed, exports wait.
#[derive(Clone, Debug)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug)]
struct State {
    is_open: bool,
    waits: bool,
    exported: usize,
}

impl Gate {
    pub fn new(is_open: bool) -> Self {
        Self(Arc::new((Mutex::new(State { is_open, waits: false, exported: 0 }), Condvar::new())))
    }

    pub fn open(&self) {
        self.0.0.lock().expect("no exporter has panicked").is_open = true;
        self.0.1.notify_all();
    }

    /// Waits until an export waits at the gate.
    pub fn wait_for_an_export(&self) {
        let state = self.0.0.lock().expect("no exporter has panicked");
        drop(self.0.1.wait_while(state, |state| !state.waits).expect("no exporter has panicked"));
    }

    pub fn exported(&self) -> usize {
        self.0.0.lock().expect("no exporter has panicked").exported
    }

    fn pass(&self, count: usize) -> OTelSdkResult {
        let mut state = self.0.0.lock().expect("no exporter has panicked");
        state.waits = true;
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| !state.is_open).expect("no exporter has panicked");
        state.exported += count;
        Ok(())
    }
}

impl SpanExporter for Gate {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.pass(batch.len())
    }
}

impl LogExporter for Gate {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.pass(batch.iter().count())
    }
}
