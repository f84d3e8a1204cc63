//! [`RwLock`]: the type around `raw_rwlock`, with `lock_api`'s guards inside.
//!
//! Go: `sync/rwmutex.go`.

use super::guard::guard;
use super::mutex::deadline_in;
use super::raw_mutex::RawMutex;
use super::raw_rwlock::RawRwLock;
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::AtomicUsize;
use std::fmt;
use std::time::{Duration, Instant};

/// A reader-writer lock for tasks: many may read at a time, or one may write. Who waits is parked;
/// an ordinary thread is blocked. There is no poisoning.
///
/// A writer that waits goes before readers that come later, and the readers that came while it was
/// in go before the next writer (as in Go): neither keeps the other out. So a task must not read
/// again while it is reading: if a writer comes between the two, both wait for ever.
///
/// Guards may be held across a suspension.
///
/// ```
/// use midge::{spawn, sync::RwLock, Runtime};
/// use std::sync::Arc;
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let names = Arc::new(RwLock::new(vec!["one"]));
///     let writer = names.clone();
///     spawn(move || writer.write().push("two")).join().unwrap();
///     assert_eq!(*names.read(), ["one", "two"]);
/// });
/// ```
///
/// It may be shared if its data may be sent and shared:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<midge::sync::RwLock<std::cell::Cell<u8>>>();
/// ```
pub struct RwLock<T: ?Sized>(lock_api::RwLock<RawRwLock, T>);

guard! {
    /// The right to read a [`RwLock`]'s data; dropping it lets go, which is no suspension point.
    ///
    /// ```compile_fail,E0277
    /// fn sendable<T: Send>() {}
    /// sendable::<midge::sync::RwLockReadGuard<'static, std::rc::Rc<u8>>>();
    /// ```
    RwLockReadGuard of RawRwLock, mapped to MappedRwLockReadGuard
}

guard! {
    /// A [`RwLockReadGuard`] of a part of the data.
    ///
    /// ```
    /// use midge::sync::{RwLock, RwLockReadGuard};
    /// let pair = RwLock::new((1, 2));
    /// assert_eq!(*RwLockReadGuard::map(pair.read(), |pair| &pair.1), 2);
    /// ```
    MappedRwLockReadGuard of RawRwLock, mapped to MappedRwLockReadGuard
}

guard! { mut
    /// The right to write a [`RwLock`]'s data; dropping it lets go, which is no suspension point.
    ///
    /// ```compile_fail,E0277
    /// fn sendable<T: Send>() {}
    /// sendable::<midge::sync::RwLockWriteGuard<'static, std::rc::Rc<u8>>>();
    /// ```
    RwLockWriteGuard of RawRwLock, mapped to MappedRwLockWriteGuard
}

guard! { mut
    /// A [`RwLockWriteGuard`] of a part of the data.
    ///
    /// ```
    /// use midge::sync::{RwLock, RwLockWriteGuard};
    /// let pair = RwLock::new((1, 2));
    /// *RwLockWriteGuard::map(pair.write(), |pair| &mut pair.0) = 3;
    /// assert_eq!(*pair.read(), (3, 2));
    /// ```
    MappedRwLockWriteGuard of RawRwLock, mapped to MappedRwLockWriteGuard
}

impl<T> RwLock<T> {
    /// A lock that nobody has.
    pub const fn new(value: T) -> RwLock<T> {
        RwLock(lock_api::RwLock::new(value))
    }

