//! The destination of telemetry: an OTLP/HTTP receiver that responds at once and keeps only counts.
//!
//! It uses blocking sockets and a thread for each of the few connections, so that it does as little work as
//! possible: it shares the machine with the services under test.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use otlp::Signal;

use crate::{Result, http1::Message};

/// The receiver. Each variant has its own address, so that its telemetry is counted separately without
/// decoding.
#[derive(Clone)]
pub struct Sink {
    origin: String,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    /// The counts by path, which is `/{variant}/v1/{signal}`.
    by_path: Mutex<HashMap<String, Count>>,
    decode: AtomicBool,
}

/// The telemetry received from one variant for one signal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Number of bytes of OTLP, uncompressed.
    pub bytes: u64,
    /// Number of spans, log records or metrics; 0 unless items are decoded.
    pub items: u64,
}

impl Sink {
    /// Listens on a free port of the loopback interface until this process ends.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self { origin: format!("http://{}", listener.local_addr()?), received: Arc::default() };
        let received = Arc::clone(&sink.received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(|stream| stream.ok()) {
                let received = Arc::clone(&received);
                thread::spawn(move || {
                    // This ends with an error when the service at the other end is killed, which is how all
                    // services end here.
                    if let Err(error) = serve(stream, &received)
                        && error.downcast_ref::<std::io::Error>().is_none()
                    {
                        eprintln!("overhead: the sink cannot read what it got: {error}");
                    }
                });
            }
        });
        Ok(sink)
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT` for `variant`.
    pub fn endpoint(&self, variant: &str) -> String {
        format!("{}/{variant}", self.origin)
    }

    /// Whether items are counted. Counting needs decoding, so it is off while CPU time is measured.
    pub fn decode(&self, decode: bool) {
        self.received.decode.store(decode, Ordering::Relaxed);
    }

    /// The telemetry that `variant` has sent for `signal` (`traces`, `metrics`, `logs`) since the last
    /// [`Sink::reset`].
    pub fn count(&self, variant: &str, signal: &str) -> Count {
        self.received.counts().get(&format!("/{variant}/v1/{signal}")).copied().unwrap_or_default()
    }

    /// Resets all counts.
    pub fn reset(&self) {
        self.received.counts().clear();
    }
}

impl Received {
    fn counts(&self) -> MutexGuard<'_, HashMap<String, Count>> {
        self.by_path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, path: &str, body: &[u8]) -> Result<()> {
        let items = if self.decode.load(Ordering::Relaxed) { items(path, body)? } else { 0 };
        let mut counts = self.counts();
        let count = counts.entry(path.to_owned()).or_default();
        count.bytes += body.len() as u64;
        count.items += items as u64;
        Ok(())
    }
}

/// Reads requests from one connection until the other end closes it.
fn serve(mut stream: TcpStream, received: &Received) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let message = loop {
            if let Some(message) = Message::parse(&buffer)? {
                break message;
            }
            match stream.read(&mut chunk)? {
                0 => return Ok(()),
                read => buffer.extend_from_slice(&chunk[..read]),
            }
        };
        let here = buffer.len();
        buffer.resize(message.len(), 0);
        stream.read_exact(&mut buffer[here..])?;
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n",
        )?;
        let (head, body) = buffer.split_at(message.head);
        let path = str::from_utf8(head)?.split(' ').nth(1).ok_or("a request line without a path")?;
        received.add(path, body)?;
        buffer.clear();
    }
}

/// Number of spans, metrics or log records in an export request to `path`.
fn items(path: &str, body: &[u8]) -> Result<usize> {
    let name = path.rsplit('/').next();
    let signal = Signal::ALL.into_iter().find(|signal| Some(signal.name()) == name);
    let signal = signal.ok_or_else(|| format!("{path} is not a path of OTLP/HTTP"))?;
    Ok(otlp::decode(signal, body)?.len())
}
