//! A lock for a few instructions: one atomic exchange to take it, a plain store to give it back.
//!
//! Nobody may suspend, call foreign code or wait for anything while holding it. A thread that finds
//! it taken spins, and after a while lets the other threads of the machine go first, since the
//! holder may have been preempted.
//!
//! Why not a mutex that sleeps ([`lock`](crate::lock)): its unlock is a second atomic exchange, and these two are most of
//! what an operation on a channel costs.
//!
//! Go: `runtime/lock_futex.go` `lock2`, which spins, yields and then sleeps.

use std::sync::atomic::{AtomicBool, Ordering};

/// The lock alone; what it protects is next to it.
pub(crate) struct SpinLock(AtomicBool);

impl SpinLock {
    pub(crate) const fn new() -> SpinLock {
        SpinLock(AtomicBool::new(false))
    }

    /// Takes the lock. Not to be called by who has it.
    #[inline]
    pub(crate) fn lock(&self) {
        // Acquire pairs with the Release in `unlock`.
        if self.0.swap(true, Ordering::Acquire) {
            self.lock_contended();
        }
    }

    #[cold]
    #[inline(never)]
    fn lock_contended(&self) {
        /// The holder needs less than that, unless it has lost its processor.
        const SPINS: u32 = 100;
        let mut spins = 0;
        loop {
            // Relaxed: only a hint that the exchange is worth its price.
            while self.0.load(Ordering::Relaxed) {
                if spins < SPINS {
                    spins += 1;
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
            // Acquire pairs with the Release in `unlock`.
            if !self.0.swap(true, Ordering::Acquire) {
                return;
            }
        }
    }

    /// Gives the lock back.
    ///
    /// # Safety
    ///
    /// The caller has it.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // Release pairs with the Acquire of whoever takes the lock next: it sees what was done
        // under it.
        self.0.store(false, Ordering::Release);
    }
}
