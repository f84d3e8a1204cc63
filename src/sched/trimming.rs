//! When a worker gives back the memory of the windows it has left grown.
//!
//! A window is noted when it is left; the list is looked at now and then by a busy worker (every 61
//! picks), by a resting one when something on it is due, and at once when it is over its budget.
//!
//! Go: `runtime/mgcscavenge.go` `bgscavenge`.

use super::worker::{self, Worker};
use crate::stack::window::Window;

impl Worker {
    /// Notes a grown window, which the caller holds and has left. (`Processor::pick` looks at the
    /// list now and then.)
    #[cold]
    pub(super) fn note_grown(&self, window: &Window) {
        self.processor.grown.note(window);
        if self.processor.grown.is_over_budget() {
            self.trim_due();
        }
    }

    /// Gives back the memory of grown windows whose time has come.
    pub(crate) fn trim_due(&self) {
        let grown = &self.processor.grown;
        if grown.is_empty() || !grown.is_due() {
            return;
        }
        let exclusive = self.processor.exclusive();
        let trimmed =
            grown.pass(self.current_window(), exclusive, |waiters| self.ready_all(waiters));
        let counters = &self.remote().counters;
        counters.trims.add(trimmed.windows);
        counters.bytes_trimmed.add(trimmed.bytes);
    }
}

/// The same, for the calling worker.
#[cold]
pub(super) fn trim_due() {
    if let Some(worker) = worker::current() {
        worker.trim_due();
    }
}
