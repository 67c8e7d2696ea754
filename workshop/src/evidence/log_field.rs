//! Fields of a log line.

use serde_json::Value;

/// The value of a field of a log line: `"dropped.spans": 1` and `"dropped": {"spans": 1}` are the same.
/// `None` if it is missing or null.
pub fn log_field<'a>(line: &'a Value, name: &str) -> Option<&'a Value> {
    let nested = || line.pointer(&format!("/{}", name.replace('.', "/")));
    line.get(name).or_else(nested).filter(|value| !value.is_null())
}
