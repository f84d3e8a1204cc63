//! [`Once`]: the first who comes runs, the others wait for it.
//!
//! A closure that panics (or whose task is cancelled in it) leaves the `Once` as it was, and wakes
//! all who wait: one of them runs its own. Nobody's closure is run by another task.
//!
//! Go: `sync/once.go`, which counts a panic as done.

use super::parking::{Handle, Reason};
use super::wait_queue::{Queue, WaitQueue};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

/// The one token: look again.
const LOOK: usize = 0;

/// Something that is done once.
///
/// ```
/// use midge::sync::Once;
/// static START: Once = Once::new();
///
/// let mut calls = 0;
/// START.call_once(|| calls += 1);
/// START.call_once(|| calls += 1);
/// assert_eq!(calls, 1);
/// ```
pub struct Once {
    done: AtomicBool,
    /// With whether somebody is at it.
    queue: WaitQueue<bool>,
}

impl Once {
    /// Not done.
    pub const fn new() -> Once {
        let queue = WaitQueue::new(crate::atomic::Mutex::new(Queue::new(false)));
        Once { done: AtomicBool::new(false), queue }
    }

    /// Calls `f` unless it has been done; waits if another is at it. When it returns, it has been
    /// done, and what was done is visible to the caller. A suspension point if another is at it,
    /// and wherever `f` has one.
    ///
    /// If `f` panics, it is not done, and the next one, who may be waiting already, calls its own.
    /// (std's `Once` is poisoned then.) An `f` that comes back here waits for itself for ever. If
    /// the task is cancelled while it waits, it unwinds from here.
    #[inline]
    pub fn call_once(&self, f: impl FnOnce()) {
        if !self.is_completed() {
            self.call_slow(f);
        }
    }

    #[cold]
    fn call_slow(&self, f: impl FnOnce()) {
        if self.begin() {
            let mut end = End { once: self, done: false };
            f();
            end.done = true;
        }
    }

    /// True if the caller is to do it; false if it is done.
    fn begin(&self) -> bool {
        loop {
            let mut queue = self.queue.lock();
            if self.is_completed() {
                return false;
            }
            if !queue.data {
                queue.data = true;
                return true;
            }
            let key = queue.push_back(0);
            drop(queue);
            self.queue.wait(key, Reason::Once, None, |_, _| Vec::new());
        }
    }

    /// Whether it has been done.
    #[inline]
    pub fn is_completed(&self) -> bool {
        // Acquire pairs with the Release in `End::drop`: what was done is seen.
        self.done.load(Ordering::Acquire)
    }
}

/// The end of a call, however it comes.
struct End<'a> {
    once: &'a Once,
    done: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        let mut queue = self.once.queue.lock();
        // Release pairs with the Acquire in `is_completed`.
        self.once.done.store(self.done, Ordering::Release);
        queue.data = false;
        let woken = queue.wake_all(LOOK);
        drop(queue);
        woken.iter().for_each(Handle::unpark);
    }
}

impl Default for Once {
    fn default() -> Once {
        Once::new()
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("completed", &self.is_completed()).finish()
    }
}
