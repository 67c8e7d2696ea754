//! `OTEL_*` variables: those that the SDK does not read, and a check of those that it reads, for it would pass over a
//! bad value in silence.

mod environment;

use std::time::Duration;

use url::Url;

use crate::config::Refusal;
use environment::{exactly, list, number, one_of, parsed, variable};

/// What `--help` says of OpenTelemetry.
pub const HELP: &str = "\
OpenTelemetry, by its standard variables:
  OTEL_SDK_DISABLED=true                     no telemetry at all
  OTEL_EXPORTER_OTLP_ENDPOINT                where it goes [default: http://localhost:4318; gRPC: http://localhost:4317]
  OTEL_EXPORTER_OTLP_PROTOCOL                http/protobuf (default) or grpc
  OTEL_EXPORTER_OTLP_HEADERS, _COMPRESSION (gzip)   these four also by signal, such as OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  OTEL_EXPORTER_OTLP_TIMEOUT (ms)            of one request to the collector [default: 10000]
  OTEL_{TRACES,METRICS,LOGS}_EXPORTER        otlp (default) or none
  OTEL_PROPAGATORS                           tracecontext,baggage (default) or none
  OTEL_TRACES_SAMPLER, _ARG                  parentbased_always_on (default), traceidratio, …
  OTEL_RESOURCE_ATTRIBUTES                   further attributes of this process
  OTEL_BSP_MAX_QUEUE_SIZE                    spans that wait at most [default: 8192]; more are dropped, and counted
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE, _SCHEDULE_DELAY (ms)   [default: 1024, 5000]
  OTEL_BLRP_MAX_QUEUE_SIZE, _MAX_EXPORT_BATCH_SIZE, _SCHEDULE_DELAY   the same of log records [default: 4096, 1024, 1000]
  OTEL_METRIC_EXPORT_INTERVAL (ms)           [default: 60000]

An empty variable counts as unset.";

/// What a signal is sent by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP/1.1, binary protobuf.
    HttpProtobuf,
    /// OTLP over gRPC.
    Grpc,
}

/// A signal of OpenTelemetry, as its variables spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// How many items wait for the exporter, and how many go at once.
#[derive(Debug, Clone, Copy)]
pub struct Batching {
    /// What comes on top is dropped, and counted.
    pub max_queue_size: usize,
    /// Largest number of items in one request to the collector.
    pub max_export_batch_size: usize,
}

/// The checked settings.
#[derive(Debug)]
pub struct Settings {
    /// `OTEL_SDK_DISABLED`: no telemetry at all.
    pub disabled: bool,
    exporters: [bool; 3],
    protocols: [Protocol; 3],
    /// Whether ids cross in the headers `traceparent` and `tracestate`.
    pub trace_context: bool,
    /// Whether baggage crosses in the header of that name.
    pub baggage: bool,
    /// Of one request to the collector.
    pub timeout: Duration,
    /// The queue of spans.
    pub spans: Batching,
    /// The queue of log records.
    pub log_records: Batching,
}

impl Settings {
    /// Reads and checks the environment.
    ///
    /// # Errors
    ///
    /// The first variable whose value is not allowed.
    pub fn read() -> Result<Self, Refusal> {
        let propagators = list("OTEL_PROPAGATORS", &["tracecontext", "baggage", "none"])?
            .unwrap_or_else(|| vec!["tracecontext".to_owned(), "baggage".to_owned()]);
        let settings = Self {
            disabled: one_of("OTEL_SDK_DISABLED", &["true", "false"])?.as_deref() == Some("true"),
            exporters: [exports(Signal::Traces)?, exports(Signal::Metrics)?, exports(Signal::Logs)?],
            protocols: [protocol(Signal::Traces)?, protocol(Signal::Metrics)?, protocol(Signal::Logs)?],
            trace_context: propagators.iter().any(|name| name == "tracecontext"),
            baggage: propagators.iter().any(|name| name == "baggage"),
            timeout: number("OTEL_EXPORTER_OTLP_TIMEOUT")?
                .map_or(Duration::from_secs(10), Duration::from_millis),
            // Larger than the SDK's own 2048 and 512: none is lost while a saturated machine lets the exporter's
            // thread wait for its turn. It is about 12 MiB of spans where no collector takes them.
            spans: batching("OTEL_BSP", 8192, 1024)?,
            log_records: batching("OTEL_BLRP", 4096, 1024)?,
        };
        check_what_the_sdk_reads()?;
        Ok(settings)
    }

