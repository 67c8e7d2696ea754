//! The `OTEL_*` variables that the Rust SDK does not read, and validation of those that it reads: the SDK
//! ignores an invalid value with a warning or silently, and telemetry would then be missing without any
//! error.
//!
//! Variables and defaults are those of
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/> and
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>. An empty variable counts as unset.

mod headers;
mod variables;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry_sdk::propagation::BaggagePropagator;
use url::Url;

use crate::trace_context::TraceContext;

pub use variables::InvalidVariable;
use variables::Variables;

/// A section about OpenTelemetry for the `--help` of a program that reads [`Settings`].
pub const HELP: &str = "\
OpenTelemetry, by its standard variables:
  OTEL_SDK_DISABLED=true                     turn all telemetry off
  OTEL_EXPORTER_OTLP_ENDPOINT                where telemetry is sent [default: http://localhost:4318; gRPC: http://localhost:4317]
  OTEL_EXPORTER_OTLP_PROTOCOL                http/protobuf (default) or grpc
  OTEL_EXPORTER_OTLP_HEADERS                 headers of each export, for example api-key=secret,tenant=shop
  OTEL_EXPORTER_OTLP_COMPRESSION             gzip or none (default)
  OTEL_EXPORTER_OTLP_TIMEOUT                 time limit of one export in ms [default: 10000]
      These five also per signal, for example OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  OTEL_{TRACES,METRICS,LOGS}_EXPORTER        otlp (default) or none
  OTEL_PROPAGATORS                           tracecontext,baggage (default) or none
  OTEL_TRACES_SAMPLER, _ARG                  parentbased_always_on (default), traceidratio, …
  OTEL_RESOURCE_ATTRIBUTES                   more attributes of this process
  OTEL_BSP_MAX_QUEUE_SIZE                    spans that may wait for export [default: 8192]; more are dropped and counted
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE, _SCHEDULE_DELAY (ms)   [default: 1024, 5000]
  OTEL_BLRP_MAX_QUEUE_SIZE, _MAX_EXPORT_BATCH_SIZE, _SCHEDULE_DELAY   the same for log records [default: 4096, 1024, 1000]
  OTEL_METRIC_EXPORT_INTERVAL (ms)           [default: 60000]

An empty variable counts as unset.";

/// The protocol of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over HTTP, binary protobuf.
    HttpProtobuf,
    /// OTLP over gRPC.
    Grpc,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpProtobuf => "http/protobuf",
            Self::Grpc => "grpc",
        })
    }
}

/// Whether and how one signal is exported.
#[derive(Debug, Clone)]
pub struct SignalSettings {
    /// Whether the signal is exported: `OTEL_{SIGNAL}_EXPORTER` is not `none`, and the SDK is not disabled.
    pub enabled: bool,
    /// `OTEL_EXPORTER_OTLP_{SIGNAL}_PROTOCOL`, otherwise the variable of all signals.
    pub protocol: Protocol,
    /// The complete address; for HTTP, with a path such as `/v1/traces`.
    pub endpoint: Url,
    /// Headers of each export.
    pub headers: HeaderMap,
    /// Whether exports are compressed by gzip.
    pub gzip: bool,
    /// Time limit of one export.
    pub timeout: Duration,
}

/// The maximum number of items in the queue and in one export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// Further items are dropped and counted.
    pub max_queue_size: usize,
    /// Number of items in one export.
    pub max_export_batch_size: usize,
    /// The maximum time that items of a batch that is not full wait.
    pub schedule_delay: Duration,
}

/// The validated settings of a process.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `OTEL_SDK_DISABLED=true`: no telemetry at all.
    pub disabled: bool,
    /// Spans.
    pub traces: SignalSettings,
    /// Metrics.
    pub metrics: SignalSettings,
    /// Log records.
    pub logs: SignalSettings,
    /// The queue of spans.
    pub span_batching: Batching,
    /// The queue of log records.
    pub log_batching: Batching,
    propagators: Vec<String>,
}

