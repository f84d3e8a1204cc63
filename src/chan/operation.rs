//! What a select does with one of its operations, whatever the type of the messages.

use super::channel::{Channel, Wait};
use super::error::{RecvError, SendError};
use super::parcel::Parcel;
use super::receiver::{Flavor, Receiver};
use super::sender::Sender;
use super::state::{Found, Side, State};
use super::until::Until;
use super::wait_list::Wakes;
use super::waiters::{Node, Outcome};
use crate::atomic::SpinLock;
use crate::sched::waiting::Waiting;
use std::ptr::NonNull;
use std::time::Instant;

/// What a select has come away with, to be completed by the `send` or `recv` of the
/// `SelectedOperation`.
pub(crate) enum Selected {
    /// The other side is gone.
    Disconnected,
    /// The message that has been received.
    Message(Parcel),
    /// A place for the message that is to be sent.
    Place,
}

impl Selected {
    fn message<T>(message: T) -> Selected {
        let parcel = Parcel::new();
        // SAFETY: new, so ours and empty.
        unsafe { parcel.put(message) };
        Selected::Message(parcel)
    }
}

/// What came of looking at an operation.
pub(crate) enum Attempt {
    Done(Selected),
    /// A sender, itself a select, has been told to send: its message comes to this node. See
    /// [`Operation::wait_for`].
    Coming(NonNull<Node>, Waiting),
}

/// One operation of a select: a sender to send with, or a receiver to receive from.
pub(crate) trait Operation {
    /// The channel's lock. `None` for what is no channel: then nothing else is called under a lock.
    fn lock(&self) -> Option<&SpinLock>;

    /// When something changes by itself.
    fn due(&self) -> Option<Instant> {
        None
    }

    /// Does the operation, or its first half, if it does not have to wait.
    ///
    /// # Safety
    ///
    /// The caller has the lock.
    unsafe fn attempt(&self, wakes: &mut Wakes) -> Option<Attempt>;

    /// Waits for a message that is coming. `None` if its sender has changed its mind: it unwinds,
    /// or has dropped its `SelectedOperation`. Not under a lock.
    fn wait_for(&self, node: NonNull<Node>) -> Option<Selected>;

    /// Whether `attempt` would do something.
    ///
    /// # Safety
    ///
    /// The caller has the lock.
    unsafe fn is_ready(&self) -> bool;

    /// Puts a node into the list.
    ///
    /// # Safety
    ///
    /// The caller has the lock, and keeps the node until it is unlinked.
    unsafe fn enlist(&self, node: NonNull<Node>);

    /// Takes it out again if it is still there; returns whether it was.
    fn delist(&self, node: &Node) -> bool;

    /// What the node of a completed wait has brought.
    ///
    /// # Safety
    ///
    /// Its outcome is `Completed`, and this is called once.
    unsafe fn collect(&self, node: &Node) -> Selected;

    /// Gives back what will not be used, to whoever is next.
    fn give_back(&self, selected: Selected);
}

/// Calls `f` with the state, of which the caller has the lock.
///
/// # Safety
///
/// It has.
unsafe fn with_state<T, R>(channel: &Channel<T>, f: impl FnOnce(&mut State<T>) -> R) -> R {
    // SAFETY: passed on; it is not dropped, so the lock stays taken.
    let mut locked = unsafe { channel.locked_already() };
    f(&mut locked)
}

impl<T> Operation for Sender<T> {
    fn lock(&self) -> Option<&SpinLock> {
        Some(self.channel.raw_lock())
    }

    unsafe fn attempt(&self, wakes: &mut Wakes) -> Option<Attempt> {
        // SAFETY: passed on.
        match unsafe { with_state(&self.channel, |state| state.promise(wakes)) }? {
            Outcome::Disconnected => Some(Attempt::Done(Selected::Disconnected)),
            _ => Some(Attempt::Done(Selected::Place)),
        }
    }

    fn wait_for(&self, _: NonNull<Node>) -> Option<Selected> {
        unreachable!("no message comes to a sender")
    }

    unsafe fn is_ready(&self) -> bool {
        // SAFETY: passed on.
        unsafe { with_state(&self.channel, |state| state.can_offer()) }
    }

    unsafe fn enlist(&self, node: NonNull<Node>) {
        // SAFETY: passed on.
        unsafe { with_state(&self.channel, |state| state.list(Side::Sender).push(node, false)) };
    }

