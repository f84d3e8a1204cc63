//! A worker's inbox: woken tasks that only this worker may run, posted by others.
//!
//! Go: `runtime/proc.go` `startlockedm`, which hands a locked goroutine to its thread; here it is
//! the usual case in the thread-bound modes, so it is a queue.

use super::Ready;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

/// Many posters, one reader.
pub(crate) struct Inbox {
    posted: Mutex<Vec<Ready>>,
    any: AtomicBool,
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox { posted: Mutex::new(Vec::new()), any: AtomicBool::new(false) }
    }

    /// Posts a task. The poster wakes the worker afterwards.
    pub(crate) fn post(&self, task: Ready) {
        let mut posted = self.posted.lock();
        posted.push(task);
        // Relaxed: a reader that is about to sleep looks after a fence that pairs with the poster's
        // (`idle`); any other looks again soon.
        self.any.store(true, Ordering::Relaxed);
    }

    /// Whether there is something to take.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Moves all that was posted to the end of `queue`, in order.
    #[cold]
    pub(crate) fn take_all(&self, queue: &mut VecDeque<Ready>) {
        let mut posted = self.posted.lock();
        self.any.store(false, Ordering::Relaxed);
        queue.extend(posted.drain(..));
        if posted.capacity() > 1024 {
            posted.shrink_to(64); // a burst is over
        }
    }
}
