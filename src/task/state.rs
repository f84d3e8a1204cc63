//! The one word that says what a task is up to.
//!
//! | bit | meaning | set by | cleared by |
//! |---|---|---|---|
//! | PARKED | the task is off its stack, saved, and waits | the worker that left it | whoever wakes it, who must then make it ready |
//! | NOTIFIED | an unpark came while it was not parked | unpark | the next park, which then does not park |
//! | CANCELLED | it shall unwind at its next suspension point | cancel | the task, when it begins to unwind |
//! | TIMED_OUT | a timeout is over: likewise | the timeout's timer | the task, when it leaves that timeout |
//! | UNWINDING | it has begun to | the task | - |
//! | HANDLE | the JoinHandle is there and owns the result | birth | the handle's drop |
//! | JOINER | somebody waits for the end; the joiner slot is filled | join | - |
//! | DONE | the result is in place | the task | - |
//!
//! Guarantees: of those who race to wake a parked task exactly one is told to make it ready; a
//! notification that comes before the park is not lost, and two are one; the joiner is either told
//! that the task is done or is woken; the result is dropped by exactly one. `tests/loom/state.rs`
//! and `tests/loom/join.rs` check them.
//!
//! Go: `runtime/runtime2.go` (`_Grunning`, `_Gwaiting`, ...) and `runtime/proc.go` `park_m`,
//! `goready`.

use crate::atomic::{AtomicU32, Ordering};

const PARKED: u32 = 1;
const NOTIFIED: u32 = 1 << 1;
const CANCELLED: u32 = 1 << 2;
const UNWINDING: u32 = 1 << 3;
const HANDLE: u32 = 1 << 4;
const JOINER: u32 = 1 << 5;
const DONE: u32 = 1 << 6;
const TIMED_OUT: u32 = 1 << 7;

/// A task's state word.
///
/// Loads that begin a loop of exchanges are Relaxed, as are exchanges that fail: they are guesses,
/// which the exchange that succeeds checks.
pub(crate) struct State(AtomicU32);

impl State {
    /// A task that has not run, with its JoinHandle.
    pub(crate) fn new() -> State {
        State(AtomicU32::new(HANDLE))
    }

    /// For the task itself, before it parks: takes a notification, if there is one.
    pub(crate) fn take_notification(&self) -> bool {
        // Relaxed: only a hint that the swap below is worth its price.
        if self.0.load(Ordering::Relaxed) & NOTIFIED == 0 {
            return false;
        }
        // Acquire pairs with the Release in `unpark`: what the waker did before is seen after.
        self.0.fetch_and(!NOTIFIED, Ordering::Acquire) & NOTIFIED != 0
    }