impl Settings {
    /// Reads and validates the environment of this process.
    ///
    /// # Errors
    ///
    /// The first variable with an invalid value.
    pub fn from_env() -> Result<Self, InvalidVariable> {
        Self::from_lookup(|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads and validates the variables that `lookup` returns.
    ///
    /// # Errors
    ///
    /// The first variable with an invalid value.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidVariable> {
        let variables = Variables::new(&lookup);
        let mut settings = Self {
            disabled: variables.one_of("OTEL_SDK_DISABLED", &["true", "false"])?.as_deref() == Some("true"),
            traces: signal(&variables, "TRACES", "v1/traces")?,
            metrics: signal(&variables, "METRICS", "v1/metrics")?,
            logs: signal(&variables, "LOGS", "v1/logs")?,
            // Larger than the SDK's 2048 and 512, so that nothing is lost while the exporter's thread waits
            // for a CPU on a saturated machine. A full queue of encoded spans takes about 2 MiB.
            span_batching: batching(&variables, "OTEL_BSP", 8192, 5000)?,
            log_batching: batching(&variables, "OTEL_BLRP", 4096, 1000)?,
            propagators: variables
                .list("OTEL_PROPAGATORS", &["tracecontext", "baggage", "none"])?
                .unwrap_or_else(|| vec!["tracecontext".to_owned(), "baggage".to_owned()]),
        };
        check_what_the_sdk_reads(&variables)?;
        if settings.disabled {
            for signal in [&mut settings.traces, &mut settings.metrics, &mut settings.logs] {
                signal.enabled = false;
            }
        }
        Ok(settings)
    }

    /// The propagator of `OTEL_PROPAGATORS`: it extracts and injects `traceparent`, `tracestate` and
    /// `baggage`.
    pub fn propagator(&self) -> TextMapCompositePropagator {
        let has = |name: &str| self.propagators.iter().any(|propagator| propagator == name);
        let mut propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        if has("tracecontext") {
            propagators.push(Box::new(TraceContext::default()));
        }
        if has("baggage") {
            propagators.push(Box::new(BaggagePropagator::new()));
        }
        TextMapCompositePropagator::new(propagators)
    }

    /// The destination of telemetry, for a log line: `http://localhost:4318 (http/protobuf)`, `off`, or
    /// `none`. It contains no password.
    pub fn destination(&self) -> String {
        if self.disabled {
            return "off".to_owned();
        }
        let mut places: Vec<String> = Vec::new();
        for signal in [&self.traces, &self.metrics, &self.logs] {
            let place = signal.destination();
            if signal.enabled && !places.contains(&place) {
                places.push(place);
            }
        }
        if places.is_empty() { "none".to_owned() } else { places.join(", ") }
    }
}

impl SignalSettings {
    /// `http://localhost:4318 (http/protobuf)`: without user and password, and without the signal's own path.
    fn destination(&self) -> String {
        let endpoint = masked(&self.endpoint);
        let base = ["/v1/traces", "/v1/metrics", "/v1/logs"]
            .iter()
            .find_map(|path| endpoint.strip_suffix(path))
            .unwrap_or(&endpoint);
        format!("{} ({})", base.trim_end_matches('/'), self.protocol)
    }
}

/// `url` as text, without user and password.
pub fn masked(url: &Url) -> String {
    let mut public = url.clone();
    // Both calls fail only for URLs without a host.
    let _ = public.set_username("");
    let _ = public.set_password(None);
    public.into()
}

/// `text` with `***` for the user and password of each URL in it: `http://***@collector:4318`.
pub fn mask_user_info(text: &str) -> Cow<'_, str> {
    if !text.contains("://") || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme_end) = rest.find("://").map(|index| index + 3) {
        let (before, after) = rest.split_at(scheme_end);
        masked.push_str(before);
        // The authority of a URL ends at a slash, a quote or white space; the last `@` in it is before the
        // host.
        let authority_end = after
            .find(|c: char| c.is_whitespace() || ['/', '?', '#', '\'', '"'].contains(&c))
            .unwrap_or(after.len());
        let (authority, following) = after.split_at(authority_end);
        match authority.rsplit_once('@') {
            Some((_, host)) => masked.extend(["***@", host]),
            None => masked.push_str(authority),
        }
        rest = following;
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// Over HTTP, the common endpoint is a base URL, and that of one signal is complete:
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp>.
fn signal(variables: &Variables<'_>, name: &str, path: &str) -> Result<SignalSettings, InvalidVariable> {
    let own = |option: &str| format!("OTEL_EXPORTER_OTLP_{name}_{option}");
    let all = |option: &str| format!("OTEL_EXPORTER_OTLP_{option}");

    let protocols = ["http/protobuf", "grpc"];
    let protocol = variables.one_of(&own("PROTOCOL"), &protocols)?;
    let protocol = match protocol.or(variables.one_of(&all("PROTOCOL"), &protocols)?).as_deref() {
        Some("grpc") => Protocol::Grpc,
        _ => Protocol::HttpProtobuf,
    };
    let base = variables.endpoint(&all("ENDPOINT"))?;
    let endpoint = match (variables.endpoint(&own("ENDPOINT"))?, protocol) {
        (Some(own), _) => own,
        (None, Protocol::Grpc) => base.map_or_else(|| variables::local_endpoint(4317), Ok)?,
        (None, Protocol::HttpProtobuf) => {
            let mut endpoint = base.map_or_else(|| variables::local_endpoint(4318), Ok)?;
            let base_path = endpoint.path().trim_end_matches('/').to_owned();
            endpoint.set_path(&format!("{base_path}/{path}"));
            endpoint
        }
    };
    let headers = headers::parse(variables, &own("HEADERS"))?;
    let headers_of_all = headers::parse(variables, &all("HEADERS"))?;
    let compressions = ["gzip", "none"];
    let compression = variables.one_of(&own("COMPRESSION"), &compressions)?;
    let compression = compression.or(variables.one_of(&all("COMPRESSION"), &compressions)?);
    let timeout = variables.number(&own("TIMEOUT"))?;
    let timeout = timeout.or(variables.number(&all("TIMEOUT"))?);
    let exporter = variables.one_of(&format!("OTEL_{name}_EXPORTER"), &["otlp", "none"])?;
    Ok(SignalSettings {
        enabled: exporter.as_deref() != Some("none"),
        protocol,
        endpoint,
        headers: headers.or(headers_of_all).unwrap_or_default(),
        gzip: compression.as_deref() == Some("gzip"),
        timeout: timeout.map_or(Duration::from_secs(10), Duration::from_millis),
    })
}

fn batching(
    variables: &Variables<'_>,
    prefix: &str,
    queue: usize,
    delay: u64,
) -> Result<Batching, InvalidVariable> {
    let size = |option: &str| variables.number::<usize>(&format!("{prefix}_{option}"));
    let max_queue_size = size("MAX_QUEUE_SIZE")?.unwrap_or(queue).max(1);
    let max_export_batch_size = size("MAX_EXPORT_BATCH_SIZE")?.unwrap_or(1024).clamp(1, max_queue_size);
    let name = format!("{prefix}_SCHEDULE_DELAY");
    let millis = variables.parsed_by_the_sdk(&name, "a whole number", |value| value.parse().ok())?;
    let schedule_delay = Duration::from_millis(millis.unwrap_or(delay).max(1));
    Ok(Batching { max_queue_size, max_export_batch_size, schedule_delay })
}

fn check_what_the_sdk_reads(variables: &Variables<'_>) -> Result<(), InvalidVariable> {
    let interval = "OTEL_METRIC_EXPORT_INTERVAL";
    variables.parsed_by_the_sdk(interval, "a whole number", |value| value.parse::<u64>().ok())?;
    let samplers = [
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ];
    let expected = variables::join_with_or(&samplers);
    variables.parsed_by_the_sdk("OTEL_TRACES_SAMPLER", &expected, |value| {
        samplers.contains(&value).then_some(())
    })?;
    variables.parsed_by_the_sdk("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", |value| {
        value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
    })?;
    Ok(())
}
