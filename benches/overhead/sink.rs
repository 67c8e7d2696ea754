//! Where the telemetry goes: an OTLP/HTTP receiver that answers at once and keeps nothing but counts.
//!
//! Blocking sockets and a thread for each of the few connections: the least work that a receiver can be, because it
//! shares the machine with the services under test.

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

/// The receiver. Each variant has an address of its own, so that its telemetry is counted apart without decoding.
#[derive(Clone)]
pub struct Sink {
    origin: String,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    /// By path, which is `/{variant}/v1/{signal}`.
    by_path: Mutex<HashMap<String, Count>>,
    decode: AtomicBool,
}

/// What arrived from one variant for one signal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// Bytes of OTLP, uncompressed.
    pub bytes: u64,
    /// Spans, log records or metrics; zero as long as nothing is decoded.
    pub items: u64,
}

impl Sink {
    /// Listens on a free port of the loopback interface, for as long as this process lives.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let sink = Self { origin: format!("http://{}", listener.local_addr()?), received: Arc::default() };
        let received = Arc::clone(&sink.received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(|stream| stream.ok()) {
                let received = Arc::clone(&received);
                thread::spawn(move || {
                    // Ends with an error when the service at the other end is killed, which is how all of them end.
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

    /// Whether items are counted, which takes decoding: not while CPU time is measured.
    pub fn decode(&self, decode: bool) {
        self.received.decode.store(decode, Ordering::Relaxed);
    }

    /// What `variant` has sent for `signal` (`traces`, `metrics`, `logs`) since the last [`Sink::reset`].
    pub fn count(&self, variant: &str, signal: &str) -> Count {
        self.received.counts().get(&format!("/{variant}/v1/{signal}")).copied().unwrap_or_default()
    }

    /// Forgets all counts.
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

/// Reads requests off one connection until the other end closes it.
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
    let signal = signal.ok_or_else(|| format!("{path} is no path of OTLP/HTTP"))?;
    Ok(otlp::decode(signal, body)?.len())
}
