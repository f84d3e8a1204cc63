//! The condition variable's protocol.
//!
//! A waiter queues up *before* it unlocks the mutex; who changes the condition under the mutex and
//! then notifies therefore finds it in the queue.
//!
//! A waiter has the mutex again when it returns, and when it unwinds, too (as a pthread that is
//! cancelled has), since the guard that it waited with says so. So a task that is cancelled, or
//! whose timeout is over, while it waits for the mutex *here* goes on waiting for it, in a
//! destructor.
//!
//! Guarantees: a notification that is given to a waiter which leaves is passed on to another.
//!
//! Go: `sync/cond.go`, `notifyList` (runtime/sema.go).

use super::parking::{Handle, Reason};
use super::raw_mutex::RawMutex;
use super::wait_queue::{Queue, WaitQueue};
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
        let mut relock = Relock { condvar: self, mutex, notified: false };
        let pass_on = |queue: &mut Queue<()>, token: Option<usize>| {
            token.and_then(|_| queue.wake_front(NOTIFIED)).into_iter().collect()
        };
        let notified = self.0.wait(key, Reason::CondvarWait, deadline, pass_on).is_some();
        relock.notified = notified;
        mutex.lock_until(None);
        std::mem::forget(relock);
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

/// Locks the mutex of a waiter that unwinds, from either of its waits. (In a destructor, since
/// there it is not told to unwind once more: a timeout that is over says so at every suspension.)
struct Relock<'a> {
    condvar: &'a RawCondvar,
    mutex: &'a RawMutex,
    /// A notification that goes to another.
    notified: bool,
}

impl Drop for Relock<'_> {
    fn drop(&mut self) {
        self.mutex.lock_until(None);
        if self.notified {
            self.condvar.notify_one();
        }
    }
}
