//! Proxies from the environment. Each test runs in a separate process, because the environment belongs to a
//! process.

use std::env;
use std::time::Duration;

use instrumentation::otlp::LoopbackBypass;
use reqwest::StatusCode;

use crate::child;
use crate::server::{Reply, Server};

/// The variable with the URL of the loopback service that the child process must reach.
const SERVICE: &str = "TEST_SERVICE";

/// The status of the proxy's responses, which distinguishes them from the service's.
const FROM_PROXY: u16 = 407;

#[test]
fn requests_to_loopback_do_not_go_through_the_proxy() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let (proxy, service) = (Server::start(vec![Reply::status(FROM_PROXY); 9]), Server::start([]));
        let child = run("proxy::child_requests_loopback", &[(variable, &proxy), (SERVICE, &service)], "");
        assert_eq!(service.rest().len(), 4, "{variable}: requests at the service. {child}");
        assert!(proxy.rest().is_empty(), "{variable}: the proxy got a request. {child}");
    }
}

#[test]
#[ignore = "runs in the process that the test above starts"]
fn child_requests_loopback() {
    let service = env::var(SERVICE).expect("the service's URL");
    let port = service.rsplit(':').next().expect("a port");
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{port}");
        assert_eq!(blocking_status(&url), Some(StatusCode::OK), "blocking client, {url}");
        assert_eq!(async_status(&url), Some(StatusCode::OK), "async client, {url}");
    }
    // Nothing listens there, and some machines have no IPv6. The proxy must not receive these requests,
    // either.
    for host in ["[::1]", "127.9.9.9"] {
        assert_ne!(blocking_status(&format!("http://{host}:1")).map(u16::from), Some(FROM_PROXY), "{host}");
    }
}

#[test]
fn requests_to_other_hosts_go_through_the_proxy_unless_no_proxy_names_them() {
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let proxy = Server::start(vec![Reply::status(FROM_PROXY); 9]);
        let child = run("proxy::child_requests_other_hosts", &[(variable, &proxy)], "direct.invalid");
        let lines: Vec<_> = proxy.rest().into_iter().map(|request| request.request_line).collect();
        assert_eq!(lines, ["GET http://proxied.invalid/ HTTP/1.1"; 2], "{variable}: {child}");
    }
}

#[test]
#[ignore = "runs in the process that the test above starts"]
fn child_requests_other_hosts() {
    let proxied = "http://proxied.invalid/";
    assert_eq!(blocking_status(proxied).map(u16::from), Some(FROM_PROXY), "blocking client");
    assert_eq!(async_status(proxied).map(u16::from), Some(FROM_PROXY), "async client");
    assert_eq!(blocking_status("http://direct.invalid/"), None, "a host without an address");
}

#[test]
fn a_proxy_address_that_cannot_be_parsed_is_ignored() {
    let service = Server::start([]);
    let mut child = child("proxy::child_requests_loopback");
    child.env("HTTP_PROXY", "::").env(SERVICE, format!("http://{}", service.address()));
    assert!(child.output().expect("the child process runs").status.success());
}

/// Runs one ignored test of this program, with servers in its variables, and returns its output.
fn run(test: &str, servers: &[(&str, &Server)], no_proxy: &str) -> String {
    let mut child = child(test);
    for (variable, server) in servers {
        child.env(variable, format!("http://{}", server.address()));
    }
    let output = child.env("NO_PROXY", no_proxy).output().expect("the child process runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{test} failed:\n{printed}");
    printed
}

fn blocking_status(url: &str) -> Option<StatusCode> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::blocking::Client::builder().bypass_proxy_for_loopback();
    let client = client.timeout(Duration::from_secs(10)).build().expect("the client is built");
    client.get(url).send().ok().map(|response| response.status())
}

fn async_status(url: &str) -> Option<StatusCode> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().bypass_proxy_for_loopback();
    let client = client.timeout(Duration::from_secs(10)).build().expect("the client is built");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { client.get(url).send().await }).ok().map(|response| response.status())
}
