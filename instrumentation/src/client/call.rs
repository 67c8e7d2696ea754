//! One call: its span and its duration, from the request to the last byte of the response.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use http::{StatusCode, Version};
use opentelemetry::metrics::Histogram;
use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_semantic_conventions::attribute;

use crate::exception::{self, Exception};
use crate::http_semconv;

/// A call that is under way. Dropping it ends the span, unless a [`CallSpan`] still holds it, and records the duration.
pub(super) struct Call {
    pub(super) context: Context,
    pub(super) start: Instant,
    /// The histogram, and the attributes that are known so far.
    pub(super) metric: Option<(Histogram<f64>, Vec<KeyValue>)>,
    /// Whether `error.type` is set.
    pub(super) has_failed: bool,
}

impl Call {
    /// The head of the response has arrived.
    pub(super) fn responded(&mut self, status: StatusCode, version: Version) {
        let status_code = i64::from(status.as_u16());
        self.add(KeyValue::new(attribute::HTTP_RESPONSE_STATUS_CODE, status_code));
        self.add(http_semconv::protocol_version(version));
        if status.as_u16() >= 400 {
            self.fail(status.as_str().to_owned(), "");
        }
    }

    /// There is no response.
    pub(super) fn failed_without_response(mut self, error: &reqwest_middleware::Error) {
        let error_type = match error {
            reqwest_middleware::Error::Reqwest(error) => error_type(error),
            reqwest_middleware::Error::Middleware(_) => "middleware",
        };
        self.fail(error_type.to_owned(), &innermost(error));
    }

    /// The body of the response broke off.
    pub(super) fn failed_in_body(&mut self, error: &reqwest::Error) {
        self.fail(error_type(error).to_owned(), &innermost(error));
    }

    fn fail(&mut self, error_type: String, description: &str) {
        // The body of a 500 may break off, too. The SDK would keep both types on the span.
        if !self.has_failed {
            self.has_failed = true;
            self.add(KeyValue::new(attribute::ERROR_TYPE, error_type));
        }
        self.context.span().set_status(Status::error(description.to_owned()));
    }

    fn add(&mut self, attribute: KeyValue) {
        if let Some((_, attributes)) = &mut self.metric {
            attributes.push(attribute.clone());
        }
        self.context.span().set_attribute(attribute);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some((duration, attributes)) = &self.metric {
            duration.record(self.start.elapsed().as_secs_f64(), attributes);
        }
    }
}

/// `error.type` of a failure that is no status code: few values, all of them known.
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

/// "Connection refused" says more than "error sending request".
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A handle of the span of a call, for a caller that records why the call failed.
///
/// Only the caller knows that a 404 is fine, or that half a body is an `HttpbinError`. Put a handle into the request; the span
/// then stays open until the handle is dropped. If a call is tried several times, the handle has the last attempt.
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

    /// Records `exception` on the span of the call: status Error, and one event `exception`. Does nothing if no call was made,
    /// or telemetry is off.
    pub fn record_exception(&self, exception: &impl Exception) {
        if let Some(context) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            exception::record_on(context, exception);
        }
    }
}
