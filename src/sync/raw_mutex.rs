//! The mutex's protocol: one word and a wait queue.
//!
//! | bit | meaning |
//! |---|---|
//! | LOCKED | somebody has the mutex |
//! | QUEUED | the queue is not empty |
//! | WOKEN | somebody who was woken (or spins) is about to try: an unlock need not wake another |
//! | STARVING | the mutex is handed on at each unlock; comes with LOCKED and QUEUED |
//!
//! In *normal mode* an unlock frees the mutex and wakes the first of the queue, which then competes
//! with whoever comes by. A running task usually wins, so that a mutex under contention changes
//! hands without a switch; the loser goes back to the head of the queue. One that has lost for more
//! than 1 ms turns on *starving mode*: then an unlock does not free the mutex but hands it to the
//! head of the queue, newcomers queue up, and nobody can be overtaken. The mode ends with a new
//! owner that has waited less, or with the queue.
//!
//! QUEUED changes, and STARVING is set, only under the queue's lock. All changes are
//! read-modify-writes. The wake-up that must not be lost is that of an unlock which finds somebody
//! queued: the waiter sets QUEUED while it sees LOCKED *in the same exchange*, so the exchange that
//! clears LOCKED comes later and sees QUEUED. WOKEN is the promise of one task to look again;
//! whoever has made it either takes the mutex, queues again in the same exchange that finds it
//! LOCKED, or (cancelled) passes it on.
//!
//! Loads are Relaxed: each is a guess that the exchange after it checks, a hint for the caller, or
//! is made under the queue's lock, under which what it looks for does not change. Exchanges that
//! fail are Relaxed, too: they are such loads.
//!
//! Guarantees: mutual exclusion; a free mutex with a queue has somebody on the way to it; a waiter
//! that leaves, for whatever reason, passes on what it had been given.
//!
//! Go: `internal/sync/mutex.go`, whose comment on the two modes says why.

use super::parking::{self, Handle, Reason};
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::{AtomicU32, Ordering};
use std::time::Instant;

const LOCKED: u32 = 1;
const QUEUED: u32 = 1 << 1;
const WOKEN: u32 = 1 << 2;
const STARVING: u32 = 1 << 3;

/// The token of a waiter that may try again.
const TRY: usize = 0;
/// The token of a waiter that has the mutex.
const OWNED: usize = 1;

/// A mutex without its data.
pub(crate) struct RawMutex {
    state: AtomicU32,
    queue: WaitQueue<()>,
}

impl RawMutex {
    /// An unlocked mutex, of a state of 0 and an empty queue.
    pub(crate) const fn from_parts(state: AtomicU32, queue: WaitQueue<()>) -> RawMutex {
        RawMutex { state, queue }
    }

    /// Locks. False if the deadline came first.
    #[inline]
    pub(crate) fn lock_until(&self, deadline: Option<Instant>) -> bool {
        // Acquire pairs with the Release of `unlock`.
        self.state.compare_exchange(0, LOCKED, Ordering::Acquire, Ordering::Relaxed).is_ok()
            || self.lock_slow(deadline)
    }

