//! Instrumentation scopes.

use super::Attributes;

/// The library, and its version, whose code made the telemetry.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Its name, such as `handson-instrumentation`.
    pub name: String,
    /// Its version; may be empty.
    pub version: String,
    /// Keys and values.
    pub attributes: Attributes,
    /// The conventions that it follows; may be empty.
    pub schema_url: String,
}
