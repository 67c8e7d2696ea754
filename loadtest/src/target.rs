//! The request that every iteration sends, and its destination.

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

/// A request that can be sent any number of times.
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
    /// A `GET` of `url`, which is an http:// or https:// URL.
    ///
    /// # Errors
    ///
    /// The URL cannot be requested, or the system's certificates are needed and cannot be read.
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

    /// The same with these headers, which replace default ones.
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

    /// The URL of the requests.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL without secrets: the values of query parameters that the semantic conventions list as secret
    /// are replaced. The option does not accept a user and password.
    pub(crate) fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The method of the requests.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Time limit of a request, connecting included.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The request, with an additional header.
    pub(crate) fn request(&self, header: Option<&(HeaderName, HeaderValue)>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request.headers_mut().extend(header.cloned().map(|(name, value)| (Some(name), value)));
        request
    }

    /// Opens a new connection.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let stream = self.connector.clone().call(self.address.clone()).await;
        let stream = stream.map_err(|error| Failure::new("connect", error.as_ref()))?;
        Connection::open(stream).await.map_err(|error| Failure::new("connect", &error))
    }
}

/// The connector. Plain HTTP works without the system's certificates, which may be missing in a container.
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
