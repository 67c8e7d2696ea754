//! Converts `tracing` spans to OpenTelemetry's: `#[tracing::instrument]` on a function makes a span.

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

/// The layer of `tracing-opentelemetry` for the spans of the crate `name` and its modules, with that crate as
/// their scope.
///
/// - The filter is necessary: without it, the TRACE spans and events of hyper and other crates are enabled,
///   and a request costs three times as much.
/// - Events become log records (see [`crate::log_records`]), not events of a span.
/// - The attributes that `tracing-opentelemetry` adds to every span by default are either unknown to the
///   semantic conventions (`busy_ns`, `thread.id`, `target`) or contain the path of a build machine
///   (`code.file.path`), so they are switched off.
pub fn layer<S>(
    provider: &SdkTracerProvider,
    name: &'static str,
    version: &'static str,
) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let scope =
        InstrumentationScope::builder(name).with_version(version).with_schema_url(crate::SCHEMA_URL).build();
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer_with_scope(scope))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_level(false)
        .with_filter(
            Targets::new()
                .with_target(name, LevelFilter::INFO)
                .and(filter_fn(move |metadata| metadata.is_span() && is_within(metadata.target(), name))),
        )
}

/// `Targets` only compares the beginning, so a crate `shop_admin` would match `shop`.
fn is_within(target: &str, name: &str) -> bool {
    target.strip_prefix(name).is_some_and(|module| module.is_empty() || module.starts_with("::"))
}

/// The id of the current trace as 32 hex digits, for a response to a caller; `None` outside of a trace.
pub fn current_trace_id() -> Option<String> {
    opentelemetry::Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id().to_string())
    })
}
