//! The channel itself: a buffer and two lists of waiters under one lock.
//!
//! A message goes straight to a waiting receiver if there is one, else into the buffer if that has room, else its
//! sender waits with it. A receiver takes the first message of the buffer, and a waiting sender's moves up; or it takes
//! a waiting sender's directly; or it waits. So nobody is overtaken.
//!
//! A select's message is not there yet when it is selected to send: `crossbeam_channel`, whose interface this is, asks
//! for it afterwards. So the select is *promised a place*: in the buffer, or, at a rendezvous, with a receiver that
//! cannot leave meanwhile, a *committed* one. Places are counted, not told apart. A promise is broken only if the
//! receiver's task is cancelled; the sender then waits for another receiver.
//!
//! A receiver that is cancelled in the instant in which it has got a message passes it on to the next one, or puts it
//! back to the front of the buffer, which may then hold one more than its capacity.
//!
//! Go: `runtime/chan.go` `hchan`, `chansend`, `chanrecv`, `closechan`.

use super::error::{RecvTimeoutError, TrySendError};
use super::waiters::{Kind, List, Node, Outcome, Progress, Wakes};
use crate::atomic::{SpinLock, UnsafeCell};
use crate::sched::context::park;
use crate::sched::park_until;
use crate::sched::waiting::Waiting;
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// How long an operation may wait.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Now,
    Deadline(Instant),
    Forever,
}

impl Until {
    /// After so much time. (Too much for the clock is for ever.)
    pub(crate) fn after(timeout: Duration) -> Until {
        Instant::now().checked_add(timeout).map_or(Until::Forever, Until::Deadline)
    }

    /// At that time, if it comes first.
    pub(crate) fn or_at(self, time: Instant) -> Until {
        match self {
            Until::Now => Until::Now,
            Until::Deadline(deadline) => Until::Deadline(deadline.min(time)),
            Until::Forever => Until::Deadline(time),
        }
    }

    /// Whether the time is up.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Until::Now => true,
            Until::Deadline(deadline) => deadline <= Instant::now(),
            Until::Forever => false,
        }
    }

    /// Parks until somebody unparks the caller, or until then. May return early. False if the time is up.
    #[inline]
    pub(crate) fn pause(self) -> bool {
        if self.is_over() {
            return false;
        }
        match self {
            Until::Deadline(deadline) => park_until(deadline),
            _ => park(),
        }
        true
    }
}

/// A buffer that was larger than this is given back when it has become empty.
const KEPT_BUFFER: usize = 1024;

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

pub(crate) struct State<T> {
    buffer: VecDeque<T>,
    capacity: usize,
    /// Places that have been promised to selects that send.
    promised: usize,
    senders: List,
    receivers: List,
    disconnected: bool,
}

/// What there is for a receiver.
pub(crate) enum Found<T> {
    Message(T),
    /// A sender that has yet to say what it sends: the caller must wait for it, as a committed receiver.
    Promise,
    Nothing,
    Disconnected,
}

impl<T> State<T> {
    fn is_rendezvous(&self) -> bool {
        self.capacity == 0
    }

    fn has_room(&self) -> bool {
        self.buffer.len().saturating_add(self.promised) < self.capacity
    }

    /// The receiver that is to have the next message.
    #[inline]
    fn claim_receiver(&mut self, wakes: &mut Wakes) -> Option<NonNull<Node>> {
        if self.receivers.is_empty() {
            return None;
        }
        let promised = if self.is_rendezvous() { self.promised } else { 0 };
        // Of the committed receivers, as many as have been promised to others stay.
        self.receivers
            .claim(wakes, |node, list| !node.is_committed() || list.committed() > promised)
    }

    /// Sends without waiting.
    #[inline]
    fn offer(&mut self, message: T, wakes: &mut Wakes) -> Result<(), TrySendError<T>> {
        if self.disconnected {
            return Err(TrySendError::Disconnected(message));
        }
        if let Some(receiver) = self.claim_receiver(wakes) {
            // SAFETY: claimed, so its parcel is ours, and a receiver's is empty.
            unsafe { receiver.as_ref().parcel.put(message) };
            wakes.push(receiver, Outcome::Completed);
        } else if self.has_room() {
            self.buffer.push_back(message);
        } else {
            return Err(TrySendError::Full(message));
        }
        Ok(())
    }

