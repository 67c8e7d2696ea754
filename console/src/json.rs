//! JSON as the body of a response. It is serialized while it is sent, because that of a large trace would
//! need as much memory as the store.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;

/// Number of bytes that are sent at once.
const CHUNK: usize = 64 * 1024;
/// Maximum number of chunks that wait for the client.
const MAX_WAITING: usize = 4;
/// Time for the client to accept a chunk. A slow client must not keep the data of the view in memory.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(10);

/// The JSON of `view`.
pub(crate) fn body(view: impl Serialize + Send + 'static) -> Body {
    stream(move |writer| serde_json::to_writer(writer, &view).map_err(io::Error::from))
}

/// The JSON of each value on a line of its own.
pub(crate) fn lines<T: Serialize>(values: impl Iterator<Item = T> + Send + 'static) -> Body {
    stream(move |writer| {
        for value in values {
            serde_json::to_writer(&mut *writer, &value)?;
            writer.write_all(b"\n")?;
        }
        Ok(())
    })
}

fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static) -> Body {
    let (sender, receiver) = channel(MAX_WAITING);
    let runtime = Handle::current();
    spawn_blocking(move || {
        let chunks = Chunks { sender: sender.clone(), runtime: runtime.clone() };
        let mut chunks = BufWriter::with_capacity(CHUNK, chunks);
        if let Err(error) = write(&mut chunks).and_then(|()| chunks.flush()) {
            // Dropping the writer would send its remaining bytes, and wait for the client again.
            drop(chunks.into_parts());
            // The error ends the response early, so that the client does not consider it complete. The client
            // may already be gone.
            let _ = runtime.block_on(timeout(CHUNK_TIMEOUT, sender.send(Err(error))));
        }
    });
    Body::from_stream(ReceiverStream::new(receiver))
}

struct Chunks {
    sender: Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(CHUNK)];
        let chunk = Bytes::copy_from_slice(bytes);
        match self.runtime.block_on(timeout(CHUNK_TIMEOUT, self.sender.send(Ok(chunk)))) {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
