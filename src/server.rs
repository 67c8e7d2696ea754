//! Listens, and drains: no request is left without a response at the end.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::error::{Error, ErrorKind, OrFail};

/// Listens on `host` and `port`; port 0 uses a free one.
///
/// # Errors
///
/// `StartError` if the port is taken, or the address does not belong to this machine.
pub async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address).await.or_fail(ErrorKind::StartError, format_args!("listening on {address}"))
}

/// Serves until `stop`; then accepts no more requests, and waits up to `grace_period` for running ones.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
    grace_period: Duration,
) -> io::Result<()> {
    // A response is one small packet, so it is sent without delay.
    let listener = listener.tap_io(|connection| {
        // If this fails, the response is only sent later.
        let _ = connection.set_nodelay(true);
    });
    let (stopping, mut stopped) = watch::channel(());
    let stop = async move {
        stop.await;
        let _ = stopping.send(());
    };
    let server = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop);
    let out_of_time = async {
        let _ = stopped.changed().await;
        tokio::time::sleep(grace_period).await;
    };
    tokio::select! {
        result = server => result,
        () = out_of_time => {
            tracing::warn!(name: "handson.cut_off", "GRACE_PERIOD is over: requests that are still running are cut off");
            Ok(())
        }
    }
}
