//! Stops a command, which may be a wrapper around the program that listens.

use std::io;
use std::net::Ipv4Addr;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::net::TcpStream;
use tokio::process::Child;

/// Time for a wrapper that keeps running to pass SIGTERM on.
const FORWARD_TIMEOUT: Duration = Duration::from_secs(2);
/// Time between two attempts to connect.
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// Sends SIGTERM to a command, and waits until it has ended and nothing listens on `port`.
///
/// Some wrappers, such as `npm`, pass the signal on and wait. Others, such as `go run` and shells, end
/// without passing it on; then the rest of the process group gets it. So a program gets it once: many end at
/// once if they get it twice.
pub(crate) async fn stop_command(child: &mut Child, group: Pid, port: u16) -> io::Result<ExitStatus> {
    // A signal fails if there is no such process any more, which is fine.
    let signal_group = || kill_process_group(group, Signal::TERM).ok();
    if let Some(id) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::TERM);
    }
    let status = match tokio::time::timeout(FORWARD_TIMEOUT, child.wait()).await {
        Ok(status) => {
            signal_group();
            status?
        }
        Err(_) => {
            // A program that got the signal closes its port first.
            if is_open(port).await {
                signal_group();
            }
            child.wait().await?
        }
    };
    while is_open(port).await {
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
    Ok(status)
}

/// Whether a connection to `port` is accepted.
pub(crate) async fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
}
