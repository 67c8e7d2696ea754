//! The output of a program is written to a file of limited size.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::watch;

use super::lines::Stream;

/// Size of a file. A full one is renamed to `NAME.log.1`, and a new one is started.
const MAX_LOG_BYTES: u64 = 16 * 1024 * 1024;
/// Length of a line; a longer one is split.
const MAX_LINE_BYTES: u64 = 1024 * 1024;
/// Number of lines that are shown when the program fails.
const MAX_LAST_LINES: usize = 5;

/// Time to read the rest of the output after a program has ended.
const READ_TIMEOUT: Duration = Duration::from_millis(500);

/// The file, and the last lines of the output.
#[derive(Clone)]
pub(super) struct Output {
    inner: Arc<Mutex<Inner>>,
    /// Number of streams that are being read.
    open: watch::Sender<usize>,
}

struct Inner {
    path: PathBuf,
    file: File,
    bytes: u64,
    last: VecDeque<String>,
}

impl Output {
    /// Creates the file, or empties it.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let inner =
            Inner { path: path.to_owned(), file: File::create(path)?, bytes: 0, last: VecDeque::new() };
        Ok(Self { inner: Arc::new(Mutex::new(inner)), open: watch::Sender::new(0) })
    }

    /// Reads `from` until its end. Its lines also go to `stream`, if the console shows them.
    pub(super) fn follow(&self, from: impl AsyncRead + Unpin + Send + 'static, stream: Option<Stream>) {
        let output = self.clone();
        self.open.send_modify(|open| *open += 1);
        tokio::spawn(async move {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while (&mut from)
                .take(MAX_LINE_BYTES)
                .read_until(b'\n', &mut line)
                .await
                .is_ok_and(|bytes| bytes > 0)
            {
                output.add(&line);
                if let Some(stream) = &stream {
                    stream.add(&line);
                }
                line.clear();
            }
            output.open.send_modify(|open| *open -= 1);
        });
    }

    /// Waits until everything that the program wrote before its end was read.
    pub(super) async fn wait_until_read(&self) {
        // A child process that inherited the stream may keep it open.
        let mut open = self.open.subscribe();
        let _ = tokio::time::timeout(READ_TIMEOUT, open.wait_for(|open| *open == 0)).await;
    }

    fn add(&self, line: &[u8]) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.last.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
        if inner.last.len() > MAX_LAST_LINES {
            inner.last.pop_front();
        }
        inner.bytes += line.len() as u64;
        if inner.bytes > MAX_LOG_BYTES {
            let full = inner.path.with_added_extension("1");
            if fs::rename(&inner.path, full).is_ok()
                && let Ok(file) = File::create(&inner.path)
            {
                inner.file = file;
                inner.bytes = line.len() as u64;
            }
        }
        // A full disk must not end the program.
        let _ = inner.file.write_all(line);
    }

    /// The last lines.
    pub(super) fn last(&self) -> Vec<String> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).last.iter().cloned().collect()
    }
}
