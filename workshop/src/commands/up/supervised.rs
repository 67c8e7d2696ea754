//! The handle of a program that is kept running.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::Pid;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::gate::{Gate, Needs};
use super::program::{Build, Program};
use super::status_board::StatusBoard;
use super::supervisor::{Status, Supervisor};
use crate::run;
use crate::steps::Lang;

/// A program that runs, or will be restarted.
pub(super) struct Supervised {
    orders: mpsc::Sender<Order>,
    supervisor: JoinHandle<()>,
    started: Started,
    ready: Arc<Gate>,
}

/// What a supervisor shall do with its process.
pub(super) enum Order {
    /// Stop it, and wait for another order.
    Hold,
    /// Stop it, and run this program from now on.
    Replace(run::Program),
    /// Stop it.
    Stop,
}

impl Supervised {
    /// Starts `program` in the process group.
    ///
    /// # Errors
    ///
    /// The log cannot be written. A program that cannot be started is no error: it is tried again.
    pub(super) fn start(
        program: Program,
        needs: Needs,
        group: Pid,
        board: Arc<StatusBoard>,
        lang: Lang,
    ) -> std::io::Result<Self> {
        let (orders, received) = mpsc::channel(4);
        let (started, ready) = (Started::default(), Gate::new());
        let supervisor = Supervisor::new(
            program,
            needs,
            group,
            Status { board, lang },
            received,
            started.clone(),
            Arc::clone(&ready),
        )?;
        Ok(Self { orders, supervisor: tokio::spawn(supervisor.run()), started, ready })
    }

    /// Open while the program is ready for requests.
    pub(super) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.ready)
    }

    /// Whether the last process was started from the same program as `executable` is now.
    pub(super) fn is_same_as(&self, executable: &Path) -> bool {
        self.started.is_same_as(executable)
    }

    /// Stops the process until [`Supervised::replace`] starts another one.
    pub(super) async fn hold(&self) {
        self.order(Order::Hold).await;
        self.ready.close().await;
    }

    /// Stops the process, and starts the new program.
    pub(super) async fn replace(&self, program: run::Program) {
        self.ready.shut();
        self.order(Order::Replace(program)).await;
    }

    /// Stops the process by SIGTERM, and waits for its end.
    pub(super) async fn stop(self) {
        self.order(Order::Stop).await;
        let _ = self.supervisor.await;
    }

    async fn order(&self, order: Order) {
        // This fails if the supervisor has ended; then there is no process to stop.
        let _ = self.orders.send(order).await;
    }
}

/// The build from which the last process was started.
#[derive(Clone, Default)]
pub(super) struct Started(Arc<Mutex<Option<Build>>>);

impl Started {
    pub(super) fn set(&self, build: Option<Build>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = build;
    }

    fn is_same_as(&self, executable: &Path) -> bool {
        let started = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        started.as_ref().is_some_and(|build| build.is_same_as(executable))
    }
}
