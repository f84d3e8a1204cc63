//! How the monitor sleeps while everybody does, and is woken by the first who gets up.
//!
//! The race to lose would be: the monitor sees all workers asleep, one gets up and finds the monitor
//! awake, and the monitor lies down for good. So: *lying down* is "I sleep, fence, do all sleep?", and
//! *getting up* is "I am up, fence, does the monitor sleep?". Of two such sequences at least one sees
//! the other's first half. `tests/loom/slumber.rs` checks it, and fails without either fence.
//!
//! Go: `runtime/proc.go` `sysmon`, which sleeps on `sched.sysmonnote`, all under `sched.lock`.

use crate::atomic::{fence, AtomicBool, Ordering};

/// Whether the monitor sleeps.
pub(crate) struct Slumber {
    asleep: AtomicBool,
}

impl Slumber {
    pub(crate) fn new() -> Slumber {
        Slumber { asleep: AtomicBool::new(false) }
    }

    /// For the monitor: true if it may sleep until it is woken, since `all_sleep` says so now.
    #[must_use]
    pub(crate) fn lie_down(&self, all_sleep: impl FnOnce() -> bool) -> bool {
        self.asleep.store(true, Ordering::Relaxed); // ordered by the fence
                                                    // Pairs with the fence in `must_wake`.
        fence(Ordering::SeqCst);
        all_sleep()
    }

    /// Whether the monitor sleeps, or is about to.
    pub(crate) fn is_asleep(&self) -> bool {
        self.asleep.load(Ordering::Relaxed) // a hint
    }

    /// For the monitor, whether it has slept or not.
    pub(crate) fn get_up(&self) {
        self.asleep.store(false, Ordering::Relaxed); // whoever wakes it in vain does no harm
    }

    /// For a worker that has got up: true if the monitor is to be woken, by this worker alone.
    #[inline]
    #[must_use]
    pub(crate) fn must_wake(&self) -> bool {
        // Pairs with the fence in `lie_down`: either the monitor sees that we are up, or we see it
        // asleep.
        fence(Ordering::SeqCst);
        self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed)
    }
}
