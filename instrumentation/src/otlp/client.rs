//! The HTTP client of all exporters.

use std::error::Error;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::{fmt, mem, panic};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpError, Request, Response};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use rustls::crypto::CryptoProvider;
use url::Url;

use super::proxy::LoopbackBypass;
use crate::cause::root_cause;

/// Maximum size of a response, as in the clients of `opentelemetry-http`.
const MAX_RESPONSE_SIZE: u64 = 4 * 1024 * 1024;

type ErrorHandler = Arc<dyn Fn(&SendError) + Send + Sync>;

/// A blocking HTTP client for the exporters of all three signals, which run in separate threads. Cloning is
/// cheap, and clones share their connections.
///
/// Every response is returned, with any status, because the exporter decides by the status whether to retry.
/// Redirects are not followed, because they would send API keys in headers to another host. The client is not
/// instrumented, because its spans would be exported and so cause more spans.
#[derive(Clone)]
pub struct HttpClient {
    client: Client,
    on_error: Option<ErrorHandler>,
}

/// Why the client could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpClientError {
    /// The process has no TLS provider, which every client needs.
    #[error(
        "no TLS provider is installed: call rustls::crypto::ring::default_provider().install_default() first"
    )]
    NoTlsProvider,
    /// The thread that builds the client could not be started.
    #[error("cannot start a thread to build the HTTP client")]
    Thread(#[source] io::Error),
    /// For example because the system's certificates cannot be read.
    #[error("cannot build the HTTP client")]
    Build(#[source] reqwest::Error),
}

/// Why a request got no response. The message contains the first cause, for example `Connection refused (os
/// error 111)`, but no URL, which may contain an API key.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The request could not be built, no connection could be established, the connection was lost, or the
    /// timeout was reached.
    Request(reqwest::Error),
    /// The response was incomplete.
    Response(io::Error),
    /// The response is larger than 4 MiB.
    ResponseTooLarge,
}

impl HttpClient {
    /// Builds a client for `endpoints`; `timeout` is for one request with its response.
    ///
    /// The system's certificates are read only if an endpoint's scheme is `https`, because reading them takes
    /// milliseconds, and small containers have none. Proxies are used as described for [`LoopbackBypass`].
    /// May be called from async code.
    pub fn new<'a>(
        endpoints: impl IntoIterator<Item = &'a Url>,
        timeout: Duration,
    ) -> Result<Self, HttpClientError> {
        if CryptoProvider::get_default().is_none() {
            return Err(HttpClientError::NoTlsProvider);
        }
        let builder = Client::builder().timeout(timeout).redirect(Policy::none()).bypass_proxy_for_loopback();
        let needs_certificates = endpoints.into_iter().any(|endpoint| endpoint.scheme() == "https");
        let builder = if needs_certificates { builder } else { builder.tls_certs_only([]) };
        // A blocking client starts its own runtime, which panics in a thread that runs async code.
        let client = thread::scope(|scope| {
            let thread = thread::Builder::new().spawn_scoped(scope, || builder.build());
            let built = thread.map_err(HttpClientError::Thread)?.join();
            built.unwrap_or_else(|cause| panic::resume_unwind(cause)).map_err(HttpClientError::Build)
        })?;
        Ok(Self { client, on_error: None })
    }

    /// Calls `handler` for each request of an exporter of `opentelemetry-otlp` that gets no response, because
    /// these exporters report only "network error". [`SpanExporter`](super::SpanExporter) has its own
    /// handler.
    #[must_use]
    pub fn on_error(mut self, handler: impl Fn(&SendError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(handler));
        self
    }

    /// Sends `request`. `timeout` replaces the client's own timeout.
    pub(super) fn send(
        &self,
        request: Request<Bytes>,
        timeout: Option<Duration>,
    ) -> Result<Response<Bytes>, SendError> {
        let mut request = reqwest::blocking::Request::try_from(request)?;
        if timeout.is_some() {
            *request.timeout_mut() = timeout;
        }
        let mut received = self.client.execute(request)?;
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = received.status();
        *response.headers_mut() = mem::take(received.headers_mut());
        let mut body = Vec::new();
        received.take(MAX_RESPONSE_SIZE + 1).read_to_end(&mut body).map_err(SendError::Response)?;
        if body.len() as u64 > MAX_RESPONSE_SIZE {
            return Err(SendError::ResponseTooLarge);
        }
        *response.body_mut() = body.into();
        Ok(response)
    }
}

#[async_trait]
impl opentelemetry_http::HttpClient for HttpClient {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.send(request, None);
        if let (Err(error), Some(on_error)) = (&response, &self.on_error) {
            on_error(error);
        }
        Ok(response?)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("client", &self.client).finish_non_exhaustive()
    }
}

impl SendError {
    /// Whether the same request may get a response later.
    pub(super) fn is_retryable(&self) -> bool {
        match self {
            Self::Request(error) => !error.is_builder(),
            Self::Response(_) => true,
            Self::ResponseTooLarge => false,
        }
    }
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(error.without_url())
    }
}

impl Error for SendError {}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "{}", root_cause(error)),
            Self::Response(error) => write!(f, "{}", root_cause(error)),
            Self::ResponseTooLarge => write!(f, "the response is larger than 4 MiB"),
        }
    }
}
