//! A local httpbin: `/get`, `/post` and `/put` return the content of the request, in httpbin's own format.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use axum::extract::{ConnectInfo, OriginalUri, Query, State};
use axum::http::{HeaderMap, header};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use rand::RngExt;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use crate::error::{Error, ErrorKind, OrFail};
use crate::server;

/// A response of httpbin. Responses to requests with a body also have `data` and `json`.
#[derive(Serialize)]
struct Echo {
    args: BTreeMap<String, Value>,
    #[serde(flatten)]
    body: Option<Body>,
    headers: BTreeMap<String, String>,
    origin: String,
    url: String,
}

#[derive(Serialize)]
struct Body {
    data: String,
    json: Option<Value>,
}

/// The three routes, each of which delays its response by `delay`.
pub fn router(delay: RangeInclusive<Duration>) -> Router {
    Router::new()
        .route("/get", get(without_body))
        .route("/post", post(with_body))
        .route("/put", put(with_body))
        .with_state(delay)
}

/// Runs a local httpbin inside this process, on a free loopback port and without tracing, and returns its
/// address.
///
/// # Errors
///
/// `StartError` if there is no free port.
pub async fn embed() -> Result<Url, Error> {
    let starting = ErrorKind::StartError;
    let listener = server::listen(Ipv4Addr::LOCALHOST.into(), 0).await?;
    let address = listener.local_addr().or_fail(starting, "reading the port of the local httpbin")?;
    let url = Url::parse(&format!("http://{address}"))
        .or_fail(starting, "building the URL of the local httpbin")?;
    let router = router(Duration::ZERO..=Duration::ZERO);
    // It ends with the process, because the last request needs it.
    tokio::spawn(server::serve(listener, router, std::future::pending(), Duration::ZERO));
    Ok(url)
}

async fn without_body(State(delay): State<RangeInclusive<Duration>>, request: Received) -> Json<Echo> {
    wait(delay).await;
    Json(request.echo(None))
}

async fn with_body(
    State(delay): State<RangeInclusive<Duration>>,
    request: Received,
    data: String,
) -> Json<Echo> {
    wait(delay).await;
    let json = serde_json::from_str(&data).ok();
    Json(request.echo(Some(Body { data, json })))
}

async fn wait(delay: RangeInclusive<Duration>) {
    let delay = rand::rng().random_range(delay);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// A request without its body.
#[derive(axum::extract::FromRequestParts)]
struct Received {
    uri: OriginalUri,
    args: Query<Vec<(String, String)>>,
    headers: HeaderMap,
    client: ConnectInfo<SocketAddr>,
}

impl Received {
    fn echo(self, body: Option<Body>) -> Echo {
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let host = self.headers.get(header::HOST).map(text).unwrap_or_default();
        Echo {
            args: arguments(self.args.0),
            body,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (title_case(name.as_str()), text(value)))
                .collect(),
            origin: self.client.ip().to_string(),
            url: format!("http://{host}{}", *self.uri),
        }
    }
}

/// A name that occurs once has a string, a name that occurs more often has a list.
fn arguments(pairs: Vec<(String, String)>) -> BTreeMap<String, Value> {
    let mut arguments: BTreeMap<String, Value> = BTreeMap::new();
    for (name, value) in pairs {
        let value = Value::from(value);
        match arguments.get_mut(&name) {
            None => drop(arguments.insert(name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    arguments
}

/// `user-agent` in httpbin's form: `User-Agent`.
fn title_case(name: &str) -> String {
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}
