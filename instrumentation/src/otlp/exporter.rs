//! The exporters of spans and log records.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use opentelemetry_http::{Bytes, Request};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::SpanData;
use url::Url;

use super::client::HttpClient;
use super::encode::{EncodedItems, EncodedResource, encode_log_record, encode_span, scope_name};
use super::error::ExportError;
use super::response;
use super::retry::{Retries, RetryStop};

type ErrorHandler = Arc<dyn Fn(&ExportError) + Send + Sync>;

/// The destination and the format of requests with spans or log records.
#[derive(Clone, Debug)]
pub struct ExporterConfig {
    /// The complete URL, usually with the path `/v1/traces` or `/v1/logs`.
    pub endpoint: Url,
    /// Sent with every request, for example an API key. Their values are never printed.
    pub headers: HeaderMap,
    /// How requests are compressed.
    pub compression: Compression,
    /// Time limit of one request, and for the start of the last retry, so the export of a batch takes at most
    /// twice as long. If a retry got only the remaining time, a receiver that has just recovered might accept
    /// the batch and respond too late: the batch would be delivered, but counted as lost.
    pub timeout: Duration,
}

/// The compression of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not compressed: this needs the least CPU, for a receiver on the same machine or network.
    #[default]
    None,
    /// Compressed by gzip at its fastest level.
    Gzip,
}

/// Sends spans over OTLP/HTTP in protobuf.
///
/// It blocks its thread, so it is for a processor with a separate thread, such as the SDK's
/// `BatchSpanProcessor`. A batch is retried up to 3 times if there was no response or its status was 429,
/// 502, 503 or 504, after the time in `Retry-After` (in seconds), otherwise after a time that doubles.
#[derive(Debug)]
pub struct SpanExporter(Sender);

/// Sends log records over OTLP/HTTP in protobuf, in the same way as [`SpanExporter`] sends spans.
#[derive(Debug)]
pub struct LogRecordExporter(Sender);

/// What both exporters have in common.
pub(crate) struct Sender {
    client: HttpClient,
    /// The name of the items in log messages: `spans`.
    items: &'static str,
    endpoint: String,
    headers: HeaderMap,
    compression: Compression,
    timeout: Duration,
    resource: OnceLock<EncodedResource>,
    /// Memory for the next request.
    buffer: Mutex<Vec<u8>>,
    retry_stop: RetryStop,
    is_shut_down: AtomicBool,
    on_error: Option<ErrorHandler>,
}

impl SpanExporter {
    /// An exporter that sends with `client`.
    pub fn new(client: HttpClient, config: ExporterConfig) -> Self {
        Self(Sender::new(client, config, "spans"))
    }

    /// Calls `handler` once for each batch with lost spans, before `export` returns.
    ///
    /// A batch that the receiver rejects in part ([`ExportError::PartialSuccess`]) is exported successfully
    /// as far as the SDK is concerned. Without a handler, it is logged as a warning.
    #[must_use]
    pub fn on_error(self, handler: impl Fn(&ExportError) + Send + Sync + 'static) -> Self {
        Self(self.0.on_error(handler))
    }

    /// A handle that stops this exporter's retries when the service shuts down.
    pub fn retry_stop(&self) -> RetryStop {
        self.0.retry_stop()
    }
}

impl LogRecordExporter {
    /// An exporter that sends with `client`.
    pub fn new(client: HttpClient, config: ExporterConfig) -> Self {
        Self(Sender::new(client, config, "log records"))
    }

    /// Calls `handler` once for each batch with lost log records, as [`SpanExporter::on_error`] does.
    #[must_use]
    pub fn on_error(self, handler: impl Fn(&ExportError) + Send + Sync + 'static) -> Self {
        Self(self.0.on_error(handler))
    }

    /// A handle that stops this exporter's retries when the service shuts down.
    pub fn retry_stop(&self) -> RetryStop {
        self.0.retry_stop()
    }
}

impl Sender {
    pub(super) fn new(client: HttpClient, config: ExporterConfig, items: &'static str) -> Self {
        let ExporterConfig { endpoint, mut headers, compression, timeout } = config;
        // `Debug` does not print sensitive values.
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let user_agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(user_agent));
        if compression == Compression::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self {
            client,
            items,
            endpoint: endpoint.into(),
            headers,
            compression,
            timeout,
            resource: OnceLock::new(),
            buffer: Mutex::default(),
            retry_stop: RetryStop::default(),
            is_shut_down: AtomicBool::new(false),
            on_error: None,
        }
    }

    /// Calls `handler` once for each batch of which items were lost, before `export` returns.
    pub(super) fn on_error(mut self, handler: impl Fn(&ExportError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(handler));
        self
    }

    pub(super) fn retry_stop(&self) -> RetryStop {
        self.retry_stop.clone()
    }

    /// Sets who sends. Only the first call before the first export has an effect: a provider calls it once.
    pub(crate) fn set_resource(&self, resource: &Resource) {
        let _ = self.resource.set(resource.into());
    }

    /// Sends `items`.
    pub(crate) fn export(&self, items: EncodedItems) -> OTelSdkResult {
        if self.is_shut_down.load(Ordering::Relaxed) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let Err(error) = self.send(items) else { return Ok(()) };
        self.report(&error);
        match error {
            ExportError::PartialSuccess { .. } => Ok(()),
            error => Err(OTelSdkError::InternalFailure(error.to_string())),
        }
    }

    fn send(&self, items: EncodedItems) -> Result<(), ExportError> {
        let buffer = std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner));
        let encoded = items.encode_request(self.resource.get_or_init(EncodedResource::default), buffer);
        // The request has a copy of them.
        drop(items);
        let body = match self.compression {
            Compression::None => Bytes::from(encoded),
            Compression::Gzip => {
                let compressed = gzip(&encoded).map_err(ExportError::Compress);
                self.keep_buffer(encoded);
                Bytes::from(compressed?)
            }
        };
        let result = self.send_with_retries(&body);
        // After a timeout, the client may still hold the body of the request.
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
            (None, ExportError::PartialSuccess { rejected, message }) => {
                tracing::warn!(rejected, message, "OTLP receiver rejected {}", self.items);
            }
            // The SDK logs the error that `export` returns.
            (None, _) => {}
        }
    }

    fn shut_down(&self) -> OTelSdkResult {
        self.retry_stop.stop();
        match self.is_shut_down.swap(true, Ordering::Relaxed) {
            true => Err(OTelSdkError::AlreadyShutdown),
            false => Ok(()),
        }
    }
}

impl opentelemetry_sdk::trace::SpanExporter for SpanExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (mut items, mut buffer) = (EncodedItems::default(), Vec::new());
        for span in batch {
            buffer = encode_span(&span, buffer);
            items.add(span.instrumentation_scope.name(), &span.instrumentation_scope, &buffer);
        }
        self.0.export(items)
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.shut_down()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.resource = OnceLock::from(EncodedResource::from(resource));
    }
}

impl LogExporter for LogRecordExporter {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let (mut items, mut buffer) = (EncodedItems::default(), Vec::new());
        for (record, scope) in batch.iter() {
            buffer = encode_log_record(record, buffer);
            items.add(scope_name(record, scope), scope, &buffer);
        }
        self.0.export(items)
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.shut_down()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.resource = OnceLock::from(EncodedResource::from(resource));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Sender");
        fields.field("endpoint", &self.endpoint).field("headers", &self.headers);
        fields.field("compression", &self.compression).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}
