//! What a channel's lock protects, and the steps that are taken under it.
//!
//! A message goes straight to a waiting receiver if there is one, else into the buffer if that has
//! room, else its sender waits with it. A receiver takes the first message of the buffer, and a
//! waiting sender's moves up; or it takes a waiting sender's directly; or it waits. So nobody is
//! overtaken.
//!
//! A select's message is not there yet when it is selected to send: `crossbeam_channel`, whose
//! interface this is, asks for it afterwards. So the select is *promised a place*: in the buffer,
//! or, at a rendezvous, with a receiver that cannot leave meanwhile, a *committed* one. Places are
//! counted, not told apart. A promise is broken only if the receiver's task is cancelled; the
//! sender then waits for another receiver.
//!
//! Go: `runtime/chan.go` `hchan`, `chansend`, `chanrecv`.

use super::error::TrySendError;
use super::wait_list::{List, Wakes};
use super::waiters::{Kind, Node, Outcome};
use crate::sched::waiting::Waiting;
use std::collections::VecDeque;
use std::ptr::NonNull;

/// A buffer that was larger than this is given back when it has become empty.
const KEPT_BUFFER: usize = 1024;

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
    /// A sender that has yet to say what it sends: the caller must wait for it, as a committed
    /// receiver.
    Promise,
    Nothing,
    Disconnected,
}

impl<T> State<T> {
    pub(crate) fn new(capacity: usize) -> State<T> {
        State {
            buffer: VecDeque::new(),
            capacity,
            promised: 0,
            senders: List::new(),
            receivers: List::new(),
            disconnected: false,
        }
    }