    /// Locks if that needs no waiting.
    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let mut now = self.state.load(Ordering::Relaxed);
        while now & LOCKED == 0 {
            // Acquire pairs with the Release of `unlock`.
            match self.state.compare_exchange_weak(
                now,
                now | LOCKED,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Whether somebody has it.
    pub(crate) fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & LOCKED != 0
    }

    /// Unlocks. Only for who has the mutex. Not a suspension point.
    #[inline]
    pub(crate) fn unlock(&self) {
        // Release pairs with the Acquire of whoever locks next.
        if self.state.compare_exchange(LOCKED, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.unlock_slow();
        }
    }

    #[cold]
    fn lock_slow(&self, deadline: Option<Instant>) -> bool {
        let mut since = None;
        let mut woken = false; // WOKEN is this task's promise
        let mut rounds = 0;
        let mut now = self.state.load(Ordering::Relaxed);
        loop {
            if now & LOCKED == 0 {
                let then = (now | LOCKED) & !if woken { WOKEN } else { 0 };
                // Acquire pairs with the Release of `unlock`.
                match self.state.compare_exchange_weak(
                    now,
                    then,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return true,
                    Err(other) => now = other,
                }
                continue;
            }
            // Nobody gets it by spinning in starving mode.
            if now & STARVING == 0 && parking::spin(&mut rounds) {
                woken = woken || self.promise_to_look();
                now = self.state.load(Ordering::Relaxed);
                continue;
            }
            let key = {
                let mut queue = self.queue.lock();
                let starving = since.is_some_and(parking::is_starved);
                if !self.announce_wait(woken, starving) {
                    drop(queue);
                    now = self.state.load(Ordering::Relaxed);
                    continue;
                }
                match since {
                    None => queue.push_back(0),
                    Some(_) => queue.push_front(0), // it has waited longest
                }
            };
            let since = *since.get_or_insert_with(Instant::now);
            match self
                .queue
                .wait(key, Reason::MutexLock, deadline, |queue, token| self.give_up(queue, token))
            {
                None => return false,
                Some(OWNED) => {
                    if !parking::is_starved(since) {
                        // Relaxed: the owner's alone to clear, and no data hangs on it.
                        self.state.fetch_and(!STARVING, Ordering::Relaxed);
                    }
                    return true;
                }
                Some(_) => woken = true,
            }
            rounds = 0;
            now = self.state.load(Ordering::Relaxed);
        }
    }

    /// For one who spins: an unlock need not wake another. True if the promise is the caller's.
    fn promise_to_look(&self) -> bool {
        let now = self.state.load(Ordering::Relaxed);
        // Relaxed: no data hangs on the bit.
        now & (QUEUED | WOKEN) == QUEUED
            && self
                .state
                .compare_exchange(now, now | WOKEN, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// With the queue locked: the caller will be in it. False if the mutex is free by now.
    fn announce_wait(&self, woken: bool, starving: bool) -> bool {
        let mut now = self.state.load(Ordering::Relaxed);
        while now & LOCKED != 0 {
            let mut then = now | QUEUED;
            if woken {
                then &= !WOKEN;
            }
            if starving {
                then |= STARVING;
            }
            // Relaxed: whoever sees QUEUED goes through the queue's lock.
            match self.state.compare_exchange_weak(now, then, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    #[cold]
    fn unlock_slow(&self) {
        let mut now = self.state.load(Ordering::Relaxed);
        loop {
            if now & STARVING != 0 {
                let mut queue = self.queue.lock();
                // It may have ended meanwhile, if the queue is empty.
                if self.state.load(Ordering::Relaxed) & STARVING != 0 {
                    let next = self.hand_over(&mut queue);
                    drop(queue);
                    return next.unpark();
                }
                drop(queue);
                now = self.state.load(Ordering::Relaxed);
                continue;
            }
            // Release pairs with the Acquire of whoever locks next.
            match self.state.compare_exchange_weak(
                now,
                now & !LOCKED,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(other) => now = other,
            }
        }
        if now & (QUEUED | WOKEN) == QUEUED {
            let mut queue = self.queue.lock();
            let next = self.wake_one(&mut queue);
            drop(queue);
            if let Some(next) = next {
                next.unpark();
            }
        }
    }

    /// In starving mode, with the queue locked and the caller the owner: its head is the owner now.
    fn hand_over(&self, queue: &mut Queue<()>) -> Handle {
        if queue.len() == 1 {
            // Relaxed, as in `announce_wait`. The new owner sees what the old one did through the
            // queue's lock.
            self.state.fetch_and(!(QUEUED | STARVING), Ordering::Relaxed);
        }
        queue.wake_front(OWNED).expect("in starving mode somebody is queued")
    }

    /// With the queue locked: its head may try, unless that is somebody else's business already:
    /// the owner's, when it unlocks, or that of who promised to look.
    #[must_use]
    fn wake_one(&self, queue: &mut Queue<()>) -> Option<Handle> {
        let mut now = self.state.load(Ordering::Relaxed);
        loop {
            if now & (LOCKED | WOKEN) != 0 || queue.len() == 0 {
                return None;
            }
            let then = if queue.len() == 1 { (now | WOKEN) & !QUEUED } else { now | WOKEN };
            // Relaxed: as in `announce_wait`.
            match self.state.compare_exchange_weak(now, then, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return queue.wake_front(TRY),
                Err(other) => now = other,
            }
        }
    }

    /// With the queue locked: one who waited leaves. Returns who is woken in its place.
    fn give_up(&self, queue: &mut Queue<()>, token: Option<usize>) -> Vec<Handle> {
        let next = match token {
            Some(OWNED) => self.pass_on(queue),
            Some(_) => {
                // Relaxed, as in `announce_wait`. If it is locked, the unlock comes after this and
                // sees it.
                self.state.fetch_and(!WOKEN, Ordering::Relaxed);
                self.wake_one(queue)
            }
            None => {
                if queue.len() == 0 {
                    // Relaxed: as above.
                    self.state.fetch_and(!(QUEUED | STARVING), Ordering::Relaxed);
                }
                None
            }
        };
        next.into_iter().collect()
    }

    /// With the queue locked: unlocks.
    fn pass_on(&self, queue: &mut Queue<()>) -> Option<Handle> {
        if self.state.load(Ordering::Relaxed) & STARVING != 0 {
            return Some(self.hand_over(queue)); // nobody sets or clears it now
        }
        // Release pairs with the Acquire of whoever locks next.
        self.state.fetch_and(!LOCKED, Ordering::Release);
        self.wake_one(queue)
    }
}
