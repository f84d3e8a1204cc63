//! Counted references to a channel, one count for each side: when one reaches zero, the channel is
//! disconnected; when both have, it is freed.
//!
//! Two `Arc`s of one value would do the same with twice the atomic operations.

use super::channel::Channel;
use super::state::Side;
use crate::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::ops::Deref;
use std::ptr::NonNull;

struct Counted<T> {
    channel: Channel<T>,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    /// One side has gone.
    one_gone: AtomicBool,
}

/// A reference of the sending side or of the receiving side.
pub(crate) struct Handle<T, const RECEIVES: bool>(NonNull<Counted<T>>);

/// What a `Sender` has.
pub(crate) type SenderHandle<T> = Handle<T, false>;
/// What a `Receiver` has.
pub(crate) type ReceiverHandle<T> = Handle<T, true>;

// SAFETY: a counted reference to a channel, which may be used from any thread if its messages may
// be sent.
unsafe impl<T: Send, const RECEIVES: bool> Send for Handle<T, RECEIVES> {}
// SAFETY: as above.
unsafe impl<T: Send, const RECEIVES: bool> Sync for Handle<T, RECEIVES> {}

/// A channel with one handle for each side.
pub(crate) fn new<T>(capacity: Option<usize>) -> (SenderHandle<T>, ReceiverHandle<T>) {
    let counted = NonNull::from(Box::leak(Box::new(Counted {
        channel: Channel::new(capacity),
        senders: AtomicUsize::new(1),
        receivers: AtomicUsize::new(1),
        one_gone: AtomicBool::new(false),
    })));
    (Handle(counted), Handle(counted))
}

impl<T, const RECEIVES: bool> Handle<T, RECEIVES> {
    fn counted(&self) -> &Counted<T> {
        // SAFETY: the reference this stands for keeps it.
        unsafe { self.0.as_ref() }
    }

    fn count(&self) -> &AtomicUsize {
        let counted = self.counted();
        if RECEIVES {
            &counted.receivers
        } else {
            &counted.senders
        }
    }

    /// Whether both are of one channel.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T, const RECEIVES: bool> Deref for Handle<T, RECEIVES> {
    type Target = Channel<T>;
    #[inline]
    fn deref(&self) -> &Channel<T> {
        &self.counted().channel
    }
}

impl<T, const RECEIVES: bool> Clone for Handle<T, RECEIVES> {
    fn clone(&self) -> Self {
        // Relaxed: whoever passes the new handle on synchronises that.
        if self.count().fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            std::process::abort(); // only reached by leaking handles: as Arc does
        }
        Handle(self.0)
    }
}

impl<T, const RECEIVES: bool> Drop for Handle<T, RECEIVES> {
    #[inline]
    fn drop(&mut self) {
        // Release and Acquire pair with each other: what each handle's owner did comes before the
        // disconnection, which is the last one's.
        if self.count().fetch_sub(1, Ordering::AcqRel) == 1 {
            self.drop_last();
        }
    }
}

impl<T, const RECEIVES: bool> Handle<T, RECEIVES> {
    #[inline(never)]
    fn drop_last(&mut self) {
        // Frees at the end, if that is ours to do, whether or not a dropped message panics.
        struct Leave<T>(NonNull<Counted<T>>);
        impl<T> Drop for Leave<T> {
            fn drop(&mut self) {
                // SAFETY: until both sides have said that they are gone it is there.
                let one_gone = unsafe { &self.0.as_ref().one_gone };
                // Release and Acquire pair with each other: what the other side did to the channel
                // comes before it is freed.
                if one_gone.swap(true, Ordering::AcqRel) {
                    // SAFETY: made by Box::leak, and both sides are gone.
                    drop(unsafe { Box::from_raw(self.0.as_ptr()) });
                }
            }
        }
        let leave = Leave(self.0);
        self.disconnect(if RECEIVES { Side::Receiver } else { Side::Sender });
        drop(leave);
    }
}
