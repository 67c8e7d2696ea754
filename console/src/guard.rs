//! Decides which requests are accepted: those of programs and pages on this machine, but not those of foreign
//! pages in its browser.
//!
//! A page on another site can make a browser send requests to this machine. With DNS rebinding it uses its
//! own host name, which is in `Host`; with a form or a script the request has a foreign `Origin`.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, CorsLayer};

/// Only scripts and styles from this server, and nothing inline, so that code inside telemetry is shown and
/// never run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Host names, in addition to the usual ones, under which the console accepts requests.
#[derive(Debug, Clone, Default)]
pub struct Hosts(pub Vec<String>);

impl Hosts {
    /// IP addresses, `localhost` and names without a dot cannot belong to a foreign site, because no public
    /// name has this form.
    fn allow(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok()
            || !bare.contains('.')
            || bare.ends_with(".localhost")
            || bare == "host.docker.internal"
            || self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare))
    }
}

/// Who may send requests.
#[derive(Debug, Clone)]
struct Allowed {
    hosts: Hosts,
    origins: Vec<HeaderValue>,
}

/// The pages, which only their own origin may read.
pub(super) fn pages(router: Router, hosts: Hosts) -> Router {
    router.layer(from_fn_with_state(Allowed { hosts, origins: Vec::new() }, guard))
}

/// The routes of OTLP, to which pages of `origins` may also send. Their browsers ask first (a preflight of
/// CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>).
pub(super) fn otlp(router: Router, hosts: Hosts, origins: Vec<HeaderValue>) -> Router {
    let cors = CorsLayer::new()
        .allow_methods([Method::POST])
        // An SDK sends `content-type`, and what `OTEL_EXPORTER_OTLP_HEADERS` contains.
        .allow_headers(AllowHeaders::mirror_request())
        .allow_origin(origins.clone());
    let router = router.layer(from_fn_with_state(Allowed { hosts, origins: origins.clone() }, guard));
    if origins.is_empty() { router } else { router.layer(cors) }
}

async fn guard(State(allowed): State<Allowed>, request: Request, next: Next) -> Response {
    if let Err(why) = permitted(&allowed, &request) {
        return (StatusCode::FORBIDDEN, why.to_string()).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With "no-referrer" a browser would also hide the origin of our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a request is refused; its text is the body of the response.
#[derive(Debug, thiserror::Error)]
enum Forbidden {
    #[error("the request names no host")]
    NoHost,
    #[error("{0:?} is not a name of this machine; `--allow-host {0}` allows it")]
    Host(String),
    #[error("a page of {origin:?} may not send requests to {host}; `--allow-origin` allows it to send OTLP")]
    Origin { origin: String, host: Authority },
}

fn permitted(allowed: &Allowed, request: &Request) -> Result<(), Forbidden> {
    let headers = request.headers();
    // In HTTP/2 the host is in the target.
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let Some(host) = host else { return Err(Forbidden::NoHost) };
    if !allowed.hosts.allow(host.host()) {
        return Err(Forbidden::Host(host.host().to_owned()));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    if allowed.origins.contains(origin) {
        return Ok(());
    }
    let origin = origin.to_str().unwrap_or_default();
    match origin.split_once("://") {
        Some(("http" | "https", from)) if from == host.as_str() => Ok(()),
        _ => Err(Forbidden::Origin { origin: origin.to_owned(), host }),
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn only_local_and_allowed_host_names_are_accepted() {
        let hosts = Hosts(vec!["laptop.example".to_owned()]);
        for host in
            ["localhost", "127.0.0.1", "[::1]", "10.1.2.3", "console", "a.localhost", "Laptop.Example"]
        {
            assert!(hosts.allow(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "a.b"] {
            assert!(!hosts.allow(host), "{host}");
        }
    }
}
