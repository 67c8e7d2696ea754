//! Reads single keys from the terminal.

use std::io::Read;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc::UnboundedSender;

use super::Event;

/// Sends each key, until the receiver is gone.
pub(super) fn read(sender: &UnboundedSender<Event>) {
    for key in std::io::stdin().lock().bytes().map_while(Result::ok) {
        if sender.send(Event::Key(key.into())).is_err() {
            return;
        }
    }
}

/// While this value exists, keys arrive at once and are not echoed. Ctrl-C still sends a signal, and output
/// is unchanged.
pub(super) struct SingleKeys(Termios);

impl SingleKeys {
    pub(super) fn set() -> rustix::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &modes)?;
        Ok(Self(before))
    }
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}
