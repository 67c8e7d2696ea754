//! Instrumentation scopes.

use super::Attributes;

/// The library that recorded the telemetry, with its version.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Its name, such as `handson-instrumentation`.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
    /// Keys and values.
    pub attributes: Attributes,
    /// The schema of the conventions that it follows; may be empty.
    pub schema_url: String,
}
