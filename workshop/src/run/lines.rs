//! Reads the output of a program line by line, up to a limit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Number of lines of one run; 200 requests write a few hundred.
const MAX_LINES: usize = 200_000;
/// Number of bytes of one run.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The lines of a program, read while it runs.
pub(super) struct Lines {
    read: Arc<Mutex<Read>>,
    /// The number of lines read; the channel is closed when the reader has ended.
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
    /// Reads `stream` until its end or a limit. After the limit nothing is read any more, so the program must
    /// be killed.
    pub(super) fn read(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let read = Arc::new(Mutex::new(Read::default()));
        let shared = Arc::clone(&read);
        let (counter, count) = watch::channel(0);
        let reader = tokio::spawn(async move {
            let mut reader = BufReader::new(tokio::io::AsyncReadExt::take(stream, MAX_BYTES as u64));
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).await.is_ok_and(|bytes| bytes > 0) {
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

    /// The number of lines read so far.
    pub(super) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until a line with at least the index `first` satisfies `predicate`, until `timeout`, or until
    /// the last line.
    pub(super) async fn wait_for_line(
        &self,
        first: usize,
        timeout: Duration,
        predicate: impl Fn(&str) -> bool,
    ) {
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
        // If there is no such line, the run continues, and the check reports that it is missing.
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

    /// All lines, after the program has ended. A process that inherited the pipe may keep it open, so this
    /// waits at most a second.
    pub(super) async fn all(&mut self) -> Vec<String> {
        if tokio::time::timeout(Duration::from_secs(1), &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        std::mem::take(&mut self.read.lock().unwrap_or_else(PoisonError::into_inner).lines)
    }
}
