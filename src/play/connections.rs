//! The open connections. Those that have presented the token keep their place; the others make room for new ones.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::task::AbortHandle;

/// Maximum number of connections: a browser uses six, plus those it opens in advance.
pub const MAX_CONNECTIONS: usize = 128;

/// Whether a connection has presented the token; shared with the task that serves it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(Rc<Cell<bool>>);

impl Known {
    pub(super) fn set(&self) {
        self.0.set(true);
    }

    pub(super) fn get(&self) -> bool {
        self.0.get()
    }
}

/// The open connections, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Connections {
    open: VecDeque<(Known, AbortHandle)>,
}

impl Connections {
    /// Whether another connection can be accepted, if necessary in place of an old one.
    pub(super) fn has_room(&mut self) -> bool {
        self.open.retain(|(_, task)| !task.is_finished());
        self.open.len() < MAX_CONNECTIONS || self.open.iter().any(|(known, _)| !known.get())
    }

    /// Adds a connection. At the limit, the oldest one without the token is closed.
    pub(super) fn take(&mut self, known: Known, task: AbortHandle) {
        if self.open.len() >= MAX_CONNECTIONS {
            self.close_a_stranger();
        }
        self.open.push_back((known, task));
    }

    /// Closes the oldest connection that has not presented the token. `false`: there is none.
    pub(super) fn close_a_stranger(&mut self) -> bool {
        let oldest = self.open.iter().position(|(known, _)| !known.get());
        let Some((_, task)) = oldest.and_then(|index| self.open.remove(index)) else { return false };
        task.abort();
        true
    }
}
