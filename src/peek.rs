//! Cells that one thread at a time writes and any thread may look at.
//!
//! A plain load or store each. Whoever looks learns a value that was there a moment ago, and nothing
//! else: it must not follow a pointer it has found so.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// A number. Relaxed throughout: see the module's page.
pub(crate) struct PeekU32(AtomicU32);

impl PeekU32 {
    pub(crate) const fn new(value: u32) -> PeekU32 {
        PeekU32(AtomicU32::new(value))
    }

    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// A pointer. Relaxed throughout: see the module's page.
pub(crate) struct PeekPtr<T>(AtomicPtr<T>);

impl<T> PeekPtr<T> {
    pub(crate) const fn new(pointer: *const T) -> PeekPtr<T> {
        PeekPtr(AtomicPtr::new(pointer.cast_mut()))
    }

    #[inline]
    pub(crate) fn get(&self) -> *const T {
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set(&self, pointer: *const T) {
        self.0.store(pointer.cast_mut(), Ordering::Relaxed);
    }
}
