//! The states of the programs that the console shows.

use std::sync::{Arc, Mutex, PoisonError};

use ::console::{Console, Process};

use crate::pages::Attendee;

/// The state of each program.
pub(super) struct StatusBoard {
    console: Arc<Console>,
    attendee: Option<Arc<Attendee>>,
    processes: Mutex<Vec<Process>>,
}

impl StatusBoard {
    pub(super) fn new(console: Arc<Console>, attendee: Option<Arc<Attendee>>) -> Arc<Self> {
        Arc::new(Self { console, attendee, processes: Mutex::default() })
    }

    /// Sets the state of the program `name`; `good` means that no action is needed.
    pub(super) fn set(&self, name: &str, state: &str, good: bool) {
        let process = Process { name: name.to_owned(), state: state.to_owned(), good };
        let mut processes = self.processes.lock().unwrap_or_else(PoisonError::into_inner);
        match processes.iter_mut().find(|known| known.name == name) {
            Some(known) => *known = process,
            None => processes.push(process),
        }
        self.console.set_processes(processes.clone());
    }

    /// Sets the compiler's first error if the last build failed, or `None` if it succeeded.
    pub(super) fn set_build_error(&self, error: Option<String>) {
        if self.attendee.as_ref().is_some_and(|attendee| attendee.build_error.set(error)) {
            self.console.changed();
        }
    }
}
