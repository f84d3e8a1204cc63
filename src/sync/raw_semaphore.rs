//! The semaphore's protocol: one word, and a queue for those whose permits are not there yet.
//!
//! The word holds the permits and the bit QUEUED. Without the bit, permits are taken and given back
//! by one exchange. With it, nobody takes permits past the queue, and those that come back are
//! dealt out to its head under its lock: a request for many waits until they have come together,
//! while those behind it wait.
//!
//! Loads are Relaxed: each is a guess that the exchange after it checks, a hint for the caller, or
//! is made under the queue's lock, under which what it looks for does not change. Exchanges that
//! fail are Relaxed, too: they are such loads.
//!
//! Go: `golang.org/x/sync/semaphore` (not `runtime/sema.go`, whose semaphores count by ones and are
//! not fair).

use super::parking::{Handle, Reason};
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Somebody waits.
const QUEUED: usize = 1;
/// One permit.
const PERMIT: usize = 1 << 1;

/// The most permits a semaphore can have.
pub(crate) const MAX_PERMITS: usize = usize::MAX / PERMIT;

/// The one token: the permits are yours.
const GRANTED: usize = 0;

/// A semaphore.
pub(crate) struct RawSemaphore {
    state: AtomicUsize,
    queue: WaitQueue<()>,
}

impl RawSemaphore {
    /// A semaphore of an initial state and an empty queue.
    pub(crate) const fn from_parts(state: AtomicUsize, queue: WaitQueue<()>) -> RawSemaphore {
        RawSemaphore { state, queue }
    }

    /// The state of a semaphore with so many permits.
    pub(crate) const fn state_of(permits: usize) -> usize {
        assert!(permits <= MAX_PERMITS, "a semaphore with more than MAX_PERMITS");
        permits * PERMIT
    }

    /// How many permits there are.
    pub(crate) fn available(&self) -> usize {
        self.state.load(Ordering::Relaxed) / PERMIT
    }

    /// Takes permits if they are there and nobody waits.
    #[inline]
    pub(crate) fn try_acquire(&self, permits: usize) -> bool {
        let mut now = self.state.load(Ordering::Relaxed);
        while now & QUEUED == 0 && now / PERMIT >= permits {
            // Acquire pairs with the Release in `release`.
            match self.state.compare_exchange_weak(
                now,
                now - permits * PERMIT,
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        permits == 0
    }

    /// Takes permits. False if the deadline came first.
    #[inline]
    pub(crate) fn acquire_until(&self, permits: usize, deadline: Option<Instant>) -> bool {
        self.try_acquire(permits) || self.acquire_slow(permits, deadline)
    }

    #[cold]
    fn acquire_slow(&self, permits: usize, deadline: Option<Instant>) -> bool {
        let mut queue = self.queue.lock();
        // Relaxed: whoever sees QUEUED goes through the queue's lock.
        let before = self.state.fetch_or(QUEUED, Ordering::Relaxed);
        let key = queue.push_back(permits);
        if before & QUEUED == 0 {
            // Permits may have come back since we looked: then we are served ourselves, and find
            // the token.
            self.deal_out(&mut queue).iter().for_each(Handle::unpark);
        }
        drop(queue);
        // Whoever leaves may have been in the way of smaller requests.
        let give_up = |queue: &mut Queue<()>, token: Option<usize>| match token {
            Some(_) => self.give_back(queue, permits),
            None => self.deal_out(queue),
        };
        self.queue.wait(key, Reason::SemaphoreAcquire, deadline, give_up).is_some()
    }

    /// Adds permits, or gives them back.
    ///
    /// # Panics
    ///
    /// If there would be more than `MAX_PERMITS`.
    #[inline]
    pub(crate) fn release(&self, permits: usize) {
        let mut now = self.state.load(Ordering::Relaxed);
        while now & QUEUED == 0 {
            // Release pairs with the Acquire of whoever takes them.
            match self.state.compare_exchange_weak(
                now,
                sum(now, permits),
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(other) => now = other,
            }
        }
        self.release_slow(permits);
    }

    #[cold]
    fn release_slow(&self, permits: usize) {
        let mut queue = self.queue.lock();
        let served = self.give_back(&mut queue, permits);
        drop(queue);
        served.iter().for_each(Handle::unpark);
    }

    /// With the queue locked: gives permits back.
    #[must_use]
    fn give_back(&self, queue: &mut Queue<()>, permits: usize) -> Vec<Handle> {
        let mut now = self.state.load(Ordering::Relaxed);
        // Release: as in `release`.
        while let Err(other) = self.state.compare_exchange_weak(
            now,
            sum(now, permits),
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            now = other;
        }
        self.deal_out(queue)
    }

    /// With the queue locked: serves its head as long as there are permits enough.
    #[must_use]
    fn deal_out(&self, queue: &mut Queue<()>) -> Vec<Handle> {
        let mut served = Vec::new();
        while let Some(wanted) = queue.front() {
            // While somebody is queued, permits change under the lock only.
            if self.available() < wanted {
                return served;
            }
            // Acquire pairs with the Release in `release`; the served get it from the queue's lock.
            self.state.fetch_sub(wanted * PERMIT, Ordering::Acquire);
            served.extend(queue.wake_front(GRANTED));
        }
        self.state.fetch_and(!QUEUED, Ordering::Relaxed); // as in `acquire_slow`
        served
    }
}

fn sum(state: usize, permits: usize) -> usize {
    let sum = permits.checked_mul(PERMIT).and_then(|permits| state.checked_add(permits));
    sum.expect("a semaphore with more than MAX_PERMITS")
}
