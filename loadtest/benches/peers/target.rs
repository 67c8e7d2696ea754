//! The target of the generators: a server that responds at once and records when each request arrives.
//!
//! It has one thread and no HTTP library, so that it does as little work as possible: it shares the machine
//! with the generators.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net,
    runtime::Builder,
};

use crate::Result;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// The server, which runs as long as this process.
pub struct Target {
    pub url: String,
    arrivals: Arc<Arrivals>,
}

#[derive(Default)]
struct Arrivals(Mutex<Vec<Instant>>);

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target {
    /// Listens on a free port of the loopback interface.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}/", listener.local_addr()?);
        let arrivals = Arc::<Arrivals>::default();
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let shared = Arc::clone(&arrivals);
        thread::spawn(move || runtime.block_on(accept(listener, shared)));
        Ok(Self { url, arrivals })
    }

    /// Removes all recorded arrivals.
    pub fn reset(&self) {
        self.arrivals.lock().clear();
    }

    /// The time when the first request arrived.
    pub fn first_arrival(&self) -> Option<Instant> {
        self.arrivals.lock().first().copied()
    }

    /// The times of the requests that arrived between these two.
    pub fn arrivals(&self, from: Instant, to: Instant) -> Vec<Instant> {
        self.arrivals.lock().iter().filter(|at| (from..to).contains(at)).copied().collect()
    }
}

async fn accept(listener: TcpListener, arrivals: Arc<Arrivals>) -> Result<()> {
    let listener = net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // This ends with an error if a generator is killed, and some generators always end like that.
        tokio::spawn(serve(stream, Arc::clone(&arrivals)));
    }
}

/// Handles requests without a body, which all generators send.
async fn serve(mut stream: net::TcpStream, arrivals: Arc<Arrivals>) -> Result<()> {
    let mut buffer = Vec::with_capacity(4096);
    while stream.read_buf(&mut buffer).await? > 0 {
        let now = Instant::now();
        while let Some(end) = buffer.windows(END_OF_HEAD.len()).position(|window| window == END_OF_HEAD) {
            arrivals.lock().push(now);
            buffer.drain(..end + END_OF_HEAD.len());
            stream.write_all(ANSWER).await?;
        }
    }
    Ok(())
}