    /// Whether `signal` is sent at all.
    pub fn sends(&self, signal: Signal) -> bool {
        self.exporters[signal as usize]
    }

    /// What `signal` is sent by.
    pub fn protocol(&self, signal: Signal) -> Protocol {
        self.protocols[signal as usize]
    }

    /// Where telemetry goes, in words.
    pub fn destination(&self) -> String {
        let mut places: Vec<String> = Vec::new();
        for signal in [Signal::Traces, Signal::Metrics, Signal::Logs] {
            let protocol = match self.protocol(signal) {
                Protocol::HttpProtobuf => "http/protobuf",
                Protocol::Grpc => "grpc",
            };
            let endpoint = self.endpoint(signal);
            let base = endpoint.strip_suffix(signal.path()).unwrap_or(&endpoint);
            let place = format!("{} ({protocol})", base.trim_end_matches('/'));
            if self.sends(signal) && !places.contains(&place) {
                places.push(place);
            }
        }
        if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") }
    }

    /// Whether any signal goes to an `https://` address.
    pub fn needs_tls(&self) -> bool {
        [Signal::Traces, Signal::Metrics, Signal::Logs]
            .into_iter()
            .any(|signal| self.sends(signal) && self.endpoint(signal).starts_with("https:"))
    }

    /// The address to which `signal` goes. By HTTP, the address for all signals is a base, and that of one signal is
    /// complete: <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>.
    pub fn endpoint(&self, signal: Signal) -> String {
        if let Some(own) = variable(&format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", signal.name())) {
            return own;
        }
        let of_all = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
        match self.protocol(signal) {
            Protocol::Grpc => of_all.unwrap_or_else(|| "http://localhost:4317".to_owned()),
            Protocol::HttpProtobuf => {
                let base = of_all.unwrap_or_else(|| "http://localhost:4318".to_owned());
                format!("{}{}", base.trim_end_matches('/'), signal.path())
            }
        }
    }
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
            Self::Logs => "LOGS",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }
}

fn exports(signal: Signal) -> Result<bool, Refusal> {
    let exporter = one_of(&format!("OTEL_{}_EXPORTER", signal.name()), &["otlp", "none"])?;
    Ok(exporter.as_deref() != Some("none"))
}

fn protocol(signal: Signal) -> Result<Protocol, Refusal> {
    let allowed = ["http/protobuf", "grpc"];
    let of_all = one_of("OTEL_EXPORTER_OTLP_PROTOCOL", &allowed)?;
    let of_signal = one_of(&format!("OTEL_EXPORTER_OTLP_{}_PROTOCOL", signal.name()), &allowed)?;
    Ok(match of_signal.or(of_all).as_deref() {
        Some("grpc") => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    })
}

fn batching(prefix: &str, queue: usize, batch: usize) -> Result<Batching, Refusal> {
    let max_queue_size = number(&format!("{prefix}_MAX_QUEUE_SIZE"))?.unwrap_or(queue).max(1);
    let max_export_batch_size =
        number(&format!("{prefix}_MAX_EXPORT_BATCH_SIZE"))?.unwrap_or(batch).clamp(1, max_queue_size);
    Ok(Batching { max_queue_size, max_export_batch_size })
}

fn check_what_the_sdk_reads() -> Result<(), Refusal> {
    for name in ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BLRP_SCHEDULE_DELAY", "OTEL_METRIC_EXPORT_INTERVAL"] {
        number::<u64>(name)?;
    }
    for signal in ["", "TRACES_", "METRICS_", "LOGS_"] {
        let name = format!("OTEL_EXPORTER_OTLP_{signal}ENDPOINT");
        let allowed = "an http:// or https:// address, such as http://localhost:4318";
        parsed(&name, allowed, |value| {
            Url::parse(value)
                .is_ok_and(|url| url.scheme().starts_with("http") && url.has_host())
                .then_some(())
        })?;
        exactly(&format!("OTEL_EXPORTER_OTLP_{signal}COMPRESSION"), "gzip")?;
    }
    let samplers = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];
    one_of("OTEL_TRACES_SAMPLER", &samplers)?;
    parsed("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", |value| {
        value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
    })?;
    Ok(())
}
