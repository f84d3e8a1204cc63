//! The runtime's own locks: a mutex ([`futex_lock`]) and a condition variable on a word each.
//!
//! Why not `parking_lot`'s: a thread that waits for one puts a link on its stack when the table of all
//! who wait is contended, and others follow it. The thread may stand on a task's stack, and where
//! windows are preempted ([`preempt`](crate::sched::preempt)) that stack may be elsewhere meanwhile.
//! Here nobody but the system knows who waits.
//!
//! Guarantees: what was done under the lock is seen by who gets it next. Waiters are not served in any
//! order.
//!
//! Go: `runtime/lock_futex.go` `lock2`, `unlock2`.

use crate::futex::{futex_wait, futex_wake, futex_wake_all};
use crate::futex_lock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) type Mutex<T> = lock_api::Mutex<RawMutex, T>;
pub(crate) type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// The word of a mutex.
pub(crate) struct RawMutex(AtomicU32);

// SAFETY: `futex_lock` lets in one at a time.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)] // lock_api wants it so
    const INIT: RawMutex = RawMutex(AtomicU32::new(futex_lock::FREE));
    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !futex_lock::try_lock(&self.0) {
            futex_lock::lock_contended(&self.0);
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        futex_lock::try_lock(&self.0)
    }

    #[inline]
    unsafe fn unlock(&self) {
        futex_lock::unlock(&self.0);
    }
}

/// Where holders of a mutex wait for something.
pub(crate) struct Condvar {
    /// How often somebody has been woken.
    wakes: AtomicU32,
}

impl Condvar {
    pub(crate) const fn new() -> Condvar {
        Condvar { wakes: AtomicU32::new(0) }
    }

    /// Sleeps, without the lock, until it is woken, or for no reason, at most so long. False if the
    /// time is over.
    pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, most: Duration) -> bool {
        // Relaxed, here and below: wakers change the number after what they did under the lock, which
        // is held here.
        let before = self.wakes.load(Ordering::Relaxed);
        let deadline = Instant::now().checked_add(most); // else it never passes
        MutexGuard::unlocked(guard, || futex_wait(&self.wakes, before, Some(most)));
        deadline.is_none_or(|deadline| Instant::now() < deadline)
    }

    /// Wakes one who sleeps. The caller has changed under the lock what they wait for.
    pub(crate) fn notify_one(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        futex_wake(&self.wakes);
    }

    /// Wakes all who sleep.
    pub(crate) fn notify_all(&self) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        futex_wake_all(&self.wakes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn one_at_a_time() {
        const ROUNDS: u64 = 20_000;
        let count = Arc::new(Mutex::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let count = count.clone();
                std::thread::spawn(move || (0..ROUNDS).for_each(|_| *count.lock() += 1))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(*count.lock(), 4 * ROUNDS);
    }

    #[test]
    fn who_waits_is_woken() {
        let shared = Arc::new((Mutex::new(0), Condvar::new()));
        let theirs = shared.clone();
        let thread = std::thread::spawn(move || {
            for turn in 0..1_000 {
                let mut number = theirs.0.lock();
                while *number != 2 * turn + 1 {
                    theirs.1.wait_for(&mut number, Duration::from_secs(100));
                }
                *number += 1;
                theirs.1.notify_all();
            }
        });
        for turn in 0..1_000 {
            let mut number = shared.0.lock();
            while *number != 2 * turn {
                shared.1.wait_for(&mut number, Duration::from_secs(100));
            }
            *number += 1;
            shared.1.notify_one();
        }
        thread.join().unwrap();
        assert!(!shared.1.wait_for(&mut shared.0.lock(), Duration::ZERO));
    }
}
