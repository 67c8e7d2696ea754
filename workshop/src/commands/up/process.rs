//! A process: whether it listens, how it is stopped, and the text for its exit status.

use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::Child;

use crate::messages::Message;
use crate::text;

/// Time to end after SIGTERM: a service finishes running requests, and flushes its telemetry.
const STOP_TIMEOUT: Duration = Duration::from_secs(17);
/// Time between two attempts to connect to a program that starts.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until a connection to `port` is accepted.
pub(super) async fn listens(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

/// Stops it by SIGTERM, and by SIGKILL if it does not end in time.
pub(super) async fn end(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(id) = id {
        // It may already have ended.
        let _ = kill_process(id, Signal::TERM);
    }
    if tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

pub(super) fn describe(status: ExitStatus) -> Message {
    match status.code() {
        Some(code) => text!("exit status {code}", code),
        None => text!("a signal"),
    }
}

/// RFC 3339, to the second.
pub(super) fn timestamp() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
