//! Where a thread of the runtime sleeps until it is woken.
//!
//! A word: EMPTY, TOKEN (somebody has come), or WAITING (the thread sleeps, and is to be woken). It
//! is the runtime's own, since a task may use `std::thread::park` on the same thread.
//!
//! Guarantees: a wake-up that comes before the sleep is not lost, and two are one; what the waker did
//! before is seen after. [`unpark`](Parker::unpark) may be called in a signal handler.
//! `tests/loom/parking.rs` checks it.
//!
//! Go: `runtime/lock_futex.go` `notesleep`, `notewakeup`.

use crate::atomic::{futex_wait, futex_wake, AtomicU32, Ordering};
use std::time::Instant;

const EMPTY: u32 = 0;
const TOKEN: u32 = 1;
const WAITING: u32 = 2;

pub(crate) struct Parker {
    state: AtomicU32,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { state: AtomicU32::new(EMPTY) }
    }

    /// Sleeps until somebody comes. For one thread.
    pub(crate) fn park(&self) {
        while !self.take_token() {
            futex_wait(&self.state, WAITING, None);
        }
    }

    /// Sleeps until then at most: false if nobody came.
    pub(crate) fn park_until(&self, deadline: Instant) -> bool {
        while !self.take_token() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Acquire: as in `take_token`.
                return self.state.swap(EMPTY, Ordering::Acquire) == TOKEN;
            }
            futex_wait(&self.state, WAITING, Some(left));
        }
        true
    }

    /// Takes the token, or else announces that the thread is about to sleep.
    fn take_token(&self) -> bool {
        // Relaxed: whichever it is, only the swap below takes something over.
        let announced =
            self.state.compare_exchange(EMPTY, WAITING, Ordering::Relaxed, Ordering::Relaxed);
        // Acquire pairs with the Release in `unpark`. A swap, so that of two who came one after the
        // other the second is seen as well.
        announced == Err(TOKEN) && self.state.swap(EMPTY, Ordering::Acquire) == TOKEN
    }

    /// Wakes the thread, or spares it its next sleep.
    pub(crate) fn unpark(&self) {
        let state = &raw const self.state;
        // Release pairs with the Acquire of the thread that takes the token.
        if self.state.swap(TOKEN, Ordering::Release) == WAITING {
            futex_wake(state);
        }
    }
}
