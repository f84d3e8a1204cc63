//! The runtime's own locks: a mutex and a condition variable on a word each.
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
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Nobody has the lock; somebody has; and others may sleep until he is done.
const FREE: u32 = 0;
const TAKEN: u32 = 1;
const CONTENDED: u32 = 2;

/// The holder mostly needs less than so many looks.
const SPINS: u32 = 100;

pub(crate) type Mutex<T> = lock_api::Mutex<RawMutex, T>;
pub(crate) type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

/// The word of a mutex.
pub(crate) struct RawMutex(AtomicU32);

// SAFETY: the word is FREE until one exchange makes it something else, and only the holder makes it
// FREE again.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)] // lock_api wants it so
    const INIT: RawMutex = RawMutex(AtomicU32::new(FREE));
    type GuardMarker = lock_api::GuardNoSend;

    #[inline]
    fn lock(&self) {
        if !self.try_lock() {
            self.lock_contended();
        }
    }

    #[inline]
    fn try_lock(&self) -> bool {
        // Acquire pairs with the Release in `unlock`.
        self.0.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[inline]
    unsafe fn unlock(&self) {
        // Release pairs with the Acquire of whoever gets the lock next.
        if self.0.swap(FREE, Ordering::Release) == CONTENDED {
            futex_wake(&self.0);
        }
    }
}

impl RawMutex {
    #[cold]
    fn lock_contended(&self) {
        for _ in 0..SPINS {
            // Relaxed: only a hint that the exchange is worth its price.
            if self.0.load(Ordering::Relaxed) == FREE && lock_api::RawMutex::try_lock(self) {
                return;
            }
            std::hint::spin_loop();
        }
        // Who has slept cannot know whether others do, so it says that they may.
        // Acquire: as in `try_lock`.
        while self.0.swap(CONTENDED, Ordering::Acquire) != FREE {
            futex_wait(&self.0, CONTENDED, None);
        }
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
        let deadline = Instant::now() + most;
        MutexGuard::unlocked(guard, || futex_wait(&self.wakes, before, Some(most)));
        Instant::now() < deadline
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
