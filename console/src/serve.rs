//! Limits the number of connections and their idle time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// Maximum number of connections on one port. Each port has its own limit, so that senders cannot block the
/// pages. Three ports stay below the usual limit of 1,024 open files per process.
const MAX_CONNECTIONS: usize = 256;
/// Time for the head of a request, and for a connection without any transfer. It is longer than the interval
/// of most exporters.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum size of the head of a request in bytes.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// HTTP/2 flow-control windows of a stream and of a connection, in bytes.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 512 * 1024;
/// Time for another connection to close if the maximum is reached.
const ACCEPT_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause after the system could not accept a connection, for example because of too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` over HTTP/1 and HTTP/2 until the process ends.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => {
                // Without it, the end of an answer may wait for an acknowledgement, which takes 40 ms.
                let _ = stream.set_nodelay(true);
                stream
            }
            // Either this connection failed, or there are too many open files.
            Err(_) => {
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // If the maximum is still reached, the connection is closed, because a waiting client would not know
        // why.
        let place = timeout(ACCEPT_TIMEOUT, Arc::clone(&places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { continue };
        let (builder, service) = (builder.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            // An error of the connection is reported to the client only.
            let _ = builder.serve_connection(TokioIo::new(Active::new(stream)), service).await;
            drop(place);
        });
    }
}

/// A connection that fails after some time without any read or write.
struct Active {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    /// The time of the last read or write.
    active: Instant,
}

impl Active {
    fn new(stream: TcpStream) -> Self {
        Self { stream, deadline: Box::pin(sleep(IDLE_TIMEOUT)), active: Instant::now() }
    }

    /// Returns the result of the stream. A pending one becomes an error when the time is over.
    fn watch<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.active = Instant::now();
            return result;
        }
        loop {
            ready!(self.deadline.as_mut().poll(context));
            let deadline = self.active + IDLE_TIMEOUT;
            if deadline <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.deadline.as_mut().reset(deadline);
        }
    }
}

impl AsyncRead for Active {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, result)
    }
}

impl AsyncWrite for Active {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.watch(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
