//! [`Semaphore`]: the type around `raw_semaphore`.
//!
//! Go: `golang.org/x/sync/semaphore`.

use super::mutex::deadline_in;
use super::raw_semaphore::{self, RawSemaphore};
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::AtomicUsize;
use std::fmt;
use std::time::{Duration, Instant};

/// A number of permits that tasks take and give back.
///
/// Requests are served in the order of arrival: one for many permits holds up those behind it until
/// it can be served, so small ones do not starve it.
///
/// ```
/// use midge::{spawn, sync::Semaphore, task, Runtime};
///
/// static SEATS: Semaphore = Semaphore::new(2);
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let visit = || {
///         let _seat = SEATS.acquire(); // at most two at a time are past this line
///         task::yield_now();
///     };
///     let visitors: Vec<_> = (0..10).map(|_| spawn(visit)).collect();
///     visitors.into_iter().for_each(|visitor| visitor.join().unwrap());
/// });
/// assert_eq!(SEATS.available_permits(), 2);
/// ```
pub struct Semaphore(RawSemaphore);

/// Permits of a [`Semaphore`]; dropping it gives them back, which is no suspension point.
#[must_use = "the permits are given back at once if this is not kept"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl Semaphore {
    /// The most permits a semaphore can have: half of `usize::MAX`.
    pub const MAX_PERMITS: usize = raw_semaphore::MAX_PERMITS;

    /// A semaphore with so many permits.
    ///
    /// # Panics
    ///
    /// If that is more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    pub const fn new(permits: usize) -> Semaphore {
        let state = AtomicUsize::new(RawSemaphore::state_of(permits));
        let queue = WaitQueue::new(crate::atomic::Mutex::new(Queue::new(())));
        Semaphore(RawSemaphore::from_parts(state, queue))
    }

    /// Takes one permit, and waits for it if need be. A suspension point then.
    ///
    /// If the task is cancelled while it waits, it unwinds from here, without the permit.
    pub fn acquire(&self) -> SemaphorePermit<'_> {
        self.acquire_many(1)
    }

    /// Takes so many permits at once, and waits until they are all there. While it waits for
    /// permits that never come together, so does everybody behind it.
    ///
    /// ```
    /// let semaphore = midge::sync::Semaphore::new(3);
    /// let two = semaphore.acquire_many(2);
    /// assert_eq!(semaphore.available_permits(), 1);
    /// drop(two);
    /// assert_eq!(semaphore.available_permits(), 3);
    /// ```
    pub fn acquire_many(&self, permits: usize) -> SemaphorePermit<'_> {
        self.0.acquire_until(permits, None);
        SemaphorePermit { semaphore: self, permits }
    }

    /// Takes one permit if there is one and nobody waits.
    ///
    /// ```
    /// let semaphore = midge::sync::Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_none());
    /// # drop(permit);
    /// ```
    pub fn try_acquire(&self) -> Option<SemaphorePermit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes so many permits if they are there and nobody waits.
    pub fn try_acquire_many(&self, permits: usize) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire(permits).then_some(())?;
        Some(SemaphorePermit { semaphore: self, permits })
    }

    /// As [`acquire_many`](Self::acquire_many), but returns `None` if it takes longer than this.
    pub fn try_acquire_many_for(
        &self,
        permits: usize,
        timeout: Duration,
    ) -> Option<SemaphorePermit<'_>> {
        self.acquire_until(permits, deadline_in(timeout))
    }

    /// As [`acquire_many`](Self::acquire_many), but returns `None` if it takes until then.
    pub fn try_acquire_many_until(
        &self,
        permits: usize,
        deadline: Instant,
    ) -> Option<SemaphorePermit<'_>> {
        self.acquire_until(permits, Some(deadline))
    }

    fn acquire_until(
        &self,
        permits: usize,
        deadline: Option<Instant>,
    ) -> Option<SemaphorePermit<'_>> {
        self.0.acquire_until(permits, deadline).then_some(())?;
        Some(SemaphorePermit { semaphore: self, permits })
    }

    /// Adds permits to those there are.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    ///
    /// ```
    /// let semaphore = midge::sync::Semaphore::new(0);
    /// semaphore.add_permits(5);
    /// assert_eq!(semaphore.available_permits(), 5);
    /// ```
    pub fn add_permits(&self, permits: usize) {
        self.0.release(permits);
    }

    /// How many permits are there to be taken at this moment.
    pub fn available_permits(&self) -> usize {
        self.0.available()
    }
}

impl SemaphorePermit<'_> {
    /// How many permits these are.
    pub fn permits(&self) -> usize {
        self.permits
    }

    /// Keeps the permits from being given back: the semaphore has so many fewer.
    ///
    /// ```
    /// let semaphore = midge::sync::Semaphore::new(2);
    /// semaphore.acquire().forget();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// ```
    pub fn forget(mut self) {
        self.permits = 0;
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.0.release(self.permits);
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("available_permits", &self.available_permits()).finish()
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SemaphorePermit").field("permits", &self.permits).finish_non_exhaustive()
    }
}
