//! Why a backend could not be judged at all.

use std::io;
use std::time::Duration;

/// What kept a backend from being built or run.
#[derive(Debug)]
pub enum Trouble {
    /// Cargo has said why.
    BuildFailed,
    /// Cargo itself could not be started, or built no program.
    NoProgram(String),
    /// The program ended before it listened.
    DoesNotStart {
        /// Its exit status, in words.
        status: String,
        /// The last lines of stdout and stderr.
        output: String,
    },
    /// `/healthz` at the given port never answered 200.
    DoesNotListen {
        /// The port that it was told.
        port: u16,
        /// The last lines of stdout and stderr.
        output: String,
    },
    /// More lines than a log of this size can have.
    FloodsLog,
    /// More telemetry than these requests can make.
    FloodsTelemetry,
    /// The runs did not come to an end.
    TakesTooLong(Duration),
    /// No fault of the backend: no port, no process.
    Machine(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl Trouble {
    pub(super) fn of_this_machine(error: io::Error) -> Self {
        Self::Machine(error)
    }

    /// Whether the backend is at fault once it runs, so that step 0 fails; else it could not be judged.
    pub fn is_of_the_service(&self) -> bool {
        !matches!(self, Self::BuildFailed | Self::NoProgram(_) | Self::Machine(_) | Self::Interrupted)
    }

    /// What was seen.
    pub fn seen(&self) -> String {
        match self {
            Self::BuildFailed => "cargo build failed; it says why above".to_owned(),
            Self::NoProgram(why) => why.clone(),
            Self::DoesNotStart { status, output } => {
                format!("the program ended before it listened, with {status}\n{output}")
            }
            Self::DoesNotListen { port, output } => {
                format!("GET http://127.0.0.1:{port}/healthz did not answer 200 in time\n{output}")
            }
            Self::FloodsLog => {
                "more log output than these requests can explain; the program was killed".to_owned()
            }
            Self::FloodsTelemetry => "more telemetry than these requests can explain".to_owned(),
            Self::TakesTooLong(limit) => format!("the service was not done after {limit:?}, and was killed"),
            Self::Machine(error) => format!("this machine refuses: {error}"),
            Self::Interrupted => "interrupted".to_owned(),
        }
    }

    /// The most likely cause, and what to try.
    pub fn cause(&self) -> String {
        match self {
            Self::BuildFailed | Self::NoProgram(_) => "Mend what Cargo complains of, and check again.",
            Self::DoesNotStart { .. } => {
                "Something fails or panics while the service starts. Start it by `cargo run`, and read its last lines."
            }
            Self::DoesNotListen { .. } => {
                "The service must listen at HOST and PORT of its environment, and answer GET /healthz with 200. An \
                 address in the output above that is another one is the place to look."
            }
            Self::FloodsLog => "A loop that logs, or a level so low that every library logs: LOG_LEVEL is info by default.",
            Self::FloodsTelemetry => {
                "An exporter whose own HTTP calls are traced feeds itself: its client must not have the middleware, and \
                 the layer that makes spans needs a filter."
            }
            Self::TakesTooLong(_) => "Requests hang. Start it by `cargo run`, and see whether `curl` gets an answer.",
            Self::Machine(_) => "Free ports and processes, or ask `cargo workshop doctor`.",
            Self::Interrupted => "Nothing is left behind.",
        }
        .to_owned()
    }
}
