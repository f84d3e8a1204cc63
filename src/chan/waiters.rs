//! Those who wait at a channel: wait nodes, and how their operations end.
//!
//! A blocked operation has a [`Node`] on the heap, a select one for each of its cases, of which the
//! first, the *owner*, has the state word of all. Nodes are linked into the channel's lists and are
//! changed under its lock.
//!
//! | phase | meaning |
//! |---|---|
//! | WAITING | it is in its lists (a select: where nobody has unlinked it in vain) |
//! | COMMITTED | a select that has been promised a message through one of its cases, and must wait for it |
//! | PASSING | somebody has unlinked it to give it its outcome, and is about to |
//! | DONE | it has its outcome; nobody else looks at the node or the task any more |
//!
//! Who finishes an operation claims it under the lock (WAITING or COMMITTED to PASSING: a plain
//! store where the lock of one channel decides, a compare-and-swap for a select, whose channels
//! have a lock each), passes the message on, releases the lock, marks the task as unparked, stores
//! DONE, and only then makes the task ready. A task that wakes by itself and finds PASSING spins
//! for those few instructions. So the task and its nodes are there as long as the waker needs them,
//! and a wait takes no reference count.
//!
//! Go: `runtime/runtime2.go` `sudog`, `runtime/chan.go` `waitq`, and `g.selectDone` for the claim.

use super::parcel::Parcel;
use super::pool;
use crate::atomic::{relax, AtomicUsize, Ordering};
use crate::sched::waiting::{Unparker, Waiting};
use std::cell::Cell;
use std::ptr::{self, NonNull};

const PHASE: usize = 0b11;
const WAITING: usize = 0;
const COMMITTED: usize = 1;
const PASSING: usize = 2;
const DONE: usize = 3;
const OUTCOME_SHIFT: u32 = 2;
const CASE_SHIFT: u32 = 4;

/// How a blocked operation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// A receiver has its message in the parcel. A sender's message has been taken; a select that
    /// sends has been promised a place. A watcher may look.
    Completed = 0,
    /// The other side is gone.
    Disconnected = 1,
    /// It shall begin again.
    Retry = 2,
    /// The operation gave up by itself.
    Abandoned = 3,
}

/// What somebody who looks at a node learns about its operation.
pub(crate) enum Progress {
    /// Nothing has happened.
    Waiting,
    /// A select has been promised a message through this case.
    Committed(usize),
    /// Its end, and the case (0 if it is no select).
    Done(Outcome, usize),
}

/// What a node waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A plain send or receive; the only node of its operation.
    Single,
    /// A case of a select.
    Case,
    /// A case of somebody who only wants to know when the channel is ready.
    Watch,
}

pub(super) type Link = Option<NonNull<Node>>;

/// One wait at one channel.
pub(crate) struct Node {
    // Of the list, under the channel's lock; `next` is also of the `Wakes` that the node is in.
    pub(super) next: Cell<Link>,
    pub(super) prev: Cell<Link>,
    pub(super) listed: Cell<bool>,
    /// A receiver that takes whatever comes: a plain one, or a select's that has been promised a
    /// message.
    pub(super) committed: Cell<bool>,
    /// Written by who has claimed the node.
    outcome: Cell<Outcome>,
    // Constant while the node is listed.
    kind: Cell<Kind>,
    case: Cell<usize>,
    owner: Cell<*const Node>,
    unparker: Cell<Option<Unparker>>,
    // Of the owner.
    state: AtomicUsize,
    /// For the message: its owner's while PASSING, else that of the task.
    pub(crate) parcel: Parcel,
}

impl Node {
    /// A node in no list.
    pub(crate) fn new() -> Node {
        Node {
            next: Cell::new(None),
            prev: Cell::new(None),
            listed: Cell::new(false),
            committed: Cell::new(false),
            outcome: Cell::new(Outcome::Completed),
            kind: Cell::new(Kind::Single),
            case: Cell::new(0),
            owner: Cell::new(ptr::null()),
            unparker: Cell::new(None),
            state: AtomicUsize::new(WAITING),
            parcel: Parcel::new(),
        }
    }

    /// The node of a plain operation.
    #[inline]
    pub(crate) fn single(waiting: &Waiting) -> NonNull<Node> {
        Node::case(waiting, Kind::Single, 0, None)
    }

    /// The node of a select's case; without an `owner`, it is the owner.
    #[inline]
    pub(crate) fn case(waiting: &Waiting, kind: Kind, case: usize, owner: Link) -> NonNull<Node> {
        let node = pool::take();
        // SAFETY: ours until it is given back.
        let new = unsafe { node.as_ref() };
        new.kind.set(kind);
        new.case.set(case);
        new.owner.set(owner.unwrap_or(node).as_ptr());
        new.unparker.set(Some(waiting.unparker()));
        // Relaxed: the lock of the channel publishes the node.
        new.state.store(WAITING, Ordering::Relaxed);
        node
    }

