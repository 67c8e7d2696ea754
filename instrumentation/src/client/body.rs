//! The body of a response, which keeps the span of its call open until it has been read.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use reqwest::{Response, ResponseBuilderExt};

use super::call::Call;

/// The same response, with a body that ends `call` when it ends.
pub(super) fn until_read(response: Response, mut call: Call) -> Response {
    call.responded(response.status(), response.version());
    let url = response.url().clone();
    let (mut parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
    let body = reqwest::Body::wrap(CallBody { body, call: Some(call) });
    // reqwest keeps the URL of a response in a private extension, which only its builder can set. The builder
    // adds it to the existing extensions, because moving an extension from one map to another takes four
    // times as many instructions.
    let mut builder = http::Response::builder();
    if let Some(extensions) = builder.extensions_mut() {
        *extensions = std::mem::take(&mut parts.extensions);
    }
    if let Ok(with_url) = builder.url(url).body(()) {
        parts.extensions = with_url.into_parts().0.extensions;
    }
    http::Response::from_parts(parts, body).into()
}

pin_project! {
    struct CallBody {
        #[pin]
        body: reqwest::Body,
        // `None` once the body has ended.
        call: Option<Call>,
    }
}

impl Body for CallBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(task));
        match &frame {
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                if let Some(mut call) = this.call.take() {
                    call.failed_in_body(error);
                }
            }
            None => *this.call = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
