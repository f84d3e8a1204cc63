//! The channel itself: a state under one lock, and what is done around it: waiting, waking, and
//! leaving early.
//!
//! A receiver that is cancelled in the instant in which it has got a message passes it on to the
//! next one, or puts it back to the front of the buffer, which may then hold one more than its
//! capacity. A sender that is cancelled drops its message, unless a receiver has it.
//!
//! Go: `runtime/chan.go` `chansend`, `chanrecv`, `closechan`.

use super::error::{RecvTimeoutError, TrySendError};
use super::pool;
use super::state::{Found, Side, State};
use super::until::Until;
use super::wait_list::Wakes;
use super::waiters::{Node, Outcome, Progress};
use crate::atomic::{SpinLock, UnsafeCell};
use crate::sched::waiting::Waiting;
use crate::task::reason::Reason;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

pub(crate) struct Channel<T> {
    lock: SpinLock,
    state: UnsafeCell<State<T>>,
    /// `usize::MAX` if it is unbounded.
    capacity: usize,
}

// SAFETY: the state is used under the lock, and messages are moved between threads.
unsafe impl<T: Send> Send for Channel<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Channel<T> {}

/// The state, while its lock is held.
pub(crate) struct Locked<'a, T>(&'a Channel<T>);

impl<T> Deref for Locked<'_, T> {
    type Target = State<T>;
    #[inline]
    fn deref(&self) -> &State<T> {
        // SAFETY: the lock is held.
        self.0.state.with_mut(|state| unsafe { &*state })
    }
}

impl<T> DerefMut for Locked<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<T> {
        // SAFETY: the lock is held, and there is one `Locked`.
        self.0.state.with_mut(|state| unsafe { &mut *state })
    }
}

impl<T> Drop for Locked<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: taken when this was made.
        unsafe { self.0.lock.unlock() };
    }
}

/// The state, and those who have been claimed under its lock.
#[must_use = "those who have been claimed wait to be woken"]
struct Change<'a, T> {
    state: Locked<'a, T>,
    wakes: Wakes,
}

impl<T> Change<'_, T> {
    /// Releases the lock, and then wakes them. (To be called: as a destructor, this made the example
    /// `sieve` 3 % longer, in instructions.)
    #[inline]
    fn finish(self) {
        drop(self.state);
        self.wakes.wake();
    }
}

impl<T> Channel<T> {
    /// A channel for so many messages; `None`: for any number.
    pub(crate) fn new(capacity: Option<usize>) -> Channel<T> {
        let capacity = capacity.unwrap_or(usize::MAX);
        let state = UnsafeCell::new(State::new(capacity));
        Channel { lock: SpinLock::new(), state, capacity }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        (self.capacity != usize::MAX).then_some(self.capacity)
    }

    /// How many messages are in the buffer.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether a message would not find room in the buffer. Always, at a rendezvous.
    pub(crate) fn is_full(&self) -> bool {
        !self.lock().has_room()
    }

    /// The lock, for a select, which takes several.
    pub(crate) fn raw_lock(&self) -> &SpinLock {
        &self.lock
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        self.lock.lock();
        Locked(self)
    }

