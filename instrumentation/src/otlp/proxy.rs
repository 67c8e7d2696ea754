//! Uses the proxies of the environment, except for requests to this host.

use std::env;

use reqwest::{NoProxy, Proxy};

/// Hosts that a proxy on another machine cannot reach.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Excludes requests to this host from proxies.
///
/// reqwest sends them through `HTTP_PROXY` unless `NO_PROXY` contains `localhost` and the addresses. Without
/// that, a client behind a company's proxy cannot reach a service on its own machine.
pub trait LoopbackBypass: Sized {
    /// Uses the proxies of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, also in
    /// lower case), but never for `localhost`, 127.0.0.0/8 and ::1.
    #[must_use]
    fn bypass_proxy_for_loopback(self) -> Self {
        proxies().into_iter().fold(self, Self::with_proxy)
    }

    /// Adds one proxy.
    #[doc(hidden)]
    #[must_use]
    fn with_proxy(self, proxy: Proxy) -> Self;
}

impl LoopbackBypass for reqwest::ClientBuilder {
    fn with_proxy(self, proxy: Proxy) -> Self {
        self.proxy(proxy)
    }
}

impl LoopbackBypass for reqwest::blocking::ClientBuilder {
    fn with_proxy(self, proxy: Proxy) -> Self {
        self.proxy(proxy)
    }
}

/// The proxies that reqwest itself would use, with our exceptions: a client with an explicit proxy no longer
/// reads the environment. Empty if the environment has none.
fn proxies() -> Vec<Proxy> {
    // In a CGI program, HTTP_PROXY is the client's header `Proxy` (httpoxy), so reqwest does not use it,
    // either.
    if env::var_os("REQUEST_METHOD").is_some() {
        return Vec::new();
    }
    let exceptions =
        variable("NO_PROXY").map_or(LOOPBACK.to_owned(), |no_proxy| format!("{no_proxy},{LOOPBACK}"));
    let exceptions = NoProxy::from_string(&exceptions);
    // As in reqwest, an address that cannot be parsed counts as unset.
    let proxy = |name, build: fn(String) -> reqwest::Result<Proxy>| {
        let addresses = [variable(name), variable("ALL_PROXY")];
        addresses.into_iter().flatten().find_map(|address| build(address).ok())
    };
    [proxy("HTTP_PROXY", Proxy::http), proxy("HTTPS_PROXY", Proxy::https)]
        .into_iter()
        .flatten()
        .map(|proxy| proxy.no_proxy(exceptions.clone()))
        .collect()
}

/// A variable in upper case, otherwise in lower case.
fn variable(name: &str) -> Option<String> {
    env::var(name).or_else(|_| env::var(name.to_lowercase())).ok()
}
