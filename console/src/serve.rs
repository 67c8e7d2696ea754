//! Connections: how many there may be, and how long they may be idle.

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

/// Connections of one port. Each port has its own, so that senders cannot lock out the pages. Three ports stay below the usual limit of
/// 1,024 open files of a process.
const MAX_CONNECTIONS: usize = 256;
/// Time for the head of a request, and for a connection on which nothing moves. It is longer than the interval of most exporters' batches.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of the head of a request.
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// Bytes of one HTTP/2 stream, and of one connection, that are on their way.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 512 * 1024;
/// Time for a place to become free while all are in use.
const ACCEPT_TIMEOUT: Duration = Duration::from_millis(500);
/// Pause after the system could not accept a connection, such as for too many open files.
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
            Ok((stream, _)) => stream,
            // The connection that failed is gone, or there are too many files.
            Err(_) => {
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Without a place, the connection is closed: a client that waits for an answer would not know why.
        let place = timeout(ACCEPT_TIMEOUT, Arc::clone(&places).acquire_owned()).await;
        let Ok(Ok(place)) = place else { continue };
        let (builder, service) = (builder.clone(), TowerToHyperService::new(router.clone()));
        tokio::spawn(async move {
            // Whatever ends a connection is the client's business.
            let _ = builder.serve_connection(TokioIo::new(Active::new(stream)), service).await;
            drop(place);
        });
    }
}

/// A connection that fails if nothing was read or written for a time.
struct Active {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    /// When something was read or written last.
    active: Instant,
}

impl Active {
    fn new(stream: TcpStream) -> Self {
        Self { stream, deadline: Box::pin(sleep(IDLE_TIMEOUT)), active: Instant::now() }
    }

    /// Passes on a result of the stream; a pending one becomes an error when the time is over.
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
