//! `handson healthcheck`: asks `/healthz`, for containers that hold no shell and no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::config::Address;

/// Asks the service that listens at `address` on this machine.
///
/// # Errors
///
/// Where it does not answer 200 within 2 s, in words for people.
pub async fn ask(address: &Address) -> Result<(), String> {
    let host = match address.host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    };
    let url = format!("http://{}/healthz", std::net::SocketAddr::new(host, address.port));
    let client =
        reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().tls_certs_only([]).build();
    let answer = async { client?.get(&url).send().await?.error_for_status() };
    answer.await.map(drop).map_err(|error| format!("{url} is not healthy: {error}"))
}
