//! The client of httpbin.

use std::time::Duration;

use http::Extensions;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, RequestBuilder};
use serde_json::json;
use url::Url;

use crate::error::{Error, ErrorKind, OrFail};

/// Calls httpbin.
pub struct Httpbin {
    client: ClientWithMiddleware,
    url: Url,
}

impl Httpbin {
    /// Calls the httpbin at `url`; each call may take `timeout`, connect included.
    ///
    /// # Errors
    ///
    /// `HttpbinError` where the client cannot be built.
    pub fn new(url: Url, timeout: Duration) -> Result<Self, Error> {
        let client = reqwest::Client::builder();
        // Plain HTTP does without the system's certificates, which may be missing, and take 3 ms to read.
        let client = if url.scheme() == "http" { client.tls_certs_only([]) } else { client };
        let client = client
            .timeout(timeout)
            .user_agent(concat!("handson/", env!("CARGO_PKG_VERSION")))
            .build()
            .or_fail(ErrorKind::HttpbinError, "building the HTTP client")?;

        let client = ClientBuilder::new(client);
        // TODO client-spans: add a middleware that makes a CLIENT span and sends its ids along.
        Ok(Self { client: client.build(), url })
    }

    /// `GET /get`.
    ///
    /// # Errors
    ///
    /// `HttpbinError` where no whole answer with a status of success comes in time.
    pub async fn get(&self) -> Result<(), Error> {
        self.call(self.client.get(self.path("get"))).await
    }

    /// `POST /post`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub async fn post(&self) -> Result<(), Error> {
        self.call(self.client.post(self.path("post")).json(&json!({ "hello": "httpbin" }))).await
    }

    /// `PUT /put`.
    ///
    /// # Errors
    ///
    /// As [`Self::get`].
    pub async fn put(&self) -> Result<(), Error> {
        self.call(self.client.put(self.path("put")).json(&json!({ "hello": "httpbin" }))).await
    }

    async fn call(&self, request: RequestBuilder) -> Result<(), Error> {
        // What a middleware keeps until the whole of the answer has been read: the span of this call, for one.
        let mut extensions = Extensions::new();
        let outcome = self.exchange(request, &mut extensions).await;
        drop(extensions);
        outcome
    }

    async fn exchange(&self, request: RequestBuilder, extensions: &mut Extensions) -> Result<(), Error> {
        let failed = ErrorKind::HttpbinError;
        let request = request.build().or_fail(failed, "building the request")?;
        let answer = self
            .client
            .execute_with_extensions(request, extensions)
            .await
            .or_fail(failed, "calling httpbin")?;
        let answer = answer.error_for_status().or_fail(failed, "httpbin refuses")?;
        answer.bytes().await.or_fail(failed, "reading httpbin's answer")?;
        Ok(())
    }

    fn path(&self, endpoint: &str) -> Url {
        let mut url = self.url.clone();
        // The URL of an http server always has a path to extend: `config` lets no other pass.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(endpoint);
        }
        url
    }
}
