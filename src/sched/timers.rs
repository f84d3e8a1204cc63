//! The timers of one processor: its own worker adds to them and looks at them regularly, idle
//! workers look after those of all.
//!
//! The wheel is under a short lock; `next` repeats outside of it when there is something to do, so
//! that looking costs one load. A timer ends in one of two ways, each under the lock: it is removed
//! by who set it, or it fires. What fires is told to a closure *while the lock is held*: so when
//! `remove` says that there was nothing left to remove, the firing is over, and what the timer
//! pointed to may be freed. `tests/loom/timers.rs` checks it.
//!
//! Who adds a timer that comes before all others of its processor tells the
//! [`keeper`](super::keeper).
//!
//! Go: `runtime/time.go` `timers`, `(*timers).check`, `timers.minWhenHeap`.

use crate::atomic::{AtomicU64, Mutex, Ordering};
use crate::sched::wheel::{EntryKey, Wheel};

/// There is no timer.
pub(crate) const NEVER: u64 = u64::MAX;

/// How many timers fire or move under one hold of the lock.
pub(crate) const STEPS: usize = 64;

pub(crate) struct Timers<T> {
    /// The tick at which there is something to do, or [`NEVER`]. Written under the lock.
    next: AtomicU64,
    wheel: Mutex<Wheel<T>>,
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Timers<T> {
        Timers { next: AtomicU64::new(NEVER), wheel: Mutex::new(Wheel::new()) }
    }

    /// The tick at which there is something to do, or [`NEVER`].
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        // Relaxed: a worker that is about to sleep looks after a fence (`keeper`); any other looks
        // again soon.
        self.next.load(Ordering::Relaxed)
    }

    /// Adds a timer. With its key comes the tick for the keeper, if nothing of this processor was
    /// due so soon.
    pub(crate) fn add(&self, tick: u64, target: T) -> (EntryKey, Option<u64>) {
        let mut wheel = self.wheel.lock();
        let key = wheel.add(tick, target);
        let next = wheel.next().unwrap_or(NEVER);
        // Relaxed: the lock orders the writers; for readers see `next`.
        let sooner = next < self.next.load(Ordering::Relaxed);
        if sooner {
            self.next.store(next, Ordering::Relaxed);
        }
        (key, sooner.then_some(next))
    }

    /// Removes a timer. None if it has fired: then that is over.
    pub(crate) fn remove(&self, key: EntryKey) -> Option<T> {
        let mut wheel = self.wheel.lock();
        let target = wheel.remove(key);
        if target.is_some() {
            self.next.store(wheel.next().unwrap_or(NEVER), Ordering::Relaxed);
        }
        target
    }

    /// Fires timers that are due at the tick `now`: some of them, up to `STEPS`. Returns false if
    /// there are more. `fire` is called under the lock: it must not come back here.
    pub(crate) fn fire(&self, now: u64, fire: impl FnMut(T)) -> bool {
        let mut wheel = self.wheel.lock();
        let all = wheel.advance(now, STEPS, fire);
        self.next.store(wheel.next().unwrap_or(NEVER), Ordering::Relaxed);
        all
    }
}