    /// The data.
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Locks for reading, and waits while a writer is in or waits. A suspension point then.
    ///
    /// If the task is cancelled while it waits, it unwinds from here, without the lock.
    ///
    /// # Panics
    ///
    /// If there are more than a quarter of `usize::MAX` read guards of one lock.
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard(self.0.read())
    }

    /// Locks for writing, and waits until nobody else is in. A suspension point then.
    ///
    /// If the task is cancelled while it waits, it unwinds from here, without the lock.
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard(self.0.write())
    }

    /// Locks for reading unless a writer is in or waits.
    ///
    /// ```
    /// let lock = midge::sync::RwLock::new(());
    /// let (first, second) = (lock.try_read().unwrap(), lock.try_read().unwrap());
    /// assert!(lock.try_write().is_none());
    /// # drop((first, second));
    /// ```
    #[inline]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read().map(RwLockReadGuard)
    }

    /// Locks for writing if nobody is in.
    #[inline]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write().map(RwLockWriteGuard)
    }

    /// As [`read`](Self::read), but returns `None` if it takes longer than this.
    pub fn try_read_for(&self, timeout: Duration) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read_for(timeout).map(RwLockReadGuard)
    }

    /// As [`read`](Self::read), but returns `None` if it takes until then.
    pub fn try_read_until(&self, deadline: Instant) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read_until(deadline).map(RwLockReadGuard)
    }

    /// As [`write`](Self::write), but returns `None` if it takes longer than this. Until then
    /// readers that come later wait, as for any writer.
    pub fn try_write_for(&self, timeout: Duration) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write_for(timeout).map(RwLockWriteGuard)
    }

    /// As [`write`](Self::write), but returns `None` if it takes until then.
    pub fn try_write_until(&self, deadline: Instant) -> Option<RwLockWriteGuard<'_, T>> {
        self.0.try_write_until(deadline).map(RwLockWriteGuard)
    }

    /// Whether somebody is in at this moment.
    pub fn is_locked(&self) -> bool {
        self.0.is_locked()
    }

    /// Whether a writer is in at this moment.
    pub fn is_locked_exclusive(&self) -> bool {
        self.0.is_locked_exclusive()
    }

    /// The data. The borrow shows that nobody has the lock.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// Goes on as a reader, without letting a writer in between.
    ///
    /// ```
    /// use midge::sync::{RwLock, RwLockWriteGuard};
    /// let lock = RwLock::new(1);
    /// let guard = RwLockWriteGuard::downgrade(lock.write());
    /// assert_eq!(*guard + *lock.read(), 2);
    /// ```
    pub fn downgrade(guard: Self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard(lock_api::RwLockWriteGuard::downgrade(guard.0))
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// SAFETY: `RawRwLock` is a reader-writer lock: see its own page; and the rest as for `RawMutex`
// (mutex.rs).
unsafe impl lock_api::RawRwLock for RawRwLock {
    #[allow(clippy::declare_interior_mutable_const)] // The trait wants it.
    const INIT: RawRwLock = RawRwLock::from_parts(
        <RawMutex as lock_api::RawMutex>::INIT,
        AtomicUsize::new(0),
        WaitQueue::new(crate::atomic::Mutex::new(Queue::new(()))),
    );

    type GuardMarker = lock_api::GuardSend;

    #[inline]
    fn lock_shared(&self) {
        self.lock_shared_until(None);
    }

    #[inline]
    fn try_lock_shared(&self) -> bool {
        self.try_lock_shared()
    }

    #[inline]
    unsafe fn unlock_shared(&self) {
        self.unlock_shared();
    }

    #[inline]
    fn lock_exclusive(&self) {
        self.lock_exclusive_until(None);
    }

    #[inline]
    fn try_lock_exclusive(&self) -> bool {
        self.try_lock_exclusive()
    }

    #[inline]
    unsafe fn unlock_exclusive(&self) {
        self.unlock_exclusive();
    }

    fn is_locked(&self) -> bool {
        self.is_locked()
    }

    fn is_locked_exclusive(&self) -> bool {
        self.is_locked_exclusive()
    }
}

// SAFETY: as above; each locks if and only if it returns true.
unsafe impl lock_api::RawRwLockTimed for RawRwLock {
    type Duration = Duration;
    type Instant = Instant;

    fn try_lock_shared_for(&self, timeout: Duration) -> bool {
        self.try_lock_shared() || self.lock_shared_until(deadline_in(timeout))
    }

    fn try_lock_shared_until(&self, deadline: Instant) -> bool {
        self.lock_shared_until(Some(deadline))
    }

    fn try_lock_exclusive_for(&self, timeout: Duration) -> bool {
        self.try_lock_exclusive() || self.lock_exclusive_until(deadline_in(timeout))
    }

    fn try_lock_exclusive_until(&self, deadline: Instant) -> bool {
        self.lock_exclusive_until(Some(deadline))
    }
}

// SAFETY: the reader is counted in the same exchange in which the writer leaves.
unsafe impl lock_api::RawRwLockDowngrade for RawRwLock {
    unsafe fn downgrade(&self) {
        self.downgrade();
    }
}
