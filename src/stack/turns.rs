//! How a task that was paused in the middle of things gets its window back.
//!
//! A task that computes, or sits in a system call, does not give up its window. It can be *paused*:
//! a signal handler on its thread copies its live bytes away, gives up the window for it, and wants
//! it back later ([`preempt`](crate::sched::preempt)). Such a task is *away*. It is in nobody's hands
//! and on no wait list: its thread claims the window here. Whoever leaves the window hands it over to
//! one that claims it; where nobody holds it, the claimer takes it.
//!
//! So that both sides get on, they take turns of a slice: a task that is away leaves the others a
//! slice before it claims, and those who got the window back leave them one more when they are
//! paused again, whoever else claims meanwhile.
//!
//! Guarantees: one holder at a time, who sees what the one before wrote; claims are served in order,
//! each by a task that leaves the window when the others' slice is over, or within a millisecond
//! after it was given up in another way; a window that is free while a task is away has no resident, so
//! that whoever is back has nobody to copy out. `tests/loom/turns.rs` checks the first two.
//!
//! Go: nothing; a goroutine's stack is its own, and preempting one leaves it where it is
//! (`runtime/preempt.go`).

use crate::atomic::{futex_wait, futex_wake_all, AtomicU32, AtomicU64, Ordering};
use crate::stack::ownership::{Ownership, Waiters};
use std::cell::Cell;
use std::time::Duration;

/// How often one that claims a window looks whether it is free: nobody wakes it then.
const POLL: Duration = Duration::from_millis(1);

/// Added to the state for each task that is away.
const AWAY: u32 = 2;
/// In the state: the holder has come back from a pause.
const BY_TURN: u32 = 1;

/// The turns at one window.
pub(crate) struct Turns {
    /// Only the window's holder touches it.
    state: Cell<u32>,
    /// How many have claimed the window so far, and how many of them have got it.
    claims: AtomicU32,
    served: AtomicU32,
    /// 1 while the window is held for the next of them, who has not noticed yet.
    granted: AtomicU32,
    /// Nobody is served before that time. Only the holder writes it.
    others_until: AtomicU64,
}

impl Turns {
    pub(crate) fn new() -> Turns {
        Turns {
            state: Cell::new(0),
            claims: AtomicU32::new(0),
            served: AtomicU32::new(0),
            granted: AtomicU32::new(0),
            others_until: AtomicU64::new(0),
        }
    }

    /// For the holder: whether nobody is away, nor has just come back.
    #[inline]
    pub(crate) fn are_quiet(&self) -> bool {
        self.state.get() == 0
    }

    /// For the holder: whether a task is away.
    pub(crate) fn anybody_away(&self) -> bool {
        self.state.get() >= AWAY
    }

    /// Whether somebody claims the window. A hint for all but the holder.
    pub(crate) fn anybody_claims(&self) -> bool {
        // Relaxed: what the holder finds claimed is, since only who holds the window is served.
        self.claims.load(Ordering::Relaxed) != self.served.load(Ordering::Relaxed)
    }

    /// For the holder, whose task is about to be away. If it had come back by its turn, and others
    /// wait, they get the window until `others_until`, in nanoseconds of the caller's clock.
    pub(crate) fn go_away(&self, ownership: &Ownership, others_until: u64) {
        let state = self.state.get();
        if state & BY_TURN != 0 && ownership.anybody_waits() {
            // Relaxed: the next holder sees it as all else that this one has written; claimers look
            // again and again.
            self.others_until.store(others_until, Ordering::Relaxed);
        }
        self.state.set((state & !BY_TURN) + AWAY);
    }

    /// For the holder, whose task parks, yields or ends.
    pub(crate) fn end_turn(&self) {
        self.state.set(self.state.get() & !BY_TURN);
    }

    /// Gives up the window: to one that claims it, or else to everybody. The caller holds it, and if
    /// somebody is away it has no resident.
    #[must_use = "the waiters must be made ready, or they wait for ever"]
    pub(crate) fn give_up(&self, ownership: &Ownership, now: u64) -> Waiters {
        if !self.anybody_claims() || now < self.others_until.load(Ordering::Relaxed) {
            return ownership.release();
        }
        // It stays held. Release pairs with the Acquire in `come_back`.
        self.granted.swap(1, Ordering::Release); // (loom knows no order of a store and a swap)
        futex_wake_all(&self.granted); // only one of them is next
        Waiters::none()
    }

    /// For one that is away: waits until it holds the window again. `clock` tells the time. In a
    /// signal handler.
    pub(crate) fn come_back(&self, ownership: &Ownership, clock: impl Fn() -> u64) {
        // Relaxed, here and below: what is handed over is ordered by `granted` and by the ownership.
        let number = self.claims.fetch_add(1, Ordering::Relaxed);
        loop {
            let served = self.served.load(Ordering::Relaxed);
            if served != number {
                futex_wait(&self.served, served, None);
            } else if self.is_served(ownership, &clock) {
                break;
            } else {
                futex_wait(&self.granted, 0, Some(POLL));
            }
        }
        // Before it gives up the window.
        self.served.store(number.wrapping_add(1), Ordering::Relaxed);
        futex_wake_all(&self.served);
        self.state.set((self.state.get() - AWAY) | BY_TURN);
    }

    /// For the next to be served: whether it holds the window now.
    fn is_served(&self, ownership: &Ownership, clock: impl Fn() -> u64) -> bool {
        // Acquire pairs with the Release in `give_up`. Relaxed: see `go_away`.
        self.granted.swap(0, Ordering::Acquire) == 1
            || (clock() >= self.others_until.load(Ordering::Relaxed) && ownership.try_acquire())
    }
}
