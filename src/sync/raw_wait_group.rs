//! The wait group's protocol: a count, and a queue of those who wait for it to be zero.
//!
//! The count is checked under the queue's lock before a waiter queues up, and whoever brings it to
//! zero locks the queue afterwards: it finds the waiter, or the waiter finds zero. The same
//! protocol serves any number of waiters, and a count that grows while somebody waits.
//!
//! Guarantees: nobody is told before the count was zero, and everybody is who waits when it gets
//! there.
//!
//! Go: `sync/waitgroup.go`.

use super::parking::{Handle, Reason};
use super::wait_queue::WaitQueue;
use crate::atomic::{AtomicUsize, Ordering};

/// The one token: the count was zero.
const ZERO: usize = 0;

/// A count to wait for.
pub(crate) struct RawWaitGroup {
    count: AtomicUsize,
    queue: WaitQueue<()>,
}

impl RawWaitGroup {
    /// Of an initial count and an empty queue.
    pub(crate) const fn from_parts(count: AtomicUsize, queue: WaitQueue<()>) -> RawWaitGroup {
        RawWaitGroup { count, queue }
    }

    /// One more. The caller is counted itself, so that the count is not zero.
    pub(crate) fn add(&self) {
        // Relaxed: it is ordered before the caller's own `done`.
        let before = self.count.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many clones of one WaitGroup");
    }

    /// One is done; the last one wakes those who wait.
    pub(crate) fn done(&self) {
        // Release pairs with the Acquire of `wait`: what was done before is seen after. Acquire:
        // the last one passes on what the others did to those that it wakes.
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            let woken = self.queue.lock().wake_all(ZERO);
            woken.iter().for_each(Handle::unpark);
        }
    }

    /// Waits for zero.
    pub(crate) fn wait(&self) {
        // Acquire pairs with the Release of `done`.
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut queue = self.queue.lock();
        // Acquire: as above.
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let key = queue.push_back(0);
        drop(queue);
        self.queue.wait(key, Reason::WaitGroupWait, None, |_, _| Vec::new());
    }

    /// How many are not done.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed) // a figure for people
    }
}
