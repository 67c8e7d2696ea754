//! Real servers on free loopback ports, and requests to them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Serves `router` until the runtime ends.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = listener().await;
    let address = listener.local_addr().expect("a listener has an address");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// Accepts connections, reads the head of one request from each, writes `response` unchanged, and closes the
/// connection.
pub async fn serve_bytes(response: &'static str) -> SocketAddr {
    let listener = listener().await;
    let address = listener.local_addr().expect("a listener has an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("the client sends a whole request"));
            }
            stream.write_all(response.as_bytes()).await.expect("the client reads");
        }
    });
    address
}

/// An address on which nothing listens.
pub async fn closed() -> SocketAddr {
    listener().await.local_addr().expect("a listener has an address")
}

async fn listener() -> TcpListener {
    TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free")
}

/// A client without middleware. It ignores the proxy variables of the environment.
pub fn client() -> reqwest::Client {
    client_builder().build().expect("the client has no options that could fail")
}

/// The client's builder.
pub fn client_builder() -> reqwest::ClientBuilder {
    // This fails if another test of this process has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}

/// Sends `head` (lines without line ends) unchanged, and returns the response as text.
pub async fn send_lines(address: SocketAddr, head: &[&str]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    let text = format!("{}\r\nconnection: close\r\n\r\n", head.join("\r\n"));
    stream.write_all(text.as_bytes()).await.expect("the server reads");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("the server answers in UTF-8");
    response
}

/// Notifies when it is dropped, for example with the future of a handler.
pub struct NotifyOnDrop(pub Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}