    /// The link, for the pool.
    pub(crate) fn next(&self) -> Link {
        self.next.get()
    }

    /// Sets the link, for the pool.
    pub(crate) fn set_next(&self, next: Link) {
        self.next.set(next);
    }

    fn owner(&self) -> &Node {
        // SAFETY: the owner is freed with its cases, after the last of them has been unlinked.
        unsafe { &*self.owner.get() }
    }

    /// Whether it is in its list. Under the lock.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.get()
    }

    /// Whether it is a receiver that takes whatever comes. Under the lock.
    pub(crate) fn is_committed(&self) -> bool {
        self.committed.get()
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind.get()
    }

    /// Whether its operation could still be claimed through it. Under the lock.
    pub(crate) fn is_claimable(&self) -> bool {
        // Relaxed: a hint for `ready`, which promises nothing.
        self.kind() == Kind::Single || self.owner().state.load(Ordering::Relaxed) & PHASE == WAITING
    }

    /// Claims the operation for this node. Under the lock, with the node listed or just unlinked.
    /// False if another case of its select was first.
    #[inline]
    pub(super) fn claim(&self) -> bool {
        if self.kind() == Kind::Single || self.committed.get() {
            // Relaxed: the unpark that follows publishes it to the task that wakes by it.
            self.owner().state.store(PASSING, Ordering::Relaxed);
            return true;
        }
        // Relaxed: as above; and who the claimers are to each other is all that hangs on it.
        let state = &self.owner().state;
        state.compare_exchange(WAITING, PASSING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Promises a message to a select's receiving case, which stays listed. Under the lock. False
    /// if another case was first.
    pub(super) fn commit(&self) -> bool {
        let then = COMMITTED | self.case.get() << CASE_SHIFT;
        // Relaxed: as in `claim`.
        let state = &self.owner().state;
        state.compare_exchange(WAITING, then, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// For the operation's own task, with its owner node: what has become of it.
    #[inline]
    pub(crate) fn progress(&self) -> Progress {
        let mut turn = 0;
        loop {
            // Acquire pairs with the Release in `wake`: the waker has finished with the parcel.
            let state = self.state.load(Ordering::Acquire);
            match state & PHASE {
                WAITING => return Progress::Waiting,
                COMMITTED => return Progress::Committed(state >> CASE_SHIFT),
                PASSING => relax(turn),
                _ => {
                    let outcome = match state >> OUTCOME_SHIFT & 0b11 {
                        0 => Outcome::Completed,
                        1 => Outcome::Disconnected,
                        2 => Outcome::Retry,
                        _ => Outcome::Abandoned,
                    };
                    return Progress::Done(outcome, state >> CASE_SHIFT);
                }
            }
            turn = turn.saturating_add(1);
        }
    }

    /// For the operation's own task: waits for the claimer to finish. To be called when somebody
    /// has claimed it.
    pub(crate) fn settled(&self) -> (Outcome, usize) {
        loop {
            if let Progress::Done(outcome, case) = self.progress() {
                return (outcome, case);
            }
        }
    }

    /// For a select's own task: gives up unless somebody has claimed it, or it is committed.
    pub(crate) fn abandon(&self) -> bool {
        let done = DONE | (Outcome::Abandoned as usize) << OUTCOME_SHIFT;
        // Relaxed: as in `claim`.
        self.state.compare_exchange(WAITING, done, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Sets what is to become of the operation. For who has claimed it.
    pub(super) fn decide(&self, outcome: Outcome) {
        self.outcome.set(outcome);
    }

    /// Ends the operation, and wakes its task.
    ///
    /// # Safety
    ///
    /// The caller has claimed it through this node, and decided. The node may be gone afterwards.
    #[inline]
    pub(super) unsafe fn wake(&self) {
        let outcome = (self.outcome.get() as usize) << OUTCOME_SHIFT;
        let done = DONE | outcome | self.case.get() << CASE_SHIFT;
        let owner = self.owner();
        let (state, unparker) = (&owner.state, owner.unparker.get());
        debug_assert!(unparker.is_some());
        // SAFETY: whoever waits has set it; and the task spins until DONE is stored, so it is there
        // until then.
        unsafe {
            // Release pairs with the Acquire in `progress`.
            unparker.unwrap_unchecked().unpark(|| state.store(done, Ordering::Release));
        }
    }
}
