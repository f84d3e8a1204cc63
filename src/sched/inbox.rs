//! A worker's inbox: woken tasks that only this worker may run, posted by others, and the notice
//! that it is to ask before it runs another task, since it has lost its seat or is reserved.
//!
//! One word says whether there is anything, so that a worker which picks a task looks at one word.
//!
//! Go: `runtime/proc.go` `startlockedm`, which hands a locked goroutine to its thread; here it is
//! the usual case in the thread-bound modes, so it is a queue.

use super::Ready;
use crate::lock::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};

const POSTED: u32 = 1;
const NOTICE: u32 = 2;

/// Many posters, one reader.
pub(crate) struct Inbox {
    posted: Mutex<Vec<Ready>>,
    any: AtomicU32,
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        Inbox { posted: Mutex::new(Vec::new()), any: AtomicU32::new(0) }
    }

    /// Posts a task. The poster wakes the worker afterwards.
    pub(crate) fn post(&self, task: Ready) {
        let mut posted = self.posted.lock();
        posted.push(task);
        // Relaxed: a reader that is about to sleep looks after a fence that pairs with the poster's
        // (`idle`); any other looks again soon.
        self.any.fetch_or(POSTED, Ordering::Relaxed);
    }

    /// Whether there is something to look at.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.any.load(Ordering::Relaxed) != 0
    }

    /// Whether tasks were posted.
    pub(crate) fn any_tasks(&self) -> bool {
        self.any.load(Ordering::Relaxed) & POSTED != 0
    }

    /// Tells the worker to ask for a seat. Under the lock of the seats, as is
    /// [`forget_notice`](Self::forget_notice); or by the worker itself.
    pub(crate) fn give_notice(&self) {
        self.any.fetch_or(NOTICE, Ordering::Relaxed); // the seats' lock orders it
    }

    pub(crate) fn forget_notice(&self) {
        self.any.fetch_and(!NOTICE, Ordering::Relaxed);
    }

    /// Whether the worker is to ask before it runs another task.
    #[inline]
    pub(crate) fn has_notice(&self) -> bool {
        self.any.load(Ordering::Relaxed) & NOTICE != 0
    }

    /// Moves all that was posted to the end of `queue`, in order.
    #[cold]
    pub(crate) fn take_all(&self, queue: &mut VecDeque<Ready>) {
        let mut posted = self.posted.lock();
        self.any.fetch_and(!POSTED, Ordering::Relaxed);
        queue.extend(posted.drain(..));
        if posted.capacity() > 1024 {
            posted.shrink_to(64); // a burst is over
        }
    }
}
