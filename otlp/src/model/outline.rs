//! Received telemetry as text, for the output of a failing test.

use std::collections::BTreeSet;

use super::Telemetry;

/// Maximum number of traces, log records or metrics in the text.
const MAX_LINES: usize = 30;

impl Telemetry {
    /// The trees of some traces, the first log records, and the names of the metrics.
    pub fn outline(&self) -> String {
        let mut text = format!("{} spans, {} log records", self.spans.len(), self.log_records.len());
        let trace_ids: BTreeSet<_> = self.spans.iter().map(|span| &span.trace_id).collect();
        for id in trace_ids.into_iter().take(MAX_LINES) {
            text += &format!("\n{}", self.trace(id).tree());
        }
        for record in self.log_records.iter().take(MAX_LINES) {
            text += &format!("\n{} {} {}", record.severity_text, record.body, record.attributes);
        }
        let metrics: BTreeSet<_> = self.metrics.iter().map(|metric| &metric.name).collect();
        for name in metrics.into_iter().take(MAX_LINES) {
            text += &format!("\nmetric {name}");
        }
        for refused in &self.refused {
            text += &format!("\nrefused: {refused}");
        }
        text
    }
}
