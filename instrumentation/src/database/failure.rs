//! The attributes of a failed query.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use opentelemetry_semantic_conventions::attribute::{DB_RESPONSE_STATUS_CODE, ERROR_TYPE};

/// `error.type`, and `db.response.status_code` if the database has returned a code.
pub(super) fn attributes(error: &sqlx::Error) -> Vec<KeyValue> {
    match error.as_database_error().and_then(|error| error.code()).map(Cow::into_owned) {
        Some(code) => {
            vec![KeyValue::new(ERROR_TYPE, code.clone()), KeyValue::new(DB_RESPONSE_STATUS_CODE, code)]
        }
        None => vec![KeyValue::new(ERROR_TYPE, kind(error))],
    }
}

/// The name of the variant. The conventions use `_OTHER` for an error without a name of its own.
fn kind(error: &sqlx::Error) -> &'static str {
    use sqlx::Error;

    match error {
        Error::AnyDriverError(_) => "any_driver_error",
        Error::BeginFailed => "begin_failed",
        Error::ColumnDecode { .. } => "column_decode",
        Error::ColumnIndexOutOfBounds { .. } => "column_index_out_of_bounds",
        Error::ColumnNotFound(_) => "column_not_found",
        Error::Configuration(_) => "configuration",
        Error::Database(_) => "database",
        Error::Decode(_) => "decode",
        Error::Encode(_) => "encode",
        Error::InvalidArgument(_) => "invalid_argument",
        Error::InvalidSavePointStatement => "invalid_save_point_statement",
        Error::Io(_) => "io",
        Error::PoolClosed => "pool_closed",
        Error::PoolTimedOut => "pool_timed_out",
        Error::Protocol(_) => "protocol",
        Error::Tls(_) => "tls",
        Error::TypeNotFound { .. } => "type_not_found",
        Error::WorkerCrashed => "worker_crashed",
        _ => "_OTHER",
    }
}
