//! Keys, one by one.

use std::io::Read;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc::UnboundedSender;

use super::Event;

/// Tells of each key, until nobody listens.
pub(super) fn read(sender: &UnboundedSender<Event>) {
    for key in std::io::stdin().lock().bytes().map_while(Result::ok) {
        if sender.send(Event::Key(key.into())).is_err() {
            return;
        }
    }
}

/// While it lives, keys come at once and unseen; Ctrl-C is a signal as ever, and output is as ever.
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
