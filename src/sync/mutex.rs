//! [`Mutex`]: the type around `raw_mutex`, with `lock_api`'s guards inside.
//!
//! Guards are `Send` when the data is: what a lock holds is one word of the mutex and no business
//! of a thread's, so any thread may release it. That is needed, too: a task may suspend with a
//! guard and go on on another worker.
//!
//! Go: `sync/mutex.go`.

use super::guard::guard;
use super::raw_mutex::RawMutex;
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::AtomicU32;
use std::fmt;
use std::time::{Duration, Instant};

/// A mutual exclusion lock for tasks, of 24 bytes beside its data. A task that waits for it is
/// parked; an ordinary thread that does is blocked.
///
/// There is no poisoning: a panic releases the lock like anything else that drops the guard.
///
/// A guard may be held across a suspension, and is released wherever its task is then. While nobody
/// waits, locking and unlocking are one atomic operation each. Under contention the mutex goes to
/// whoever is running, which is fast, until somebody has waited for more than 1 ms; then it
/// is handed over in the order of arrival (as in Go).
///
/// ```
/// use midge::{spawn, sync::Mutex, task, Runtime};
///
/// static SUM: Mutex<u64> = Mutex::new(0);
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let add = |n| {
///         let mut sum = SUM.lock();
///         task::yield_now(); // others wait
///         *sum += n;
///     };
///     let tasks: Vec<_> = (0..100).map(|n| spawn(move || add(n))).collect();
///     tasks.into_iter().for_each(|task| task.join().unwrap());
/// });
/// assert_eq!(*SUM.lock(), 4950);
/// ```
///
/// It may be shared if its data may be sent:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<midge::sync::Mutex<std::rc::Rc<u8>>>();
/// ```
pub struct Mutex<T: ?Sized>(lock_api::Mutex<RawMutex, T>);

guard! { mut
    /// The right to use a [`Mutex`]'s data; dropping it unlocks, which is no suspension point.
    ///
    /// It may be sent to another thread if the data may be:
    ///
    /// ```
    /// fn sendable<T: Send + Sync>() {}
    /// sendable::<midge::sync::MutexGuard<'static, Vec<u8>>>();
    /// ```
    ///
    /// ```compile_fail,E0277
    /// fn sendable<T: Send>() {}
    /// sendable::<midge::sync::MutexGuard<'static, std::rc::Rc<u8>>>();
    /// ```
    MutexGuard of RawMutex, mapped to MappedMutexGuard
}

guard! { mut
    /// A [`MutexGuard`] of a part of the data.
    ///
    /// ```
    /// use midge::sync::{Mutex, MutexGuard};
    /// let pair = Mutex::new((1, 2));
    /// *MutexGuard::map(pair.lock(), |pair| &mut pair.1) += 1;
    /// assert_eq!(*pair.lock(), (1, 3));
    /// ```
    ///
    /// ```compile_fail,E0277
    /// fn sendable<T: Send>() {}
    /// sendable::<midge::sync::MappedMutexGuard<'static, std::rc::Rc<u8>>>();
    /// ```
    MappedMutexGuard of RawMutex, mapped to MappedMutexGuard
}

impl<T> Mutex<T> {
    /// A mutex that is not locked.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(lock_api::Mutex::new(value))
    }

    /// The data.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Locks, and waits for it if need be. A suspension point then.
    ///
    /// A task that has the lock already waits for ever. If the task is cancelled while it waits, it
    /// unwinds from here, without the lock.
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock())
    }

    /// Locks if nobody has it.
    ///
    /// ```
    /// let mutex = midge::sync::Mutex::new(());
    /// let guard = mutex.try_lock().unwrap();
    /// assert!(mutex.try_lock().is_none());
    /// # drop(guard);
    /// ```
    #[inline]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().map(MutexGuard)
    }

    /// As [`lock`](Self::lock), but returns `None` if it takes longer than this.
    pub fn try_lock_for(&self, timeout: Duration) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock_for(timeout).map(MutexGuard)
    }

    /// As [`lock`](Self::lock), but returns `None` if it takes until then.
    ///
    /// ```
    /// use std::time::Instant;
    /// let mutex = midge::sync::Mutex::new(());
    /// let guard = mutex.lock();
    /// assert!(mutex.try_lock_until(Instant::now()).is_none());
    /// # drop(guard);
    /// ```
    pub fn try_lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock_until(deadline).map(MutexGuard)
    }

    /// Whether somebody has it at this moment.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// The data. The borrow shows that nobody has the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<T: ?Sized> MutexGuard<'_, T> {
    /// The mutex, to unlock and lock it as `Condvar` does.
    pub(super) fn raw(&self) -> &RawMutex {
        // SAFETY: `Condvar` unlocks it only while it has the guard borrowed, and locks it again
        // before it returns or unwinds.
        unsafe { lock_api::MutexGuard::mutex(&self.0).raw() }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Mutex<T> {
        Mutex::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The point in time, if it is one that can be waited for; else it never comes.
pub(super) fn deadline_in(timeout: Duration) -> Option<Instant> {
    Instant::now().checked_add(timeout)
}

// SAFETY: `RawMutex` is a mutex: see its own page. `lock` may unwind, and then the mutex is not
// locked; `Mutex` and its guards offer nothing of `lock_api`'s that minds. The marker says that
// guards may be sent: a lock knows no owner, and whoever unlocks uses the word and the queue's
// lock, which any thread may.
unsafe impl lock_api::RawMutex for RawMutex {
    #[allow(clippy::declare_interior_mutable_const)] // The trait wants it.
    const INIT: RawMutex = RawMutex::from_parts(
        AtomicU32::new(0),
        WaitQueue::new(crate::atomic::Mutex::new(Queue::new(()))),
    );

    type GuardMarker = lock_api::GuardSend;

    #[inline]
    fn lock(&self) {
        self.lock_until(None);
    }

    #[inline]
    fn try_lock(&self) -> bool {
        self.try_lock()
    }

    #[inline]
    unsafe fn unlock(&self) {
        self.unlock();
    }

    fn is_locked(&self) -> bool {
        self.is_locked()
    }
}

// SAFETY: as above; both lock if and only if they return true.
unsafe impl lock_api::RawMutexTimed for RawMutex {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_for(&self, timeout: Duration) -> bool {
        self.try_lock() || self.lock_until(deadline_in(timeout))
    }

    fn try_lock_until(&self, deadline: Instant) -> bool {
        self.lock_until(Some(deadline))
    }
}
