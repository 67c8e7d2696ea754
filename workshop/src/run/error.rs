//! The errors that keep a backend from being checked.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::messages::Message;
use crate::text;
use crate::verdict::Failure;

/// Why a backend could not be built or run.
#[derive(Debug)]
pub enum RunError {
    /// Cargo has printed the reason.
    BuildFailed,
    /// Cargo itself could not be started, or built no program.
    NoProgram(Message),
    /// The command could not be started.
    NoCommand(Message),
    /// The program ended before it listened.
    DoesNotStart {
        /// How it ended: its exit status, or a signal.
        status: Message,
        /// The last lines of stdout and stderr.
        output: String,
    },
    /// `/healthz` at the given port never answered 200.
    DoesNotListen {
        /// The port in the program's environment.
        port: u16,
        /// The last lines of stdout and stderr.
        output: String,
    },
    /// More lines than these requests can explain.
    FloodsLog,
    /// More telemetry than these requests can explain.
    FloodsTelemetry,
    /// The runs did not finish in time.
    TakesTooLong(Duration),
    /// Not the fault of the backend: for example, no free port or process.
    Machine(io::Error),
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl RunError {
    /// Whether the service itself is the cause, so that step 0 fails. If not, the service could not be
    /// checked.
    pub fn is_caused_by_service(&self) -> bool {
        !matches!(
            self,
            Self::BuildFailed
                | Self::NoProgram(_)
                | Self::NoCommand(_)
                | Self::Machine(_)
                | Self::Interrupted
        )
    }

    /// What was seen.
    pub fn seen(&self) -> Message {
        match self {
            Self::BuildFailed => text!("cargo build failed; its output above says why"),
            Self::NoProgram(reason) | Self::NoCommand(reason) => reason.clone(),
            Self::DoesNotStart { status, output } => {
                text!("the program ended before it listened, with {status}\n{output}", status, output)
            }
            Self::DoesNotListen { port, output } => {
                text!(
                    "GET http://127.0.0.1:{port}/healthz did not answer 200 in time\n{output}",
                    port = *port,
                    output
                )
            }
            Self::FloodsLog => {
                text!("more log output than these requests can explain; the program was killed")
            }
            Self::FloodsTelemetry => text!("more telemetry than these requests can explain"),
            Self::TakesTooLong(limit) => {
                text!(
                    "the service did not finish within {limit}, and was killed",
                    limit = format!("{limit:?}")
                )
            }
            Self::Machine(error) => {
                text!("this machine does not allow it: {error}", error = error.to_string())
            }
            Self::Interrupted => text!("interrupted"),
        }
    }

    /// The most likely cause, and what to try.
    pub fn cause(&self) -> Message {
        match self {
            Self::BuildFailed | Self::NoProgram(_) => text!("Fix what Cargo reports, and check again."),
            Self::NoCommand(_) => text!(
                "The first word of --command is a program on the PATH, or its path from --dir; a shell's syntax needs `sh -c '…'`."
            ),
            Self::DoesNotStart { .. } => text!(
                "Something fails or panics while the service starts. Start it with `cargo run`, and read its last lines."
            ),
            Self::DoesNotListen { .. } => text!(
                "The service must listen on HOST and PORT of its environment, and answer GET /healthz with 200. Does the output \
                 above show another address?"
            ),
            Self::FloodsLog => text!(
                "Does a loop write log lines, or is the level so low that every library logs? LOG_LEVEL is info by default."
            ),
            Self::FloodsTelemetry => text!(
                "If the exporter's own HTTP calls are traced, each export creates more telemetry: its client must not have the middleware, and the layer \
                 that creates spans needs a filter."
            ),
            Self::TakesTooLong(_) => {
                text!("Requests hang. Start it with `cargo run`, and see whether `curl` gets a response.")
            }
            Self::Machine(_) => text!("Free some ports and processes, or run `cargo workshop doctor`."),
            Self::Interrupted => text!("Nothing is left behind."),
        }
    }

    /// What was seen and the most likely cause, in two sentences.
    pub fn text(&self) -> Message {
        text!("{seen}. {cause}", seen = self.seen(), cause = self.cause())
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().fmt(f)
    }
}

impl std::error::Error for RunError {}

impl From<io::Error> for RunError {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

impl From<RunError> for Message {
    fn from(error: RunError) -> Self {
        error.text()
    }
}

impl From<&RunError> for Failure {
    fn from(error: &RunError) -> Self {
        Self::new(error.seen(), error.cause())
    }
}
