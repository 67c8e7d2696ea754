//! The span exporter.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use opentelemetry_http::{Bytes, Request};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::SpanData;
use url::Url;

use super::client::HttpClient;
use super::encode::{EncodedResource, encode_request};
use super::error::ExportError;
use super::response;
use super::retry::{Retries, RetryStop};

type ErrorHandler = Arc<dyn Fn(&ExportError) + Send + Sync>;

/// Where and how spans are sent.
#[derive(Clone, Debug)]
pub struct SpanExporterConfig {
    /// The whole URL, usually with the path `/v1/traces`.
    pub endpoint: Url,
    /// Sent with every request, for example an API key. Their values are never printed.
    pub headers: HeaderMap,
    /// How requests are compressed.
    pub compression: Compression,
    /// Time limit of one request, and for the start of the last retry: the export of a batch takes twice as long at most. If
    /// a retry got only what is left of one time limit, a receiver that has just recovered would take the batch, and the
    /// response would come too late: delivered, and counted as lost.
    pub timeout: Duration,
}

/// The compression of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed: the least CPU, for a receiver on the same machine or network.
    #[default]
    None,
    /// Compressed by gzip at its fastest level.
    Gzip,
}

/// Sends spans over OTLP/HTTP in protobuf.
///
/// It blocks the thread that it runs in, so it is for a processor with a thread of its own, such as the SDK's
/// `BatchSpanProcessor`. A batch is sent again up to 3 times if there was no response or its status was 429, 502, 503 or
/// 504, after the time in `Retry-After` (in seconds), else after a time that doubles.
pub struct SpanExporter {
    client: HttpClient,
    endpoint: String,
    headers: HeaderMap,
    compression: Compression,
    timeout: Duration,
    resource: EncodedResource,
    /// Memory for the next request.
    buffer: Mutex<Vec<u8>>,
    retry_stop: RetryStop,
    is_shut_down: AtomicBool,
    on_error: Option<ErrorHandler>,
}

impl SpanExporter {
    /// An exporter that sends with `client`.
    pub fn new(client: HttpClient, config: SpanExporterConfig) -> Self {
        let SpanExporterConfig { endpoint, mut headers, compression, timeout } = config;
        // So that `Debug` does not print them.
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let user_agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(user_agent));
        if compression == Compression::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self {
            client,
            endpoint: endpoint.into(),
            headers,
            compression,
            timeout,
            resource: EncodedResource::default(),
            buffer: Mutex::default(),
            retry_stop: RetryStop::default(),
            is_shut_down: AtomicBool::new(false),
            on_error: None,
        }
    }

    /// Calls `handler` once for each batch of which spans were lost, before `export` returns.
    ///
    /// A batch that the receiver rejects in part ([`ExportError::PartialSuccess`]) is exported successfully as far as the
    /// SDK is concerned. Without a handler, it is logged as a warning.
    #[must_use]
    pub fn on_error(mut self, handler: impl Fn(&ExportError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(handler));
        self
    }

    /// Ends this exporter's retries when the service shuts down.
    pub fn retry_stop(&self) -> RetryStop {
        self.retry_stop.clone()
    }

    fn send(&self, batch: &[SpanData]) -> Result<(), ExportError> {
        let buffer = std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner));
        let encoded = encode_request(batch, &self.resource, buffer);
        let body = match self.compression {
            Compression::None => Bytes::from(encoded),
            Compression::Gzip => {
                let compressed = gzip(&encoded).map_err(ExportError::Compress);
                self.keep_buffer(encoded);
                Bytes::from(compressed?)
            }
        };
        let result = self.send_with_retries(&body);
        // The client may still hold the body of a request that was cut off by its timeout.
        if self.compression == Compression::None && body.is_unique() {
            self.keep_buffer(body.into());
        }
        result
    }

    fn keep_buffer(&self, buffer: Vec<u8>) {
        *self.buffer.lock().unwrap_or_else(PoisonError::into_inner) = buffer;
    }

    fn send_with_retries(&self, body: &Bytes) -> Result<(), ExportError> {
        let started = Instant::now();
        let remaining = || self.timeout.saturating_sub(started.elapsed());
        let mut retries = Retries::default();
        loop {
            let error = match self.send_once(body.clone(), self.timeout) {
                Err(error) if error.is_retryable() => error,
                result => return result,
            };
            match retries.next_delay(error.retry_after()) {
                Some(delay) if delay < remaining() && self.retry_stop.wait(delay) => {}
                _ => return Err(error),
            }
        }
    }

    fn send_once(&self, body: Bytes, timeout: Duration) -> Result<(), ExportError> {
        let mut request = Request::post(&self.endpoint).body(body)?;
        *request.headers_mut() = self.headers.clone();
        response::check(self.client.send(request, Some(timeout))?)
    }

    fn report(&self, error: &ExportError) {
        match (&self.on_error, error) {
            (Some(on_error), error) => on_error(error),
            (None, ExportError::PartialSuccess { rejected_spans, message }) => {
                tracing::warn!(rejected.spans = rejected_spans, message, "OTLP receiver rejected spans");
            }
            // The SDK logs the error that `export` returns.
            (None, _) => {}
        }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for SpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.is_shut_down.load(Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let Err(error) = self.send(&batch) else { return Ok(()) };
        self.report(&error);
        match error {
            ExportError::PartialSuccess { .. } => Ok(()),
            error => Err(OTelSdkError::InternalFailure(error.to_string())),
        }
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.retry_stop.stop();
        match self.is_shut_down.swap(true, Ordering::Relaxed) {
            true => Err(OTelSdkError::AlreadyShutdown),
            false => Ok(()),
        }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.into();
    }
}

impl fmt::Debug for SpanExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("SpanExporter");
        fields.field("endpoint", &self.endpoint).field("headers", &self.headers);
        fields.field("compression", &self.compression).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
