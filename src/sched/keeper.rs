//! The keeper: the one sleeping worker that gets up for the next timer.
//!
//! Of the workers that sleep, one sleeps until the first timer of all processors is due; the others
//! sleep until they are woken. One word says who it is and how long it sleeps.
//!
//! The race to lose would be: the keeper looks at all timers and lies down, while somebody adds an
//! earlier one and sees no keeper. So: to *keep* is "publish oneself, fence, look at the timers";
//! to *add* is "publish the timer, fence, look for the keeper". Of two such sequences at least one
//! sees the other's first half. `tests/loom/timers.rs` checks it, and fails without either fence.
//!
//! Without a keeper nobody need be told: either nobody sleeps, or a worker searches, and a searcher
//! either lies down (and keeps) or finds work and, if it is the last one, wakes another (`idle`).
//! For that, a keeper resigns before it counts itself as awake: the lock of the sleepers then shows
//! its resignation to whoever lies down after.
//!
//! Go: `runtime/proc.go` `findRunnable` (`pollUntil`), `runtime/netpoll.go` `wakeNetPoller`: there
//! the keeper is who waits in the netpoller.

use crate::atomic::{fence, AtomicU64, Ordering};
use crate::sched::timers::NEVER;
use crate::sched::wheel::END;

/// The low bits are a tick, those above the worker's number.
const TICK_BITS: u32 = 48;
/// The last tick stands for "until woken".
const ALWAYS: u64 = END - 1;
const _: () = assert!(END == 1 << TICK_BITS);

/// No keeper. (There is no worker of this number: `config::MOST_WORKERS`.)
const NOBODY: u64 = u64::MAX;

pub(crate) struct Keeper(AtomicU64);

impl Keeper {
    pub(crate) fn new() -> Keeper {
        Keeper(AtomicU64::new(NOBODY))
    }

    /// A worker that lies down becomes the keeper, unless there is one. If so, it looks at the
    /// timers after this and says with [`until`](Self::until) what it found.
    #[must_use]
    pub(crate) fn apply(&self, worker: usize) -> bool {
        let word = (worker as u64) << TICK_BITS | ALWAYS;
        // Relaxed: see the fence.
        let applied =
            self.0.compare_exchange(NOBODY, word, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if applied {
            // Pairs with the fence in `tell`: either we see the timer, or its adder sees us.
            fence(Ordering::SeqCst);
        }
        applied
    }

    /// The keeper sleeps until this tick.
    pub(crate) fn until(&self, worker: usize, tick: u64) {
        // An earlier tick may have been put there, and then the wake-up is on its way; the higher
        // bits are ours. Relaxed: a hint that saves wake-ups.
        let word = (worker as u64) << TICK_BITS | tick.min(ALWAYS);
        self.0.fetch_min(word, Ordering::Relaxed);
    }

    /// The keeper has woken. Before it counts itself as awake.
    pub(crate) fn resign(&self) {
        // Relaxed: the lock of the sleepers publishes it. A swap, as a mere store would not have to
        // come after the change that `tell` makes at the same time.
        self.0.swap(NOBODY, Ordering::Relaxed);
    }

    /// After a timer was added: the keeper to wake, if it sleeps longer than until this tick.
    #[must_use]
    pub(crate) fn tell(&self, tick: u64) -> Option<usize> {
        debug_assert!(tick != NEVER);
        // Pairs with the fence in `apply`.
        fence(Ordering::SeqCst);
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now == NOBODY || now & ALWAYS <= tick {
                return None;
            }
            // So that the next one to add a timer knows that the keeper will wake in time.
            let then = now & !ALWAYS | tick;
            match self.0.compare_exchange_weak(now, then, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some((now >> TICK_BITS) as usize),
                Err(other) => now = other,
            }
        }
    }
}
