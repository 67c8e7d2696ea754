//! Why a build failed, for the pages of the console.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::run::{self, RunError};

/// The first error of the compiler, otherwise of Cargo, otherwise what `error` contains.
///
/// The build that failed has already printed all errors to the terminal. This one requests them as JSON:
/// Cargo compiles only the crate that failed again.
pub(super) async fn first_error(folder: &Path, error: RunError) -> String {
    if !matches!(error, RunError::BuildFailed) {
        return error.seen().to_string();
    }
    let build = run::cargo_build(folder, "json").arg("--quiet").stderr(Stdio::piped()).output().await;
    let Ok(output) = build else { return error.seen().to_string() };
    let messages = String::from_utf8_lossy(&output.stdout);
    let first = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).find_map(rendered);
    let by_cargo = || {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if text.is_empty() { error.seen().to_string() } else { text }
    };
    first.unwrap_or_else(by_cargo)
}

/// The text of a message if it is an error of the compiler.
fn rendered(message: Value) -> Option<String> {
    let diagnostic = message.get("message").filter(|diagnostic| diagnostic["level"] == "error")?;
    Some(diagnostic["rendered"].as_str()?.trim_end().to_owned())
}
