//! `GET /healthz`, and `handson healthcheck`, which requests it in containers that have no shell and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use instrumentation::otlp::LoopbackBypass;

use crate::config::Address;

/// Time limit of a health check.
const TIMEOUT: Duration = Duration::from_secs(2);

/// `router` with `GET /healthz`. Add it after the layers, so that health checks are neither traced nor
/// counted.
pub fn route(router: Router) -> Router {
    router.route("/healthz", get(|| async { "ok" }))
}

/// Requests `/healthz` of the service that listens at `address` on this machine.
///
/// # Errors
///
/// It does not respond with 200 within 2 s.
pub async fn request(address: &Address) -> anyhow::Result<()> {
    let host = match address.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let url = format!("http://{}/healthz", SocketAddr::new(host, address.port));
    let client = reqwest::Client::builder().timeout(TIMEOUT).bypass_proxy_for_loopback().tls_certs_only([]);
    let response = async { client.build()?.get(&url).send().await?.error_for_status() };
    response.await.with_context(|| format!("{url} is not healthy"))?;
    Ok(())
}