    /// The state, for a select that has taken the lock itself.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and forgets what this returns.
    pub(crate) unsafe fn locked_already(&self) -> std::mem::ManuallyDrop<Locked<'_, T>> {
        std::mem::ManuallyDrop::new(Locked(self))
    }

    /// The state, to be changed in a way by which others may have to be woken.
    #[inline]
    fn change(&self) -> Change<'_, T> {
        Change { state: self.lock(), wakes: Wakes::new() }
    }

    /// Sends, waiting `until` then. `Full` means that the time was up.
    #[inline]
    pub(crate) fn send(&self, message: T, until: Until) -> Result<(), TrySendError<T>> {
        let mut change = self.change();
        let offered = change.state.offer(message, &mut change.wakes);
        self.finish_send(change, offered, until)
    }

    /// Sends on a promise. Waits only if the promise has been broken.
    pub(crate) fn send_promised(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut change = self.change();
        let offered = change.state.fulfil(message, &mut change.wakes);
        self.finish_send(change, offered, Until::Forever)
    }

    #[inline]
    fn finish_send(
        &self,
        mut change: Change<'_, T>,
        offered: Result<(), TrySendError<T>>,
        until: Until,
    ) -> Result<(), TrySendError<T>> {
        let message = match offered {
            Err(TrySendError::Full(message)) if !matches!(until, Until::Now) => message,
            offered => {
                change.finish();
                return offered;
            }
        };
        let waiting = Waiting::current();
        let node = change.state.enlist_sender(&waiting, message);
        let wait = Wait { channel: self, node, side: Side::Sender };
        change.finish();
        match wait.finish(until) {
            (Outcome::Completed, _) => Ok(()),
            (Outcome::Disconnected, message) => {
                Err(TrySendError::Disconnected(message.expect("it was not taken")))
            }
            (_, message) => Err(TrySendError::Full(message.expect("it was not taken"))),
        }
    }

    /// Receives, waiting `until` then. `Timeout` means that the time was up.
    #[inline]
    pub(crate) fn recv(&self, until: Until) -> Result<T, RecvTimeoutError> {
        loop {
            let mut change = self.change();
            match change.state.take(&mut change.wakes) {
                Found::Message(message) => {
                    change.finish();
                    return Ok(message);
                }
                Found::Disconnected => {
                    change.finish();
                    return Err(RecvTimeoutError::Disconnected);
                }
                Found::Nothing if matches!(until, Until::Now) => {
                    change.finish(); // watchers
                    return Err(RecvTimeoutError::Timeout);
                }
                Found::Nothing | Found::Promise => {}
            }
            let waiting = Waiting::current();
            let node = change.state.enlist_receiver(&waiting);
            let wait = Wait { channel: self, node, side: Side::Receiver };
            change.finish();
            match wait.finish(until) {
                (Outcome::Completed, message) => return Ok(message.expect("it was handed over")),
                (Outcome::Disconnected, _) => return Err(RecvTimeoutError::Disconnected),
                (Outcome::Abandoned, _) => return Err(RecvTimeoutError::Timeout),
                (Outcome::Retry, _) => {}
            }
        }
    }

    /// For a message that was received and that nobody has taken: the next one has it.
    pub(crate) fn put_back(&self, message: T) {
        let mut change = self.change();
        change.state.put_back(message, &mut change.wakes);
        change.finish();
    }

    /// Takes back the promise of a place that nobody will use.
    pub(crate) fn release_promise(&self) {
        let mut change = self.change();
        change.state.release_promise(&mut change.wakes);
        change.finish();
    }

    /// One side is gone: all who wait are told, and what nobody can receive any more is dropped.
    pub(crate) fn disconnect(&self, gone: Side) {
        let mut change = self.change();
        let unreceived = change.state.disconnect(gone, &mut change.wakes);
        change.finish();
        drop(unreceived); // it may do anything, so nothing is held here
    }

    /// For a single receiver's node whose task is unwinding, or which nobody wants any more:
    /// leaves, and passes on the message that it has got meanwhile.
    ///
    /// # Safety
    ///
    /// The node is a plain one of this channel and that side, and the caller's to free.
    pub(crate) unsafe fn abandon(&self, node: NonNull<Node>, side: Side) {
        // SAFETY: the caller's.
        let wait = unsafe { node.as_ref() };
        let listed = self.lock().unlist(wait, side);
        let outcome = if listed { Outcome::Abandoned } else { wait.settled().0 };
        let has_message = (outcome == Outcome::Completed) == (side == Side::Receiver);
        // SAFETY: nobody else is at the node any more; a receiver's parcel has a message if it is
        // completed, a sender's if it is not.
        let message = has_message.then(|| unsafe { wait.parcel.take::<T>() });
        // SAFETY: unlinked, and its parcel is empty.
        unsafe { pool::give(node) };
        match message {
            Some(message) if side == Side::Receiver => self.put_back(message),
            message => drop(message),
        }
    }
}

impl<T> Drop for Channel<T> {
    #[inline]
    fn drop(&mut self) {
        self.state.with_mut(|_| ()); // the models see whether it is still in use
    }
}

/// A plain operation that waits. When it is dropped unfinished, because the task unwinds, it
/// leaves.
pub(crate) struct Wait<'a, T> {
    pub(crate) channel: &'a Channel<T>,
    pub(crate) node: NonNull<Node>,
    pub(crate) side: Side,
}

impl<T> Wait<'_, T> {
    /// Waits for the end, and returns it with the message that is then in the parcel.
    #[inline]
    pub(crate) fn finish(self, until: Until) -> (Outcome, Option<T>) {
        let outcome = self.wait(until);
        let wait = std::mem::ManuallyDrop::new(self);
        // SAFETY: our node, and nobody else is at it any more. See `abandon` for the message.
        unsafe {
            let parcel = &wait.node.as_ref().parcel;
            let has_message = (outcome == Outcome::Completed) == (wait.side == Side::Receiver);
            let message = has_message.then(|| parcel.take());
            pool::give(wait.node);
            (outcome, message)
        }
    }

    #[inline]
    fn wait(&self, mut until: Until) -> Outcome {
        // SAFETY: ours until we free it.
        let node = unsafe { self.node.as_ref() };
        let reason = match self.side {
            Side::Sender => Reason::ChanSend,
            Side::Receiver => Reason::ChanReceive,
        };
        loop {
            if let Progress::Done(outcome, _) = node.progress() {
                return outcome;
            }
            if !until.pause(reason) {
                if self.channel.lock().leave(node, self.side) {
                    return Outcome::Abandoned;
                }
                until = Until::Forever; // the outcome is on its way, or has been promised
            }
        }
    }
}

impl<T> Drop for Wait<'_, T> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: our node, of that channel and side.
        unsafe { self.channel.abandon(self.node, self.side) };
    }
}