    fn delist(&self, node: &Node) -> bool {
        self.channel.lock().unlist(node, Side::Sender)
    }

    unsafe fn collect(&self, _: &Node) -> Selected {
        Selected::Place
    }

    fn give_back(&self, selected: Selected) {
        if let Selected::Place = selected {
            self.channel.release_promise();
        }
    }
}

impl<T> Operation for Receiver<T> {
    fn lock(&self) -> Option<&SpinLock> {
        match &self.flavor {
            Flavor::Channel(channel) => Some(channel.raw_lock()),
            _ => None,
        }
    }

    fn due(&self) -> Option<Instant> {
        match &self.flavor {
            Flavor::Timer(timer) => timer.due(),
            _ => None,
        }
    }

    unsafe fn attempt(&self, wakes: &mut Wakes) -> Option<Attempt> {
        let message = match &self.flavor {
            Flavor::Channel(channel) => {
                // SAFETY: passed on.
                let found = unsafe {
                    with_state(channel, |state| match state.take(wakes) {
                        Found::Promise => {
                            let waiting = Waiting::current();
                            Err(Attempt::Coming(state.enlist_receiver(&waiting), waiting))
                        }
                        found => Ok(found),
                    })
                };
                match found {
                    Ok(Found::Message(message)) => message,
                    Ok(Found::Disconnected) => return Some(Attempt::Done(Selected::Disconnected)),
                    Ok(_) => return None,
                    Err(coming) => return Some(coming),
                }
            }
            Flavor::Timer(timer) => timer.take()?,
            Flavor::Never => return None,
        };
        Some(Attempt::Done(Selected::message(message)))
    }

    fn wait_for(&self, node: NonNull<Node>) -> Option<Selected> {
        let Flavor::Channel(channel) = &self.flavor else {
            unreachable!("a message comes from a channel")
        };
        let wait = Wait { channel, node, side: Side::Receiver };
        match wait.finish(Until::Forever) {
            (Outcome::Completed, message) => message.map(Selected::message),
            (Outcome::Disconnected, _) => Some(Selected::Disconnected),
            _ => None,
        }
    }

    unsafe fn is_ready(&self) -> bool {
        match &self.flavor {
            // SAFETY: passed on.
            Flavor::Channel(channel) => unsafe { with_state(channel, |state| state.can_take()) },
            Flavor::Timer(timer) => timer.is_ready(),
            Flavor::Never => false,
        }
    }

    unsafe fn enlist(&self, node: NonNull<Node>) {
        if let Flavor::Channel(channel) = &self.flavor {
            // SAFETY: passed on.
            unsafe { with_state(channel, |state| state.list(Side::Receiver).push(node, false)) };
        }
    }

    fn delist(&self, node: &Node) -> bool {
        match &self.flavor {
            Flavor::Channel(channel) => channel.lock().unlist(node, Side::Receiver),
            _ => false,
        }
    }

    unsafe fn collect(&self, node: &Node) -> Selected {
        // SAFETY: completed, so a message is in the parcel, which is the task's again.
        Selected::Message(unsafe { node.parcel.move_out() })
    }

    fn give_back(&self, selected: Selected) {
        match (&self.flavor, selected) {
            (Flavor::Channel(channel), Selected::Message(parcel)) => {
                // SAFETY: this receiver has put it in.
                channel.put_back(unsafe { parcel.take() });
            }
            (_, Selected::Message(parcel)) => {
                // SAFETY: as above.
                drop(unsafe { parcel.take::<T>() });
            }
            _ => {}
        }
    }
}

impl<T> Sender<T> {
    /// Completes an operation of this sender.
    pub(crate) fn complete(&self, selected: Selected, message: T) -> Result<(), SendError<T>> {
        match selected {
            Selected::Disconnected => Err(SendError(message)),
            _ => {
                let sent = self.channel.send_promised(message);
                sent.map_err(|error| SendError(error.into_inner()))
            }
        }
    }
}

impl<T> Receiver<T> {
    /// Completes an operation of this receiver.
    pub(crate) fn complete(&self, selected: Selected) -> Result<T, RecvError> {
        match selected {
            // SAFETY: this receiver has put it in.
            Selected::Message(parcel) => Ok(unsafe { parcel.take() }),
            _ => Err(RecvError),
        }
    }
}
