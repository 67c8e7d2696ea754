//! What a program writes, line by line and within bounds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Lines of one run; 200 requests make a few hundred.
const MAX_LINES: usize = 200_000;
/// Bytes of one run.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Lines that are read while the program runs.
pub(super) struct Lines {
    read: Arc<Mutex<Read>>,
    /// How many lines were read; closed when the reader has ended.
    count: watch::Receiver<usize>,
    reader: JoinHandle<()>,
}

#[derive(Default)]
struct Read {
    lines: Vec<String>,
    bytes: usize,
    flooded: bool,
}

impl Lines {
    /// Reads `from` until its end, or until it is too much: then no more is read, and the writer must be killed.
    pub(super) fn of(from: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let read = Arc::new(Mutex::new(Read::default()));
        let shared = Arc::clone(&read);
        let (counter, count) = watch::channel(0);
        let reader = tokio::spawn(async move {
            let mut from = BufReader::new(tokio::io::AsyncReadExt::take(from, MAX_BYTES as u64));
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).await.is_ok_and(|bytes| bytes > 0) {
                let mut read = shared.lock().unwrap_or_else(PoisonError::into_inner);
                read.bytes += line.len();
                read.lines.push(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned());
                line.clear();
                counter.send_replace(read.lines.len());
                if read.lines.len() >= MAX_LINES || read.bytes >= MAX_BYTES {
                    read.flooded = true;
                    return;
                }
            }
        });
        Self { read, count, reader }
    }

    pub(super) fn flooded(&self) -> bool {
        self.read.lock().unwrap_or_else(PoisonError::into_inner).flooded
    }

    /// How many lines were read so far.
    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until a line from number `first` on satisfies `predicate`, but no longer than `timeout` or the last line.
    pub(super) async fn until(&self, first: usize, timeout: Duration, predicate: impl Fn(&str) -> bool) {
        let mut count = self.count.clone();
        let found = async {
            let mut next = first;
            loop {
                {
                    let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
                    if read.lines.iter().skip(next).any(|line| predicate(line)) {
                        return;
                    }
                    next = read.lines.len().max(first);
                }
                if count.changed().await.is_err() {
                    return;
                }
            }
        };
        // Without such a line the run goes on: the check then reports that it is missing.
        let _ = tokio::time::timeout(timeout, found).await;
    }

    /// Waits until no process holds the other end open.
    pub(super) async fn closed(&self) {
        let mut count = self.count.clone();
        while count.changed().await.is_ok() {}
    }

    /// The last lines so far.
    pub(super) fn tail(&self) -> String {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let from = read.lines.len().saturating_sub(8);
        read.lines[from..].join("\n")
    }

    /// All lines, once the writer has ended. (A process that inherited the pipe may hold it open: do not wait for it.)
    pub(super) async fn all(&mut self) -> Vec<String> {
        if tokio::time::timeout(Duration::from_secs(1), &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        std::mem::take(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner).lines)
    }
}
