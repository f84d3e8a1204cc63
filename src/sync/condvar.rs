//! [`Condvar`]: the type around `raw_condvar`.
//!
//! Go: `sync/cond.go`.

use super::mutex::{deadline_in, MutexGuard};
use super::raw_condvar::RawCondvar;
use super::wait_queue::{Queue, WaitQueue};
use std::fmt;
use std::time::{Duration, Instant};

/// Waits for a condition of data that a [`Mutex`](super::Mutex) guards.
///
/// Notifications are handed out in the order of arrival, and one that a cancelled task had been
/// given goes to the next. A wait may also return without a notification, so the condition is
/// checked in a loop; [`wait_while`](Self::wait_while) does that.
///
/// ```
/// use midge::{spawn, sync::{Condvar, Mutex}, Runtime};
///
/// static OPEN: Mutex<bool> = Mutex::new(false);
/// static CHANGED: Condvar = Condvar::new();
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let visitor = spawn(|| CHANGED.wait_while(&mut OPEN.lock(), |open| !*open));
///     *OPEN.lock() = true;
///     CHANGED.notify_one();
///     visitor.join().unwrap();
/// });
/// ```
pub struct Condvar(RawCondvar);

/// Whether a wait with a time limit ended because of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether the time was up before there was a notification.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable nobody waits for.
    pub const fn new() -> Condvar {
        let queue = WaitQueue::new(crate::atomic::Mutex::new(Queue::new(())));
        Condvar(RawCondvar::from_parts(queue))
    }

    /// Unlocks the mutex, waits for a notification and locks it again. A suspension point.
    ///
    /// If the task is cancelled it unwinds from here, with the mutex locked: the guard is as good
    /// as before.
    #[inline]
    pub fn wait<T: ?Sized>(&self, guard: &mut MutexGuard<'_, T>) {
        self.0.wait_until(guard.raw(), None);
    }

    /// Waits as long as the condition holds.
    pub fn wait_while<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) {
        while condition(&mut **guard) {
            self.wait(guard);
        }
    }

    /// As [`wait`](Self::wait), but for no longer than this (and as long as it takes to get the
    /// mutex).
    ///
    /// ```
    /// use midge::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    /// let (mutex, changed) = (Mutex::new(()), Condvar::new());
    /// let result = changed.wait_for(&mut mutex.lock(), Duration::from_millis(1));
    /// assert!(result.timed_out());
    /// ```
    pub fn wait_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        WaitTimeoutResult(!self.0.wait_until(guard.raw(), deadline_in(timeout)))
    }

    /// As [`wait`](Self::wait), but until then at the latest.
    pub fn wait_until<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        deadline: Instant,
    ) -> WaitTimeoutResult {
        WaitTimeoutResult(!self.0.wait_until(guard.raw(), Some(deadline)))
    }

    /// Waits as long as the condition holds, but for no longer than this. The time is up only if
    /// the condition still holds then.
    pub fn wait_while_for<T: ?Sized>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        mut condition: impl FnMut(&mut T) -> bool,
        timeout: Duration,
    ) -> WaitTimeoutResult {
        let deadline = deadline_in(timeout);
        while condition(&mut **guard) {
            if !self.0.wait_until(guard.raw(), deadline) {
                return WaitTimeoutResult(condition(&mut **guard));
            }
        }
        WaitTimeoutResult(false)
    }

    /// Wakes the one that has waited longest. False if nobody waits.
    pub fn notify_one(&self) -> bool {
        self.0.notify_one()
    }

    /// Wakes all who wait; returns how many.
    pub fn notify_all(&self) -> usize {
        self.0.notify_all()
    }
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
