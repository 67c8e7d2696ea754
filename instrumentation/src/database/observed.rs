//! Futures and streams of sqlx that are recorded.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use super::recorder::Recorder;
use super::recording::Recording;

/// A future or a stream, and the recording that ends with it.
pub(super) struct Observed<T> {
    inner: T,
    /// `None` after the end.
    recording: Option<Recording>,
}

impl<T> Observed<T> {
    pub(super) fn new(inner: T, recording: Recording) -> Self {
        Self { inner, recording: Some(recording) }
    }

    fn poll_inner<O>(&mut self, poll: impl FnOnce(&mut T) -> O) -> O {
        match &mut self.recording {
            Some(recording) => recording.poll(|| poll(&mut self.inner)),
            None => poll(&mut self.inner),
        }
    }

    fn fail(&mut self, error: &sqlx::Error) {
        if let Some(recording) = &mut self.recording {
            recording.fail(error);
        }
    }
}

/// Awaits `future`, which is the database's command `name`, like `COMMIT`. It is recorded if there is a
/// `recorder`.
pub(super) async fn recorded_command<T>(
    future: impl Future<Output = sqlx::Result<T>> + Send,
    recorder: Option<&Arc<Recorder>>,
    name: &'static str,
) -> sqlx::Result<T> {
    match recorder {
        Some(recorder) => {
            let future: BoxFuture<'_, _> = Box::pin(future);
            Observed::new(future, Recording::new(recorder.clone(), Some((name, None)))).await
        }
        None => future.await,
    }
}

impl<T> Future for Observed<BoxFuture<'_, sqlx::Result<T>>> {
    type Output = sqlx::Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.poll_inner(|future| future.as_mut().poll(context)));
        if let Err(error) = &result {
            self.fail(error);
        }
        self.recording = None;
        Poll::Ready(result)
    }
}

impl<T> Stream for Observed<BoxStream<'_, sqlx::Result<T>>> {
    type Item = sqlx::Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.poll_inner(|stream| stream.as_mut().poll_next(context)));
        match &item {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.fail(error),
            None => self.recording = None,
        }
        Poll::Ready(item)
    }
}
