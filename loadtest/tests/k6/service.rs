//! The service under load, which `.ci/run k6` builds first.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// A running `handson`, which is killed when this value is dropped.
pub struct Service {
    child: Child,
    origin: String,
}

impl Service {
    /// Starts the service on a free port, with these variables and without telemetry.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::spawn(handson().envs(variables.iter().copied()))
    }

    /// Starts the local httpbin, which delays each response by `delay`.
    pub fn start_httpbin(delay: &str) -> Self {
        Self::spawn(handson().args(["httpbin", "--delay", delay]))
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("no service: {error}; run `cargo build`"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let (_, rest) = line.split_once(" listens on http://127.0.0.1:")?;
            rest.split(|c: char| !c.is_ascii_digit()).next().map(str::to_owned)
        });
        // The output must be read, because the service would block on a full pipe.
        thread::spawn(move || lines.for_each(drop));
        let origin = format!("http://127.0.0.1:{}", port.expect("it says where it listens"));
        Self { child, origin }
    }

    /// `http://127.0.0.1:PORT`
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn handson() -> Command {
    let program = Path::new(env!("CARGO_BIN_EXE_loadtest")).with_file_name("handson");
    let mut command = Command::new(program);
    command.env_clear().env("PORT", "0").env("OTEL_SDK_DISABLED", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}
