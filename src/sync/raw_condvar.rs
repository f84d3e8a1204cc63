//! The condition variable's protocol.
//!
//! A waiter queues up *before* it unlocks the mutex; who changes the condition under the mutex and
//! then notifies therefore finds it in the queue.
//!
//! A waiter has the mutex again when it returns, and when it unwinds, too (as a pthread that is
//! cancelled has), since the guard that it waited with says so. So the cancellation of a task that
//! waits for the mutex *here* is put off until it has it.
//!
//! Guarantees: a notification that is given to a waiter which leaves is passed on to another.
//!
//! Go: `sync/cond.go`, `notifyList` (runtime/sema.go).

use super::parking::{self, Handle};
use super::raw_mutex::RawMutex;
use super::wait_queue::{Queue, WaitQueue};
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

/// The one token: notified.
const NOTIFIED: usize = 0;

/// A condition variable.
pub(crate) struct RawCondvar(WaitQueue<()>);

impl RawCondvar {
    /// A condition variable nobody waits for, of an empty queue.
    pub(crate) const fn from_parts(queue: WaitQueue<()>) -> RawCondvar {
        RawCondvar(queue)
    }

    /// Unlocks the mutex, which the caller has, waits for a notification, and locks it again. False
    /// if the deadline came first.
    pub(crate) fn wait_until(&self, mutex: &RawMutex, deadline: Option<Instant>) -> bool {
        let key = self.0.lock().push_back(0);
        mutex.unlock();
        let relock = Relock(mutex);
        let pass_on = |queue: &mut Queue<()>, token: Option<usize>| {
            token.and_then(|_| queue.wake_front(NOTIFIED)).into_iter().collect()
        };
        let notified = self.0.wait(key, deadline, pass_on).is_some();
        std::mem::forget(relock);
        let lock = AssertUnwindSafe(|| mutex.lock_until(None));
        if let Err(cancelled) = panic::catch_unwind(lock) {
            mutex.lock_until(None); // a task is cancelled but once
            if notified {
                self.notify_one();
            }
            parking::resume_unwind(cancelled);
        }
        notified
    }

    /// Wakes the one that has waited longest. False if nobody waits.
    pub(crate) fn notify_one(&self) -> bool {
        let woken = self.0.lock().wake_front(NOTIFIED);
        woken.as_ref().map(Handle::unpark).is_some()
    }

    /// Wakes all who wait; returns how many.
    pub(crate) fn notify_all(&self) -> usize {
        let woken = self.0.lock().wake_all(NOTIFIED);
        woken.iter().for_each(Handle::unpark);
        woken.len()
    }
}

/// Locks the mutex of a waiter that unwinds.
struct Relock<'a>(&'a RawMutex);

impl Drop for Relock<'_> {
    fn drop(&mut self) {
        self.0.lock_until(None); // a task that unwinds is not cancelled again
    }
}
