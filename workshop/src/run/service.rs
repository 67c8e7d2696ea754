//! The process of the checked program.

use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::net::TcpListener;
use tokio::process::Child;

use super::lines::Lines;
use super::{Program, RunError};
use crate::evidence::{Backend, Ending};
use crate::messages::Message;
use crate::text;

/// Time to end after SIGTERM; flushing telemetry may take 6 s.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Interval between two attempts to reach the program's port.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running program. Its process group is killed when this value is dropped.
pub(super) struct Service {
    child: Child,
    group: Option<Pid>,
    is_command: bool,
    client: reqwest::Client,
    port: u16,
    stdout: Lines,
    stderr: Lines,
}

/// How a program ended, and its output.
pub(super) struct End {
    pub(super) ending: Ending,
    pub(super) stdout: Vec<String>,
    pub(super) stderr: Vec<String>,
    pub(super) flooded: bool,
}

impl Service {
    /// Starts `program` on a free port, with additional variables, and waits until `/healthz` answers.
    pub(super) async fn start(
        backend: &Backend,
        program: &Program,
        error_rate: f64,
        httpbin: &str,
        collector: &str,
        variables: &[(&str, &str)],
    ) -> Result<Self, RunError> {
        let client = client().map_err(std::io::Error::other)?;
        let port = free_port().await?;
        let mut process = program.process();
        if program.is_command() {
            process
                .env("OTEL_SERVICE_NAME", &backend.service)
                .env("BACKEND_NAME", backend.service.replacen("handson-", "backend-", 1))
                .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        }
        let mut child = process
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("ENV", &backend.environment)
            .env("HTTPBIN_URL", httpbin)
            .env("RANDOM_ERROR_RATE", error_rate.to_string())
            .env("GRACE_PERIOD", "3s")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A separate process group: its child processes can be killed together with it, and Ctrl-C
            // reaches only this program.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let reason = text!(
                    "{program} cannot be started: {error}",
                    program = program.name(),
                    error = error.to_string()
                );
                match program {
                    Program::Executable(_) => RunError::NoProgram(reason),
                    Program::Command(_) => RunError::NoCommand(reason),
                }
            })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(RunError::NoProgram(text!("its output cannot be read")));
        };
        let mut service = Self {
            child,
            group,
            is_command: program.is_command(),
            client,
            port,
            stdout: Lines::read(stdout),
            stderr: Lines::read(stderr),
        };
        service.wait_until_ready(program.start_timeout()).await?;
        Ok(service)
    }

    /// The client for requests to the service.
    pub(super) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The lines of its stdout.
    pub(super) fn stdout(&self) -> &Lines {
        &self.stdout
    }

    /// Waits until `/healthz` answers 200.
    async fn wait_until_ready(&mut self, timeout: Duration) -> Result<(), RunError> {
        let url = format!("http://127.0.0.1:{}/healthz", self.port);
        let started = Instant::now();
        while started.elapsed() < timeout {
            if let Ok(Some(status)) = self.child.try_wait() {
                let output = self.output().await;
                return Err(RunError::DoesNotStart { status: describe(status), output });
            }
            if self.stdout.flooded() || self.stderr.flooded() {
                return Err(RunError::FloodsLog);
            }
            let response = self.client.get(&url).timeout(Duration::from_secs(1)).send().await;
            if response.is_ok_and(|response| response.status() == 200) {
                return Ok(());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Err(RunError::DoesNotListen { port: self.port, output: self.output_so_far() })
    }

    /// Stops the program by SIGTERM, and kills it if it does not end in time.
    pub(super) async fn end(&mut self) -> End {
        let flooded = self.stdout.flooded() || self.stderr.flooded();
        if let Ok(client) = used_once(self.port).await {
            self.client = client;
        }
        let signalled = Instant::now();
        if flooded {
            self.kill();
        }
        let ending = match tokio::time::timeout(END_TIMEOUT, self.stop()).await {
            Ok(Ok(status)) => Ending::Ended { status: exit_code(status), after: signalled.elapsed() },
            _ => Ending::Killed(END_TIMEOUT),
        };
        self.kill();
        let _ = self.child.wait().await;
        let flooded = flooded || self.stdout.flooded() || self.stderr.flooded();
        End { ending, stdout: self.stdout.all().await, stderr: self.stderr.all().await, flooded }
    }

    /// Sends SIGTERM, and returns the exit status once the program has ended. A command may be a wrapper that
    /// ends earlier: its program has ended when no process holds stdout or stderr.
    async fn stop(&mut self) -> std::io::Result<ExitStatus> {
        let Some(group) = self.group else { return self.child.wait().await };
        if !self.is_command {
            // The program may have ended already.
            let _ = kill_process(group, Signal::TERM);
            return self.child.wait().await;
        }
        let status = super::stop_command(&mut self.child, group, self.port).await?;
        self.stdout.closed().await;
        self.stderr.closed().await;
        Ok(status)
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            // Kills child processes that are still running.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    async fn output(&mut self) -> String {
        let lines = [self.stdout.all().await, self.stderr.all().await].concat();
        lines[lines.len().saturating_sub(16)..].join("\n")
    }

    fn output_so_far(&self) -> String {
        format!("{}\n{}", self.stdout.tail(), self.stderr.tail()).trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client for the service that ignores proxies. It uses only plain HTTP, so it loads no certificates.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    // This fails if a provider is already installed, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().user_agent("workshop").tls_certs_only([]).build()
}

/// A client with one idle connection, which has carried a request.
///
/// A client that sends several requests at once may open connections that it then does not need. Go's
/// `http.Server` waits five seconds for a first request on them, so a right program would end too late.
async fn used_once(port: u16) -> reqwest::Result<reqwest::Client> {
    let client = client()?;
    let url = format!("http://127.0.0.1:{port}/healthz");
    // A program that does not answer any more is judged by how it ends.
    if let Ok(response) = client.get(url).timeout(Duration::from_secs(1)).send().await {
        let _ = response.bytes().await;
    }
    Ok(client)
}

/// The exit status; if a signal ended the process, 128 plus its number, as in shells.
fn exit_code(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| Some(128 + status.signal()?))
}

async fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port())
}

fn describe(status: ExitStatus) -> Message {
    status.code().map_or_else(|| text!("a signal"), |code| text!("exit status {code}", code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::used_once;

    #[tokio::test]
    async fn the_only_connection_at_sigterm_has_carried_a_request() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 1024];
            let count = connection.read(&mut request).await.unwrap();
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            (connection, String::from_utf8(request[..count].to_vec()).unwrap())
        };
        let (client, (mut connection, request)) = tokio::join!(used_once(port), served);
        assert!(request.starts_with("GET /healthz "), "{request}");
        // It stays open until the client is dropped, and there is no other one.
        let pause = std::time::Duration::from_millis(50);
        assert!(tokio::time::timeout(pause, listener.accept()).await.is_err());
        assert!(tokio::time::timeout(pause, connection.read_u8()).await.is_err());
        drop(client);
        assert!(connection.read_u8().await.is_err());
    }
}
