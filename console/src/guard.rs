//! Who may call: programs and pages of this machine, and no foreign page in its browser.
//!
//! A page from elsewhere can make a browser send requests to this machine. By DNS rebinding it does so under a name of its
//! own, which `Host` tells; by a form or a script it does so with an `Origin` that is not ours.

use std::net::IpAddr;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

/// Scripts and styles from here, and nothing from elsewhere; nothing inline, so what telemetry holds is shown, never run.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Names, in addition to the usual ones, under which the console may be called.
#[derive(Debug, Clone, Default)]
pub struct Hosts(pub Vec<String>);

impl Hosts {
    /// Addresses, `localhost` and names without a dot cannot be a foreign site's: no public name is like that.
    fn allow(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<IpAddr>().is_ok()
            || !bare.contains('.')
            || bare.ends_with(".localhost")
            || bare == "host.docker.internal"
            || self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare))
    }
}

pub(super) fn guarded(router: Router, hosts: Hosts) -> Router {
    router.layer(from_fn_with_state(hosts, guard))
}

async fn guard(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    if let Err(why) = permitted(&hosts, &request) {
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With "no-referrer" a browser would hide the origin of our own forms, too.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn permitted(hosts: &Hosts, request: &Request) -> Result<(), String> {
    let headers = request.headers();
    // HTTP/2 has it in the target.
    let host = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    let Some(host) = host else { return Err("the request names no host".to_owned()) };
    if !hosts.allow(host.host()) {
        return Err(format!(
            "{:?} is no name of this machine; `--allow-host {}` allows it",
            host.host(),
            host.host()
        ));
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    match origin.split_once("://") {
        Some(("http" | "https", from)) if from == host.as_str() => Ok(()),
        _ => Err(format!("a page of {origin:?} may not send requests to {host}")),
    }
}

#[cfg(test)]
mod tests {
    use super::Hosts;

    #[test]
    fn only_names_of_this_machine_and_those_that_are_allowed_may_be_called() {
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