    /// For the worker that has left the task's stack: publishes that it is parked. False if it may
    /// not park because it was notified meanwhile or, if it could unwind, is to unwind; the worker
    /// makes it ready then.
    #[must_use]
    pub(crate) fn publish_parked(&self, may_unwind: bool) -> bool {
        let reasons = if may_unwind { NOTIFIED | CANCELLED | TIMED_OUT } else { NOTIFIED };
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            debug_assert_eq!(now & (PARKED | DONE), 0);
            let (then, parked) =
                if now & reasons != 0 { (now & !NOTIFIED, false) } else { (now | PARKED, true) };
            // Release pairs with the Acquire in `unpark` and `cancel`: who wakes the task sees it
            // saved. Acquire, for the case that it was notified: as in `take_notification`.
            match self.0.compare_exchange_weak(now, then, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return parked,
                Err(other) => now = other,
            }
        }
    }

    /// Wakes the task, or leaves it a notification. True if the caller must make it ready.
    #[must_use]
    pub(crate) fn unpark(&self) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & DONE != 0 {
                return false;
            }
            let then = if now & PARKED != 0 { now & !PARKED } else { now | NOTIFIED };
            // Release and Acquire: see `take_notification` and `publish_parked`. When nothing
            // changes the exchange still has to happen: the earlier notifier's Release does not
            // cover our writes.
            match self.0.compare_exchange_weak(now, then, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return now & PARKED != 0,
                Err(other) => now = other,
            }
        }
    }

    /// Asks the task to unwind at its next suspension point. True if it was parked and the caller
    /// must make it ready.
    #[must_use]
    pub(crate) fn cancel(&self) -> bool {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & (DONE | CANCELLED | UNWINDING) != 0 {
                return false;
            }
            let then = (now | CANCELLED) & !PARKED;
            // Acquire: see `publish_parked`. Release pairs with the Acquire there: a task that
            // finds the request as it parks sees what the canceller did before.
            match self.0.compare_exchange_weak(now, then, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return now & PARKED != 0,
                Err(other) => now = other,
            }
        }
    }

    /// Whether the task has been asked to unwind and has not begun to.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        // Relaxed: a request that this misses is seen at the next suspension point.
        self.0.load(Ordering::Relaxed) & CANCELLED != 0
    }

    /// Asks the task to unwind out of a timeout at its next suspension point. True if it was parked
    /// and the caller must make it ready.
    #[must_use]
    pub(crate) fn time_out(&self) -> bool {
        // Acquire and Release: as in `cancel`. The two bits change in one step.
        let update = |now| Some((now | TIMED_OUT) & !PARKED);
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Relaxed, update);
        before.is_ok_and(|before| before & PARKED != 0)
    }

    /// For the task itself, when it leaves a timeout: takes that back. False if there was nothing.
    pub(crate) fn forget_time_out(&self) -> bool {
        // Relaxed: no data hangs on the bit.
        self.0.load(Ordering::Relaxed) & TIMED_OUT != 0
            && self.0.fetch_and(!TIMED_OUT, Ordering::Relaxed) & TIMED_OUT != 0
    }

    /// Whether the task has been asked to unwind, for whichever reason, and has not begun to.
    #[inline]
    pub(crate) fn should_unwind(&self) -> bool {
        // Relaxed: as in `is_cancelled`.
        self.0.load(Ordering::Relaxed) & (CANCELLED | TIMED_OUT) != 0
    }

    /// Whether `cancel` would have an effect.
    pub(crate) fn can_cancel(&self) -> bool {
        // Relaxed: a hint.
        self.0.load(Ordering::Relaxed) & (DONE | CANCELLED | UNWINDING) == 0
    }

    /// Whether it neither waits nor has ended. A hint for anybody but its worker.
    pub(crate) fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed) & (PARKED | DONE) == 0 // a hint
    }

    /// Whether nobody has woken the task yet. For a thread's stand-in, which waits by itself.
    pub(crate) fn is_parked(&self) -> bool {
        // Acquire pairs with the Release in `unpark`.
        self.0.load(Ordering::Acquire) & PARKED != 0
    }

    /// For a thread that has waited long enough: true unless somebody has just woken it.
    pub(crate) fn withdraw_parked(&self) -> bool {
        // Acquire: if it was woken, as in `is_parked`.
        self.0.fetch_and(!PARKED, Ordering::Acquire) & PARKED != 0
    }

    /// For the task itself: it unwinds from now on, and may park again in its destructors.
    pub(crate) fn begin_unwinding(&self) {
        let mut now = self.0.load(Ordering::Relaxed);
        // Relaxed: no data hangs on these two bits.
        while let Err(other) = self.0.compare_exchange_weak(
            now,
            (now & !CANCELLED) | UNWINDING,
            Ordering::Relaxed,
            Ordering::Relaxed,
        ) {
            now = other;
        }
    }

    /// For the task itself, with its result in place: hands it to the handle, and says whether a
    /// joiner is to be woken. `None` if there is no handle any more: then the result is the task's
    /// to drop, which may suspend, so that it is not done before it calls
    /// [`complete_detached`](Self::complete_detached).
    pub(crate) fn complete(&self) -> Option<WakeJoiner> {
        let mut now = self.0.load(Ordering::Relaxed);
        loop {
            if now & HANDLE == 0 {
                return None; // it never comes back
            }
            // Release publishes the result (pairs with `is_done`, `register_joiner` and
            // `drop_handle`); Acquire takes over the joiner slot (pairs with `register_joiner`).
            match self.0.compare_exchange_weak(now, now | DONE, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return Some(WakeJoiner(now & JOINER != 0)),
                Err(other) => now = other,
            }
        }
    }

    /// For the task itself, without a handle and with its result dropped: it is done.
    pub(crate) fn complete_detached(&self) {
        // Relaxed: nobody reads the result.
        self.0.fetch_or(DONE, Ordering::Relaxed);
    }

    /// Whether the result is in place.
    pub(crate) fn is_done(&self) -> bool {
        // Acquire pairs with the Release in `complete`.
        self.0.load(Ordering::Acquire) & DONE != 0
    }

    /// For the joiner, with its slot filled: true if it will be woken at the end, false if the end
    /// has been.
    #[must_use]
    pub(crate) fn register_joiner(&self) -> bool {
        // Release publishes the slot, Acquire takes over the result: both pair with `complete`.
        self.0.fetch_or(JOINER, Ordering::AcqRel) & DONE == 0
    }

    /// For the handle that goes away unjoined: true if the result is there and now the caller's to
    /// drop.
    #[must_use]
    pub(crate) fn drop_handle(&self) -> bool {
        // Acquire takes over the result from `complete`.
        self.0.fetch_and(!HANDLE, Ordering::Acquire) & DONE != 0
    }
}

/// Whether somebody is in the joiner slot.
pub(crate) struct WakeJoiner(pub(crate) bool);
