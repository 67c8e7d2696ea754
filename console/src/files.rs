//! Files of OTLP/JSON, which are shown as if they had been sent.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use otlp::{DecodeError, Sink};
use serde_json::{Deserializer, Value};

use crate::Console;

/// Why a file cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", file.display())]
pub struct FileError {
    file: PathBuf,
    reason: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it has {0}, and --memory allows {1}")]
    TooLarge(ByteSize, ByteSize),
    #[error("value {0} is not JSON: {1}")]
    Json(usize, #[source] serde_json::Error),
    #[error("value {0} is not OTLP/JSON: {1}")]
    Otlp(usize, #[source] DecodeError),
}

/// Adds what a file contains: one JSON value, or one per line, as the Collector's file exporter writes them
/// and the console saves them. Returns a line that says what was added.
///
/// # Errors
///
/// The file cannot be read, is larger than `memory`, or contains something else. What stands before the error
/// was added.
pub fn open(console: &Console, file: &Path, memory: ByteSize) -> Result<String, FileError> {
    let failed = |reason| FileError { file: file.to_owned(), reason };
    let reader = reader(file, memory).map_err(failed)?;
    let (mut spans, mut log_records, mut metrics) = (0, 0, 0);
    let mut rejected = otlp::Rejected::default();
    for (index, json) in Deserializer::from_reader(reader).into_iter::<Value>().enumerate() {
        let json = json.map_err(|error| failed(Reason::Json(index + 1, error)))?;
        let telemetry = otlp::decode_json(json).map_err(|error| failed(Reason::Otlp(index + 1, error)))?;
        spans += telemetry.spans.len();
        log_records += telemetry.log_records.len();
        metrics += telemetry.metrics.len();
        rejected.extend(console.add(telemetry));
    }
    let file = file.display();
    let mut line = format!("{file}: {spans} spans, {log_records} log records, {metrics} metrics");
    if rejected.items > 0 {
        line += &format!("; {} items were rejected: {}", rejected.items, rejected.why);
    }
    Ok(line)
}

fn reader(file: &Path, memory: ByteSize) -> Result<BufReader<File>, Reason> {
    // Before it is opened, because opening a pipe waits for its writer.
    let metadata = fs::metadata(file)?;
    if !metadata.is_file() {
        return Err(Reason::NotAFile);
    }
    let size = ByteSize::b(metadata.len());
    if size > memory {
        return Err(Reason::TooLarge(size, memory));
    }
    Ok(BufReader::new(File::open(file)?))
}
