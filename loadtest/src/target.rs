//! The request that every iteration sends, and where to.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;
use url::Url;

use crate::connection::Connection;
use crate::iteration::Failure;

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    public_url: String,
    address: Uri,
    method: Method,
    path: Uri,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
    connector: HttpsConnector<HttpConnector>,
}

impl Target {
    /// `GET` of `url`, an address by http or https.
    ///
    /// # Errors
    ///
    /// Where the URL cannot be called, or the system's certificates cannot be read and are needed.
    pub fn new(url: Url, timeout: Duration) -> io::Result<Self> {
        let address: Uri = url.as_str().parse().map_err(io::Error::other)?;
        let path = address.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = HeaderMap::new();
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        headers.insert(HOST, HeaderValue::from_str(host).map_err(io::Error::other)?);
        let agent = concat!("loadtest/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        Ok(Self {
            path: path.parse().map_err(io::Error::other)?,
            connector: connector(url.scheme() == "https")?,
            method: Method::GET,
            body: Bytes::new(),
            public_url: without_secrets(&url),
            url,
            address,
            headers,
            timeout,
        })
    }

    /// The same with another method.
    pub fn with_method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The same with these headers; they win over those that it sets itself.
    pub fn with_headers(mut self, headers: &[(HeaderName, HeaderValue)]) -> Self {
        for (name, _) in headers {
            self.headers.remove(name);
        }
        for (name, value) in headers {
            self.headers.append(name, value.clone());
        }
        self
    }

    /// The same with a body.
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// Where requests go.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where requests go, as others may read it: without the values of query parameters that are secrets by the semantic
    /// conventions. User and password are refused as options.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The method of the requests.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// How long a request may take, connecting included.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The request, with one header more.
    pub(crate) fn request(&self, header: Option<&(HeaderName, HeaderValue)>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(header.cloned().map(|(name, value)| (Some(name), value)));
        request
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let stream = self.connector.clone().call(self.address.clone()).await;
        let stream = stream.map_err(|error| Failure::new("connect", error.as_ref()))?;
        Connection::open(stream).await.map_err(|error| Failure::new("connect", &error))
    }
}

/// Plain HTTP does without the system's certificates, which a container may lack.
fn connector(secure: bool) -> io::Result<HttpsConnector<HttpConnector>> {
    let tls = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let tls =
        if secure { tls.with_native_roots()? } else { tls.with_root_certificates(RootCertStore::empty()) };
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    Ok(HttpsConnectorBuilder::new()
        .with_tls_config(tls.with_no_client_auth())
        .https_or_http()
        .enable_http1()
        .wrap_connector(http))
}

fn without_secrets(url: &Url) -> String {
    const SECRETS: [&str; 4] = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"];
    let Some(query) = url.query() else { return url.to_string() };
    let parameters = query.split('&').map(|parameter| match parameter.split_once('=') {
        Some((name, _)) if SECRETS.contains(&name) => format!("{name}=REDACTED"),
        _ => parameter.to_owned(),
    });
    let mut public = url.clone();
    public.set_query(Some(&parameters.collect::<Vec<_>>().join("&")));
    public.to_string()
}
