//! A process: whether it listens, how it ends, and how that is put into words.

use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::{Duration, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::process::Child;

/// Time to end after SIGTERM: a service answers what it has accepted, and flushes its telemetry.
const STOP_TIMEOUT: Duration = Duration::from_secs(17);
/// How often a program that starts is tried for whether it listens.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// Waits until a connection to `port` is accepted.
pub(super) async fn listens(port: u16) {
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
}

/// Ends it by SIGTERM, and by force if that does not help.
pub(super) async fn end(child: &mut Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(id) = id {
        // It may have ended by itself.
        let _ = kill_process(id, Signal::TERM);
    }
    if tokio::time::timeout(STOP_TIMEOUT, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

pub(super) fn describe(status: ExitStatus) -> String {
    status.code().map_or_else(|| "a signal".to_owned(), |code| format!("exit status {code}"))
}

/// RFC 3339, to the second.
pub(super) fn timestamp() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