    /// Receives without waiting.
    #[inline]
    pub(crate) fn take(&mut self, wakes: &mut Wakes) -> Found<T> {
        if let Some(message) = self.buffer.pop_front() {
            if !self.senders.is_empty() {
                self.move_up(wakes);
            } else if self.buffer.is_empty() && self.buffer.capacity() > KEPT_BUFFER {
                self.buffer.shrink_to(KEPT_BUFFER / 2);
            }
            return Found::Message(message);
        }
        if self.is_rendezvous() {
            if let Some(sender) = self.senders.claim(wakes, |_, _| true) {
                wakes.push(sender, Outcome::Completed);
                // SAFETY: claimed, so it is alive and its parcel ours.
                let sender = unsafe { sender.as_ref() };
                if sender.kind() == Kind::Single {
                    // SAFETY: as above; a plain sender's parcel has its message.
                    return Found::Message(unsafe { sender.parcel.take() });
                }
                self.promised += 1;
                return Found::Promise;
            }
        }
        if self.disconnected {
            Found::Disconnected
        } else {
            Found::Nothing
        }
    }

    /// Lets waiting senders have the room that there is in the buffer.
    fn move_up(&mut self, wakes: &mut Wakes) {
        while self.has_room() {
            let Some(sender) = self.senders.claim(wakes, |_, _| true) else { return };
            wakes.push(sender, Outcome::Completed);
            // SAFETY: claimed, so it is alive and its parcel ours.
            let sender = unsafe { sender.as_ref() };
            if sender.kind() == Kind::Single {
                // SAFETY: as above; a plain sender's parcel has its message.
                self.buffer.push_back(unsafe { sender.parcel.take() });
            } else {
                self.promised += 1;
            }
        }
    }

    /// Promises a place to a select that sends, if there is one; or says that the other side is gone.
    pub(crate) fn promise(&mut self, wakes: &mut Wakes) -> Option<Outcome> {
        if self.disconnected {
            return Some(Outcome::Disconnected);
        }
        let possible = if self.is_rendezvous() {
            self.receivers.committed() > self.promised || self.receivers.commit_a_select()
        } else {
            // A waiting receiver is as good as room.
            self.has_room()
        };
        self.promised += usize::from(possible);
        if self.is_rendezvous() && !possible {
            // The select is going to wait, which is what they watch for.
            let none = self.receivers.claim(wakes, |node, _| node.kind() == Kind::Watch);
            debug_assert!(none.is_none());
        }
        possible.then_some(Outcome::Completed)
    }

    /// For the watchers of a sender: there may be something to receive.
    pub(crate) fn can_take(&self) -> bool {
        let mut sender = false;
        if self.is_rendezvous() {
            self.senders
                .for_each(|node| sender |= node.kind() != Kind::Watch && node.is_claimable());
        }
        sender || self.disconnected || !self.buffer.is_empty()
    }

    /// Likewise: there may be a place for a message.
    pub(crate) fn can_offer(&self) -> bool {
        let mut receiver = self.is_rendezvous() && self.receivers.committed() > self.promised;
        if self.is_rendezvous() {
            self.receivers.for_each(|node| {
                receiver |=
                    node.kind() == Kind::Case && !node.is_committed() && node.is_claimable();
            });
        }
        receiver || self.disconnected || self.has_room()
    }

    /// Puts the caller into the list as a committed receiver. It keeps the node until that is unlinked.
    #[inline]
    pub(crate) fn enlist_receiver(&mut self, waiting: &Waiting) -> NonNull<Node> {
        let node = Node::single(waiting);
        // SAFETY: a new node, which the caller keeps.
        unsafe { self.receivers.push(node, true) };
        node
    }

    /// The list of a side.
    pub(crate) fn list(&mut self, side: Side) -> &mut List {
        match side {
            Side::Sender => &mut self.senders,
            Side::Receiver => &mut self.receivers,
        }
    }
}

/// Who waits in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}

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

