//! Evaluates the response of a receiver.

use std::time::Duration;

use http::header::RETRY_AFTER;
use opentelemetry_http::{Bytes, Response};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use super::error::ExportError;

/// Maximum number of characters of a receiver's reason that are kept.
const MAX_MESSAGE_LENGTH: usize = 500;

/// The body of a response with an error status, google/rpc/status.proto.
#[derive(Clone, PartialEq, prost::Message)]
struct ErrorStatus {
    #[prost(string, tag = "2")]
    message: String,
}

/// An error if the receiver did not accept everything.
pub(super) fn check(response: Response<Bytes>) -> Result<(), ExportError> {
    if response.status().is_success() {
        return check_partial_success(response.into_body());
    }
    // A body in another format, for example the HTML page of a proxy, is ignored.
    let message =
        ErrorStatus::decode(response.body().clone()).map(|status| status.message).unwrap_or_default();
    // The other form of Retry-After, a date, depends on both clocks, so it is ignored.
    let retry_after =
        response.headers().get(RETRY_AFTER).and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    Err(ExportError::Status {
        status: response.status(),
        message: shorten(&message),
        retry_after: retry_after.map(Duration::from_secs),
    })
}

fn check_partial_success(body: Bytes) -> Result<(), ExportError> {
    // The status shows that the receiver accepted the batch, so a body in another format is not a failure.
    // The response to an export of log records has the same fields.
    let response = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
    if rejected == 0 && partial.error_message.is_empty() {
        return Ok(());
    }
    Err(ExportError::PartialSuccess { rejected, message: shorten(&partial.error_message) })
}

fn shorten(message: &str) -> String {
    message.chars().take(MAX_MESSAGE_LENGTH).collect()
}
