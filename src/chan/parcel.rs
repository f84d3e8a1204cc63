//! A place on the heap, in a wait node, for one message of any type on its way between two tasks.
//!
//! A message must not pass through the stack of a parked task: that may be frozen, with another
//! task's bytes at its addresses. (Go's `sendDirect` does write to the receiver's stack, and Go
//! locks every channel to move a stack.) Wait nodes are reused for channels of all types, so the
//! place is untyped: small messages lie in it, large ones in a box that it points to.

use crate::atomic::UnsafeCell;
use std::mem::MaybeUninit;

const WORDS: usize = 4;

/// The place. It does not know whether a message is in it; whoever has the node does.
pub(crate) struct Parcel(UnsafeCell<MaybeUninit<[usize; WORDS]>>);

const fn fits<T>() -> bool {
    size_of::<T>() <= size_of::<[usize; WORDS]>() && align_of::<T>() <= align_of::<usize>()
}

impl Parcel {
    pub(crate) fn new() -> Parcel {
        Parcel(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Puts a message in.
    ///
    /// # Safety
    ///
    /// Nobody else is at the parcel, and it is empty.
    #[inline]
    pub(crate) unsafe fn put<T>(&self, message: T) {
        // SAFETY: ours alone, and large enough for what is written.
        self.0.with_mut(|place| unsafe {
            if const { fits::<T>() } {
                place.cast::<T>().write(message);
            } else {
                place.cast::<*mut T>().write(Box::into_raw(Box::new(message)));
            }
        })
    }

    /// Takes the message out.
    ///
    /// # Safety
    ///
    /// Nobody else is at the parcel, and a `T` is in it.
    #[inline]
    pub(crate) unsafe fn take<T>(&self) -> T {
        // SAFETY: ours alone, and `put` left a `T` or a box of one.
        self.0.with_mut(|place| unsafe {
            if const { fits::<T>() } {
                place.cast::<T>().read()
            } else {
                *Box::from_raw(place.cast::<*mut T>().read())
            }
        })
    }

    /// Moves what is in it to another place.
    ///
    /// # Safety
    ///
    /// Nobody else is at the parcel. It counts as empty afterwards if it was not.
    pub(crate) unsafe fn move_out(&self) -> Parcel {
        // SAFETY: ours alone; the words are copied as they are.
        Parcel(UnsafeCell::new(self.0.with_mut(|place| unsafe { *place })))
    }
}
