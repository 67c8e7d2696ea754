//! The client of httpbin.

use std::time::Duration;

use instrumentation::otlp::LoopbackBypass;
use reqwest_middleware::{ClientWithMiddleware, RequestBuilder};
use serde_json::json;
use url::Url;

use crate::error::{Error, ErrorKind, OrFail};

/// Calls httpbin.
pub struct Httpbin {
    client: ClientWithMiddleware,
    get: Url,
    post: Url,
    put: Url,
}

/// A client for the httpbin at `url`. Each call, including connecting, is limited by `timeout`. A local
/// httpbin is called directly, even if the environment has a proxy.
///
/// # Errors
///
/// `HttpbinError` if the client cannot be built.
pub fn client(url: &Url, timeout: Duration) -> Result<reqwest::Client, Error> {
    let client = reqwest::Client::builder().bypass_proxy_for_loopback();
    // Plain HTTP works without the system's certificates, which may be missing and take 3 ms to read.
    let client = if url.scheme() == "http" { client.tls_certs_only([]) } else { client };
    client
        .timeout(timeout)
        .user_agent(concat!("handson/", env!("CARGO_PKG_VERSION")))
        .build()
        .or_fail(ErrorKind::HttpbinError, "building the HTTP client")
}

impl Httpbin {
    /// Calls the httpbin at `url` with `client`.
    pub fn new(client: ClientWithMiddleware, url: &Url) -> Self {
        let endpoint = |name: &str| {
            let mut url = url.clone();
            // The URL of an HTTP server always has a path that can be extended, and `config` accepts no
            // other.
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().push(name);
            }
            url
        };
        Self { client, get: endpoint("get"), post: endpoint("post"), put: endpoint("put") }
    }

    /// `GET /get`.
    ///
    /// # Errors
    ///
    /// `HttpbinError` if no complete response with a status of success arrives in time.
    pub async fn get(&self) -> Result<(), Error> {
        call(self.client.get(self.get.clone())).await
    }

    /// `POST /post`.
    ///
    /// # Errors
    ///
    /// The same as for [`Self::get`].
    pub async fn post(&self) -> Result<(), Error> {
        call(self.client.post(self.post.clone()).json(&json!({ "hello": "httpbin" }))).await
    }

    /// `PUT /put`.
    ///
    /// # Errors
    ///
    /// The same as for [`Self::get`].
    pub async fn put(&self) -> Result<(), Error> {
        call(self.client.put(self.put.clone()).json(&json!({ "hello": "httpbin" }))).await
    }
}

async fn call(request: RequestBuilder) -> Result<(), Error> {
    // BEFORE errors: // TODO errors: record why a call failed, on the span of the call.
    // BEFORE errors: exchange(request).await
    // The span of the call stays open until this handle is dropped.
    let span = instrumentation::client::CallSpan::default();
    let outcome = exchange(request.with_extension(span.clone())).await;
    outcome.inspect_err(|error| span.record_exception(error))
}

async fn exchange(request: RequestBuilder) -> Result<(), Error> {
    let failed = ErrorKind::HttpbinError;
    let response = request.send().await.or_fail(failed, "calling httpbin")?;
    let response = response.error_for_status().or_fail(failed, "httpbin refuses")?;
    response.bytes().await.or_fail(failed, "reading httpbin's response")?;
    Ok(())
}
