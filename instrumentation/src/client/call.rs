//! One call: its span and its duration, from the request to the last byte of the response.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{StatusCode, Version};
use opentelemetry::metrics::{BoundHistogram, Histogram};
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute;

use crate::bound::Bound;
use crate::cause::root_cause;
use crate::exception::{self, Exception};
use crate::http_semconv;

/// A running call. When it is dropped, it ends the span, unless a [`CallSpan`] still holds it, and records
/// the duration.
pub(super) struct Call {
    pub(super) context: Context,
    pub(super) start: Instant,
    pub(super) metrics: Option<Arc<Metrics>>,
    pub(super) target: Target,
    pub(super) response: Option<(StatusCode, Version)>,
    /// `error.type`, if the call has failed.
    pub(super) error_type: Option<Cow<'static, str>>,
}

/// The called server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) method: &'static str,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
}

impl Target {
    /// The common attributes of span and metric.
    pub(super) fn attributes(&self) -> [KeyValue; 3] {
        [
            KeyValue::new(attribute::HTTP_REQUEST_METHOD, self.method),
            KeyValue::new(attribute::SERVER_ADDRESS, self.host.clone()),
            KeyValue::new(attribute::SERVER_PORT, i64::from(self.port)),
        ]
    }
}

/// The duration of calls.
pub(super) struct Metrics {
    duration: Histogram<f64>,
    /// Bound instruments for calls that have not failed.
    bound: Bound<(Target, StatusCode, Version), BoundHistogram<f64>>,
}

impl Metrics {
    pub(super) fn new(duration: Histogram<f64>) -> Self {
        Self { duration, bound: Bound::default() }
    }

    fn record(&self, call: &Call) {
        let seconds = call.start.elapsed().as_secs_f64();
        let attributes = || {
            let mut attributes = Vec::with_capacity(6);
            attributes.extend(call.target.attributes());
            if let Some((status, version)) = call.response {
                attributes.extend(response_attributes(status, version));
            }
            let error_type = call.error_type.clone();
            attributes.extend(error_type.map(|error_type| KeyValue::new(attribute::ERROR_TYPE, error_type)));
            attributes
        };
        match (call.response, &call.error_type) {
            (Some((status, version)), None) => {
                let key = (call.target.clone(), status, version);
                self.bound.record(key, || self.duration.bind(&attributes()), |bound| bound.record(seconds));
            }
            _ => self.duration.record(seconds, &attributes()),
        }
    }
}

fn response_attributes(status: StatusCode, version: Version) -> [KeyValue; 2] {
    [
        KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, i64::from(status.as_u16())),
        KeyValue::new(attribute::NETWORK_PROTOCOL_VERSION, http_semconv::protocol_version(version)),
    ]
}

impl Call {
    /// The head of the response has arrived.
    pub(super) fn responded(&mut self, status: StatusCode, version: Version) {
        self.response = Some((status, version));
        self.context.span().set_attributes(response_attributes(status, version));
        if status.as_u16() >= 400 {
            self.fail(status.as_str().to_owned().into(), "");
        }
    }

    /// There is no response.
    pub(super) fn failed_without_response(mut self, error: &reqwest_middleware::Error) {
        let error_type = match error {
            reqwest_middleware::Error::Reqwest(error) => error_type(error),
            reqwest_middleware::Error::Middleware(_) => "middleware",
        };
        self.fail(error_type.into(), &root_cause(error).to_string());
    }

    /// The body of the response broke off.
    pub(super) fn failed_in_body(&mut self, error: &reqwest::Error) {
        self.fail(error_type(error).into(), &root_cause(error).to_string());
    }

    fn fail(&mut self, error_type: Cow<'static, str>, description: &str) {
        let span = self.context.span();
        // The body of a 500 may also be incomplete. The SDK would then keep both error types on the span.
        if self.error_type.is_none() {
            span.set_attribute(KeyValue::new(attribute::ERROR_TYPE, error_type.clone()));
            self.error_type = Some(error_type);
        }
        span.set_status(Status::error(description.to_owned()));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(metrics) = &self.metrics {
            metrics.record(self);
        }
    }
}

/// `error.type` of a failure without a status code: one of a few known values.
fn error_type(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connect"
    } else if error.is_body() || error.is_decode() {
        "body"
    } else {
        "request"
    }
}

/// A handle to the span of a call, for a caller that records why the call failed.
///
/// Only the caller knows that a 404 is fine, or that half a body is an `HttpbinError`. Put a handle into the
/// request; the span then stays open until the handle is dropped. If a call is tried several times, the
/// handle has the last attempt.
///
/// ```
/// # use instrumentation::{client::CallSpan, exception::Exception};
/// # async fn call<E: Exception + From<reqwest_middleware::Error>>(client: reqwest_middleware::ClientWithMiddleware) -> Result<(), E> {
/// let span = CallSpan::default();
/// let response = client.get("http://httpbin.org/get").with_extension(span.clone()).send().await;
/// response.map_err(E::from).inspect_err(|error| span.record_exception(error))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct CallSpan(Arc<Mutex<Option<Context>>>);

impl CallSpan {
    pub(super) fn set(&self, context: &Context) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.clone());
    }

    /// Records `exception` on the span of the call: status Error, and one event `exception`. Does nothing if
    /// no call was made, or telemetry is off.
    pub fn record_exception(&self, exception: &impl Exception) {
        if let Some(context) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            exception::record_on(context, exception);
        }
    }
}
