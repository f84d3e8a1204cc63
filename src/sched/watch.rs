//! Whether a worker is in the runtime's code, so that the monitor can tell when it is not.
//!
//! An only worker that runs tasks which may migrate uses its queue and its windows without atomics
//! (`Processor::exclusive`). When a task hogs it, others have to come to its help, and that has to
//! end; but not while the worker is at it. So each call that a task makes into the runtime is
//! bracketed: *enter* is "say that I am inside, fence, is the monitor here?", and the monitor's
//! [`look`](Watch::look) is "say that I am here, fence, is the worker inside?". Of two such
//! sequences at least one sees the other's first half: either the worker waits for the monitor to
//! finish, or the monitor leaves it alone. `tests/loom/watch.rs` checks it, and fails without
//! either fence.
//!
//! The worker enters all the time and the monitor hardly ever looks, so the worker's fence only
//! holds back the compiler, and the monitor's is a system call that makes every thread of the
//! process run one (`membarrier`).
//!
//! Go: `runtime/proc.go` `retake` and `reentersyscall`, with a compare-and-swap of the processor's
//! status; a signal (`preemptone`) for one that computes.

use crate::atomic::{heavy_fence, light_fence, AtomicBool, Ordering};

pub(crate) struct Watch {
    inside: AtomicBool,
    wanted: AtomicBool,
}

impl Watch {
    /// A worker begins its life inside.
    pub(crate) fn new() -> Watch {
        Watch { inside: AtomicBool::new(true), wanted: AtomicBool::new(false) }
    }

    /// The worker enters. True if the monitor is here: then the worker waits for its lock, and
    /// looks what has changed.
    #[inline]
    #[must_use]
    pub(crate) fn enter(&self) -> bool {
        self.inside.store(true, Ordering::Relaxed); // ordered by the fence
        light_fence();
        // Acquire pairs with the Release in `finish`: what the monitor did is over.
        self.wanted.load(Ordering::Acquire)
    }

    /// The worker leaves.
    #[inline]
    pub(crate) fn leave(&self) {
        // Release pairs with the Acquire in `look`: the monitor sees all that was done inside.
        self.inside.store(false, Ordering::Release);
    }

    /// Whether the worker is inside.
    #[inline]
    pub(crate) fn is_inside(&self) -> bool {
        self.inside.load(Ordering::Relaxed) // for the worker itself
    }

    /// For the monitor, under its lock: true if the worker is outside, and does not get far inside
    /// until the lock is free. False also if the system does not let the monitor know.
    #[must_use]
    pub(crate) fn look(&self) -> bool {
        self.wanted.store(true, Ordering::Relaxed); // ordered by the fence
        heavy_fence() && !self.inside.load(Ordering::Acquire) // pairs with the Release in `leave`
    }

    /// The monitor, or the worker on its behalf, has finished. Under the lock.
    pub(crate) fn finish(&self) {
        // Release pairs with the Acquire in `enter`.
        self.wanted.store(false, Ordering::Release);
    }

    /// Whether the monitor is here, for a worker that is inside anyway.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) // whoever sees it takes the lock
    }
}
