//! Metrics of the process: CPU time and disk I/O, from `opentelemetry-instrumentation-process` 0.3.
//!
//! That crate uses gauges for memory, threads and file descriptors, which are up-down counters in the
//! conventions, and for context switches, which are a counter. Backends sum counters over instances, but not
//! gauges. So [`only_correct`] drops those; `tests/registry` fails when the crate has corrected them.
//!
//! ```
//! use instrumentation::process_metrics;
//! use opentelemetry_sdk::metrics::SdkMeterProvider;
//!
//! let provider = SdkMeterProvider::builder().with_view(process_metrics::only_correct).build();
//! opentelemetry::global::set_meter_provider(provider);
//! // It reads /proc, and fails on other systems.
//! let _ = opentelemetry_instrumentation_process::init();
//! ```

use opentelemetry_sdk::metrics::{Aggregation, Instrument, Stream};
use opentelemetry_semantic_conventions::metric;

/// A view that drops the process metrics with a wrong instrument.
pub fn only_correct(instrument: &Instrument) -> Option<Stream> {
    match instrument.name() {
        metric::PROCESS_CPU_TIME | metric::PROCESS_DISK_IO => None,
        name if name.starts_with("process.") => {
            Stream::builder().with_aggregation(Aggregation::Drop).build().ok()
        }
        _ => None,
    }
}
