//! The atomics of the protocols that have loom models.
//!
//! The models (`tests/loom/`) include those files under a crate root whose `atomic` is loom's.

pub(crate) use std::sync::atomic::{
    fence, AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering,
};

pub(crate) use crate::futex::{futex_wait, futex_wake, futex_wake_all};
pub(crate) use crate::lock::Mutex;
pub(crate) use crate::membarrier::{heavy_fence, light_fence};
pub(crate) use crate::spin_lock::SpinLock;

/// Whether memory may be kept from one use to the next. (In a model all that is used is made in
/// it.)
pub(crate) const REUSE: bool = true;

/// Lets another thread go on that this one waits for in a loop. `turn` is the number of turns so
/// far.
#[inline]
pub(crate) fn relax(turn: u32) {
    if turn < 100 {
        std::hint::spin_loop();
    } else {
        std::thread::yield_now(); // it has probably lost its processor
    }
}

/// `std::cell::UnsafeCell` in the shape of loom's, which watches who is at it when.
#[repr(transparent)]
pub(crate) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Calls `f` with a pointer to the value, for changing it.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}