    /// How many messages are in the buffer.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    fn is_rendezvous(&self) -> bool {
        self.capacity == 0
    }

    pub(crate) fn has_room(&self) -> bool {
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
    pub(crate) fn offer(&mut self, message: T, wakes: &mut Wakes) -> Result<(), TrySendError<T>> {
        if self.disconnected {
            return Err(TrySendError::Disconnected(message));
        }
        if let Some(receiver) = self.claim_receiver(wakes) {
            // SAFETY: claimed just now.
            unsafe { hand_over(receiver, message, wakes) };
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
        // With a buffer that is empty, senders wait because its places are promised. A message that
        // is there already does not have to wait for those.
        let any = self.is_rendezvous();
        if let Some(sender) =
            self.senders.claim(wakes, |node, _| any || node.kind() == Kind::Single)
        {
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
        if self.disconnected {
            Found::Disconnected
        } else {
            Found::Nothing
        }
    }

    /// Gives a message for which there is room to the next receiver, or leaves it in the buffer.
    fn deliver(&mut self, message: T, wakes: &mut Wakes) {
        match self.claim_receiver(wakes) {
            // SAFETY: claimed just now.
            Some(receiver) => unsafe { hand_over(receiver, message, wakes) },
            None => self.buffer.push_back(message),
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
                let message = unsafe { sender.parcel.take() };
                self.deliver(message, wakes);
            } else {
                self.promised += 1;
            }
        }
    }

    /// Promises a place to a select that sends, if there is one; or says that the other side is
    /// gone.
    pub(crate) fn promise(&mut self, wakes: &mut Wakes) -> Option<Outcome> {
        if self.disconnected {
            return Some(Outcome::Disconnected);
        }
        let possible = if self.is_rendezvous() {
            self.receivers.committed() > self.promised || self.receivers.commit_a_select()
        } else {
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
        self.senders.for_each(|node| {
            sender |= match node.kind() {
                Kind::Single => true,
                Kind::Case => self.is_rendezvous() && node.is_claimable(),
                Kind::Watch => false,
            }
        });
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

    /// Sends on a promise, as [`offer`](Self::offer). Full means that the promise has been broken,
    /// as only those of receivers can be.
    pub(crate) fn fulfil(&mut self, message: T, wakes: &mut Wakes) -> Result<(), TrySendError<T>> {
        self.promised -= 1;
        if self.disconnected {
            return Err(TrySendError::Disconnected(message));
        }
        // Whoever is there: with more promises than committed receivers, who comes first has one.
        let offered = if let Some(receiver) = self.receivers.claim(wakes, |_, _| true) {
            // SAFETY: claimed just now.
            unsafe { hand_over(receiver, message, wakes) };
            Ok(())
        } else if self.is_rendezvous() {
            Err(TrySendError::Full(message))
        } else {
            // Without asking for room: a message may have been put back into its place.
            self.buffer.push_back(message);
            Ok(())
        };
        // The place is still there if the message did not need it, because a receiver was waiting.
        self.move_up(wakes);
        offered
    }

    /// Takes back the promise of a place that nobody will use.
    pub(crate) fn release_promise(&mut self, wakes: &mut Wakes) {
        self.promised -= 1;
        if !self.is_rendezvous() {
            self.move_up(wakes);
        } else if let Some(receiver) = self.claim_receiver(wakes) {
            // It may have had to stay for the promise alone.
            wakes.push(receiver, Outcome::Retry);
        }
    }

    /// Takes back a message that was received: it is the next one to be received.
    pub(crate) fn put_back(&mut self, message: T, wakes: &mut Wakes) {
        match self.claim_receiver(wakes) {
            // SAFETY: claimed just now.
            Some(receiver) => unsafe { hand_over(receiver, message, wakes) },
            None => self.buffer.push_front(message),
        }
    }

    /// One side is gone. Returns what nobody can receive any more.
    pub(crate) fn disconnect(&mut self, gone: Side, wakes: &mut Wakes) -> VecDeque<T> {
        self.disconnected = true;
        self.senders.claim_all(wakes, Outcome::Disconnected);
        self.receivers.claim_all(wakes, Outcome::Disconnected);
        match gone {
            Side::Sender => VecDeque::new(),
            Side::Receiver => std::mem::take(&mut self.buffer),
        }
    }

    /// Puts the caller, with its message, into the list. It keeps the node until that is unlinked.
    #[inline]
    pub(crate) fn enlist_sender(&mut self, waiting: &Waiting, message: T) -> NonNull<Node> {
        let node = Node::single(waiting);
        // SAFETY: a new node, with an empty parcel, which the caller keeps.
        unsafe {
            node.as_ref().parcel.put(message);
            self.senders.push(node, false);
        }
        node
    }

    /// Puts the caller into the list as a committed receiver. It keeps the node until that is
    /// unlinked.
    #[inline]
    pub(crate) fn enlist_receiver(&mut self, waiting: &Waiting) -> NonNull<Node> {
        let node = Node::single(waiting);
        // SAFETY: a new node, which the caller keeps.
        unsafe { self.receivers.push(node, true) };
        node
    }

    /// Takes a node out of its list if it is still there; returns whether it was.
    pub(crate) fn unlist(&mut self, node: &Node, side: Side) -> bool {
        let listed = node.is_listed();
        if listed {
            self.list(side).unlink(node);
        }
        listed
    }

    /// The same for one whose time is up: a receiver that has been promised to a sender stays, too.
    pub(crate) fn leave(&mut self, node: &Node, side: Side) -> bool {
        let promised = side == Side::Receiver
            && self.is_rendezvous()
            && self.receivers.committed() <= self.promised;
        !promised && self.unlist(node, side)
    }

    /// The list of a side.
    pub(crate) fn list(&mut self, side: Side) -> &mut List {
        match side {
            Side::Sender => &mut self.senders,
            Side::Receiver => &mut self.receivers,
        }
    }
}

/// Ends the wait of a receiver with a message.
///
/// # Safety
///
/// The caller has claimed the receiver, and nobody has ended its wait yet.
#[inline]
unsafe fn hand_over<T>(receiver: NonNull<Node>, message: T, wakes: &mut Wakes) {
    // SAFETY: claimed, so it is alive and its parcel ours; and a receiver's is empty.
    unsafe { receiver.as_ref().parcel.put(message) };
    wakes.push(receiver, Outcome::Completed);
}

/// Who waits in a list.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Sender,
    Receiver,
}
