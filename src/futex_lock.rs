//! A lock that is one word, whose waiters sleep in the system: the protocol of [`lock`](crate::lock).
//!
//! The word is FREE; TAKEN; or CONTENDED, when others may sleep until the holder is done, who wakes one
//! of them then. Who has slept cannot know whether others do, and so takes the lock as CONTENDED.
//!
//! Guarantees: one holder at a time, who sees what the one before did; nobody sleeps while the lock is
//! free. `tests/loom/futex_lock.rs` checks it.
//!
//! Go: `runtime/lock_futex.go` `lock2`, `unlock2`, with the same three values.

use crate::atomic::{futex_wait, futex_wake, AtomicU32, Ordering};

pub(crate) const FREE: u32 = 0;
const TAKEN: u32 = 1;
const CONTENDED: u32 = 2;

/// The holder mostly needs less than so many looks.
const SPINS: u32 = 100;

/// Takes the lock if it is free.
#[inline]
pub(crate) fn try_lock(word: &AtomicU32) -> bool {
    // Acquire pairs with the Release in `unlock`.
    word.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed).is_ok()
}

/// Takes the lock, which was not free a moment ago.
#[cold]
pub(crate) fn lock_contended(word: &AtomicU32) {
    for _ in 0..SPINS {
        // Relaxed: only a hint that the exchange is worth its price.
        if word.load(Ordering::Relaxed) == FREE && try_lock(word) {
            return;
        }
        std::hint::spin_loop();
    }
    sleep_for(word);
}

/// The same without spinning.
pub(crate) fn sleep_for(word: &AtomicU32) {
    // Acquire: as in `try_lock`.
    while word.swap(CONTENDED, Ordering::Acquire) != FREE {
        futex_wait(word, CONTENDED, None);
    }
}

/// Gives the lock up. The caller has it.
#[inline]
pub(crate) fn unlock(word: &AtomicU32) {
    // Release pairs with the Acquire of whoever gets the lock next.
    if word.swap(FREE, Ordering::Release) == CONTENDED {
        futex_wake(word);
    }
}