impl<T> Channel<T> {
    /// A channel for so many messages; `None`: for any number.
    pub(crate) fn new(capacity: Option<usize>) -> Channel<T> {
        let capacity = capacity.unwrap_or(usize::MAX);
        let state = State {
            buffer: VecDeque::new(),
            capacity,
            promised: 0,
            senders: List::new(),
            receivers: List::new(),
            disconnected: false,
        };
        Channel { lock: SpinLock::new(), state: UnsafeCell::new(state), capacity }
    }

    pub(crate) fn capacity(&self) -> Option<usize> {
        (self.capacity != usize::MAX).then_some(self.capacity)
    }

    /// How many messages are in the buffer.
    pub(crate) fn len(&self) -> usize {
        self.lock().buffer.len()
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

    /// Sends, waiting `until` then. `Full` means that the time was up.
    #[inline]
    pub(crate) fn send(&self, message: T, until: Until) -> Result<(), TrySendError<T>> {
        self.send_locked(self.lock(), message, until)
    }

    /// Sends on a promise. Waits only if the promise has been broken.
    pub(crate) fn send_promised(&self, message: T) -> Result<(), TrySendError<T>> {
        let mut state = self.lock();
        state.promised -= 1;
        self.send_locked(state, message, Until::Forever)
    }

    #[inline]
    fn send_locked(
        &self,
        mut state: Locked<'_, T>,
        message: T,
        until: Until,
    ) -> Result<(), TrySendError<T>> {
        let mut wakes = Wakes::new();
        let offered = state.offer(message, &mut wakes);
        match offered {
            Err(TrySendError::Full(message)) if !matches!(until, Until::Now) => {
                let waiting = Waiting::current();
                let node = Node::single(&waiting);
                // SAFETY: a new node, with an empty parcel; `Wait` keeps it until it is unlinked.
                unsafe {
                    node.as_ref().parcel.put(message);
                    state.senders.push(node, false);
                }
                drop(state);
                let wait = Wait { channel: self, node, side: Side::Sender };
                wakes.wake();
                match wait.finish(until) {
                    (Outcome::Completed, _) => Ok(()),
                    (Outcome::Disconnected, message) => {
                        Err(TrySendError::Disconnected(message.expect("it was not taken")))
                    }
                    (_, message) => Err(TrySendError::Full(message.expect("it was not taken"))),
                }
            }
            offered => {
                drop(state);
                wakes.wake();
                offered
            }
        }
    }

    /// Receives, waiting `until` then. `Timeout` means that the time was up.
    #[inline]
    pub(crate) fn recv(&self, until: Until) -> Result<T, RecvTimeoutError> {
        loop {
            let mut wakes = Wakes::new();
            let mut state = self.lock();
            match state.take(&mut wakes) {
                Found::Message(message) => {
                    drop(state);
                    wakes.wake();
                    return Ok(message);
                }
                Found::Disconnected => return Err(RecvTimeoutError::Disconnected),
                Found::Nothing if matches!(until, Until::Now) => {
                    drop(state);
                    wakes.wake(); // watchers
                    return Err(RecvTimeoutError::Timeout);
                }
                Found::Nothing | Found::Promise => {}
            }
            let waiting = Waiting::current();
            let node = state.enlist_receiver(&waiting);
            drop(state);
            let wait = Wait { channel: self, node, side: Side::Receiver };
            wakes.wake();
            match wait.finish(until) {
                (Outcome::Completed, message) => return Ok(message.expect("it was handed over")),
                (Outcome::Disconnected, _) => return Err(RecvTimeoutError::Disconnected),
                (Outcome::Abandoned, _) => return Err(RecvTimeoutError::Timeout),
                (Outcome::Retry, _) => {}
            }
        }
    }

    /// For a select that received a message which nobody has taken from it: the next one has it.
    pub(crate) fn put_back(&self, message: T) {
        let mut wakes = Wakes::new();
        let mut state = self.lock();
        if let Some(receiver) = state.claim_receiver(&mut wakes) {
            // SAFETY: claimed, so its parcel is ours, and a receiver's is empty.
            unsafe { receiver.as_ref().parcel.put(message) };
            wakes.push(receiver, Outcome::Completed);
        } else {
            state.buffer.push_front(message);
        }
        drop(state);
        wakes.wake();
    }

    /// Takes back the promise of a place that nobody will use.
    pub(crate) fn release_promise(&self) {
        let mut wakes = Wakes::new();
        let mut state = self.lock();
        state.promised -= 1;
        if !state.is_rendezvous() {
            state.move_up(&mut wakes);
        } else if let Some(receiver) = state.claim_receiver(&mut wakes) {
            // It may have had to stay for the promise alone.
            wakes.push(receiver, Outcome::Retry);
        }
        drop(state);
        wakes.wake();
    }

    /// One side is gone: all who wait are told, and what nobody can receive any more is dropped.
    pub(crate) fn disconnect(&self, gone: Side) {
        let mut wakes = Wakes::new();
        let mut state = self.lock();
        state.disconnected = true;
        let unreceived = if gone == Side::Receiver {
            std::mem::take(&mut state.buffer)
        } else {
            VecDeque::new()
        };
        state.senders.claim_all(&mut wakes, Outcome::Disconnected);
        state.receivers.claim_all(&mut wakes, Outcome::Disconnected);
        drop(state);
        wakes.wake();
        drop(unreceived); // it may do anything, so nothing is held here
    }

    /// For a receiver whose time is up, or a sender: leaves the list. False if somebody has claimed it, or if it has been
    /// promised to a sender and must stay.
    fn leave(&self, node: &Node, side: Side) -> bool {
        let mut state = self.lock();
        if !node.is_listed() {
            return false;
        }
        if side == Side::Receiver && state.is_rendezvous() {
            let others = state.receivers.committed() - 1;
            if others < state.promised {
                return false;
            }
        }
        state.list(side).unlink(node);
        true
    }

    /// For a single receiver's node whose task is unwinding, or which nobody wants any more: leaves, and passes on the
    /// message that it has got meanwhile.
    ///
    /// # Safety
    ///
    /// The node is a plain one of this channel and that side, and the caller's to free.
    pub(crate) unsafe fn abandon(&self, node: NonNull<Node>, side: Side) {
        let mut state = self.lock();
        // SAFETY: the caller's.
        let (wait, listed) = unsafe { (node.as_ref(), node.as_ref().is_listed()) };
        if listed {
            state.list(side).unlink(wait);
        }
        drop(state);
        let outcome = if listed { Outcome::Abandoned } else { wait.settled().0 };
        let has_message = (outcome == Outcome::Completed) == (side == Side::Receiver);
        // SAFETY: nobody else is at the node any more; a receiver's parcel has a message if it is completed, a
        // sender's if it is not.
        let message = has_message.then(|| unsafe { wait.parcel.take::<T>() });
        // SAFETY: unlinked, and its parcel is empty.
        unsafe { Node::free(node) };
        match message {
            Some(message) if side == Side::Receiver => self.put_back(message),
            message => drop(message),
        }
    }
}

impl<T> Drop for Channel<T> {
    fn drop(&mut self) {
        // The buffer goes by itself.
        debug_assert!(self.lock().senders.is_empty() && self.lock().receivers.is_empty());
    }
}

/// A plain operation that waits. When it is dropped unfinished, because the task unwinds, it leaves.
pub(crate) struct Wait<'a, T> {
    pub(crate) channel: &'a Channel<T>,
    pub(crate) node: NonNull<Node>,
    pub(crate) side: Side,
}

impl<T> Wait<'_, T> {
    /// Waits for the end, and returns it with the message that is then in the parcel.
    pub(crate) fn finish(self, until: Until) -> (Outcome, Option<T>) {
        let outcome = self.wait(until);
        let wait = std::mem::ManuallyDrop::new(self);
        // SAFETY: our node, and nobody else is at it any more. See `abandon` for the message.
        unsafe {
            let parcel = &wait.node.as_ref().parcel;
            let has_message = (outcome == Outcome::Completed) == (wait.side == Side::Receiver);
            let message = has_message.then(|| parcel.take());
            Node::free(wait.node);
            (outcome, message)
        }
    }

    #[inline]
    fn wait(&self, mut until: Until) -> Outcome {
        // SAFETY: ours until we free it.
        let node = unsafe { self.node.as_ref() };
        loop {
            if let Progress::Done(outcome, _) = node.progress() {
                return outcome;
            }
            if !until.pause() {
                if self.channel.leave(node, self.side) {
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
