//! When the memory of windows that were left grown is given back.
//!
//! A window is noted when it is left; the list is looked at now and then by a busy worker (every 61
//! picks), by a resting one when something on it is due, and at once when it is over its budget.
//! While a stack cannot grow for want of memory, the monitor sees to it that all of them are cut.
//!
//! Go: `runtime/mgcscavenge.go` `bgscavenge`.

use super::shared::Shared;
use super::worker::{self, Worker};
use super::Ready;
use crate::stack::trim;
use crate::stack::window::Window;
use crate::task::header::Header;
use std::time::Instant;

impl Worker {
    /// Notes a window if it is grown, which the caller holds and has left; true if so, and then
    /// [`have_noted_grown`](Worker::have_noted_grown) is to be called when it is no longer held.
    /// (`Processor::pick` looks at the list now and then.)
    #[inline]
    #[must_use]
    pub(super) fn note_if_grown(&self, window: &Window) -> bool {
        let grown = trim::is_grown(window);
        if grown {
            self.processor.grown.note(window);
        }
        grown
    }

    /// See there.
    #[cold]
    pub(super) fn have_noted_grown(&self) {
        self.processor.grown.make_room();
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

impl Shared {
    /// For the monitor: cuts the windows that nobody holds, and wakes those who rest to cut the ones
    /// that are theirs alone.
    pub(crate) fn trim_all(&self) {
        if !self.exclusive() {
            let now = Instant::now();
            self.windows.for_each_shared(|window| {
                if trim::is_grown(window) && window.ownership.try_acquire() {
                    trim::cut(window, now);
                    for waiter in window.ownership.release() {
                        // SAFETY: wait lists hold the `waiter` links of tasks.
                        self.ready(Ready(unsafe { Header::of_waiter(waiter) }));
                    }
                }
            });
        }
        for (worker, remote) in self.remotes.iter().enumerate() {
            if self.idle.wake_this(worker) || self.seats.rests(worker) {
                remote.parker.unpark();
            }
        }
    }
}
