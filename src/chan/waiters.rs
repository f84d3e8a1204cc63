//! Those who wait at a channel: wait nodes, lists of them, and waking.
//!
//! A blocked operation has a [`Node`] on the heap, a select one for each of its cases, of which the first, the *owner*,
//! has the state word of all. Nodes are linked into the channel's lists and are changed under its lock.
//!
//! | phase | meaning |
//! |---|---|
//! | WAITING | it is in its lists (a select: where nobody has unlinked it in vain) |
//! | COMMITTED | a select that has been promised a message through one of its cases, and must wait for it |
//! | PASSING | somebody has unlinked it to give it its outcome, and is about to |
//! | DONE | it has its outcome; nobody else looks at the node or the task any more |
//!
//! Who finishes an operation claims it under the lock (WAITING or COMMITTED to PASSING: a plain store where the lock of
//! one channel decides, a compare-and-swap for a select, whose channels have a lock each), passes the message on,
//! releases the lock, unparks the task, and *then* stores DONE. A task that wakes and finds PASSING spins for those
//! few instructions. So the task and its nodes are there as long as the waker needs them, and a wait takes no reference
//! count.
//!
//! Go: `runtime/runtime2.go` `sudog`, `runtime/chan.go` `waitq`, and `g.selectDone` for the claim.

use super::parcel::Parcel;
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
    /// A receiver has its message in the parcel. A sender's message has been taken; a select that sends has been
    /// promised a place. A watcher may look.
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

type Link = Option<NonNull<Node>>;

/// One wait at one channel.
pub(crate) struct Node {
    // Of the list, under the channel's lock; `next` is also of the `Wakes` that the node is in.
    next: Cell<Link>,
    prev: Cell<Link>,
    listed: Cell<bool>,
    /// A receiver that takes whatever comes: a plain one, or a select's that has been promised a message.
    committed: Cell<bool>,
    /// Written by who has claimed the node.
    outcome: Cell<Outcome>,
    // Constant while the node is listed.
    kind: Cell<Kind>,
    case: Cell<usize>,
    owner: Cell<*const Node>,
    unparker: Cell<Unparker>,
    // Of the owner.
    state: AtomicUsize,
    /// For the message: its owner's while PASSING, else that of the task.
    pub(crate) parcel: Parcel,
}

impl Node {
    /// The node of a plain operation. The task frees it.
    #[inline]
    pub(crate) fn single(waiting: &Waiting) -> NonNull<Node> {
        Node::allocate(waiting, Kind::Single, 0, None)
    }

    /// The node of a select's case; without an `owner`, it is the owner.
    pub(crate) fn case(
        waiting: &Waiting,
        kind: Kind,
        case: usize,
        owner: Option<NonNull<Node>>,
    ) -> NonNull<Node> {
        Node::allocate(waiting, kind, case, owner)
    }

    #[inline]
    fn allocate(waiting: &Waiting, kind: Kind, case: usize, owner: Link) -> NonNull<Node> {
        let node = NonNull::from(Box::leak(Box::new(Node {
            next: Cell::new(None),
            prev: Cell::new(None),
            listed: Cell::new(false),
            committed: Cell::new(false),
            outcome: Cell::new(Outcome::Completed),
            kind: Cell::new(kind),
            case: Cell::new(case),
            owner: Cell::new(ptr::null()),
            unparker: Cell::new(waiting.unparker()),
            state: AtomicUsize::new(WAITING),
            parcel: Parcel::new(),
        })));
        // SAFETY: just made.
        unsafe { node.as_ref() }.owner.set(owner.unwrap_or(node).as_ptr());
        node
    }

    /// Frees a node.
    ///
    /// # Safety
    ///
    /// It is not listed, its operation is done, and its parcel is empty. The caller made it.
    #[inline]
    pub(crate) unsafe fn free(node: NonNull<Node>) {
        // SAFETY: made by `allocate`, and nobody else looks at it.
        drop(unsafe { Box::from_raw(node.as_ptr()) });
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

    /// Claims the operation for this node. Under the lock, with the node listed or just unlinked. False if another
    /// case of its select was first.
    #[inline]
    fn claim(&self) -> bool {
        if self.kind() == Kind::Single || self.committed.get() {
            // Relaxed: the unpark that follows publishes it to the task that wakes by it.
            self.owner().state.store(PASSING, Ordering::Relaxed);
            return true;
        }
        // Relaxed: as above; and who the claimers are to each other is all that hangs on it.
        let state = &self.owner().state;
        state.compare_exchange(WAITING, PASSING, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Promises a message to a select's receiving case, which stays listed. Under the lock. False if another case
    /// was first.
    fn commit(&self) -> bool {
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
            // Acquire pairs with the Release in `Wakes::wake`: the outcome is there.
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

    /// For the operation's own task: waits for the claimer to finish. To be called when somebody has claimed it.
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
}

/// A list of waiters, first come, first served. It is used under the lock of its channel.
pub(crate) struct List {
    first: Link,
    last: Link,
    /// How many nodes are committed receivers.
    committed: usize,
}

impl List {
    pub(crate) const fn new() -> List {
        List { first: None, last: None, committed: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// Appends a node. A committed one takes whatever comes.
    ///
    /// # Safety
    ///
    /// The node is in no list, and its task keeps it until it is unlinked.
    #[inline]
    pub(crate) unsafe fn push(&mut self, node: NonNull<Node>, committed: bool) {
        // SAFETY: alive by the caller's promise; those in the list by earlier ones.
        unsafe {
            let new = node.as_ref();
            new.listed.set(true);
            new.committed.set(committed);
            new.next.set(None);
            new.prev.set(self.last);
            match self.last {
                Some(last) => last.as_ref().next.set(Some(node)),
                None => self.first = Some(node),
            }
        }
        self.last = Some(node);
        self.committed += usize::from(committed);
    }

    /// Takes a node out.
    #[inline]
    pub(crate) fn unlink(&mut self, node: &Node) {
        debug_assert!(node.listed.get());
        let (prev, next) = (node.prev.get(), node.next.get());
        // SAFETY: nodes that are listed are alive.
        unsafe {
            match prev {
                Some(prev) => prev.as_ref().next.set(next),
                None => self.first = next,
            }
            match next {
                Some(next) => next.as_ref().prev.set(prev),
                None => self.last = prev,
            }
        }
        node.listed.set(false);
        self.committed -= usize::from(node.committed.get());
    }

    /// Claims the first waiter that `may_have` allows. Watchers before it are told to look, and selects that are
    /// done with elsewhere drop out.
    #[inline]
    pub(crate) fn claim(
        &mut self,
        wakes: &mut Wakes,
        may_have: impl Fn(&Node, &List) -> bool,
    ) -> Option<NonNull<Node>> {
        let mut link = self.first;
        while let Some(pointer) = link {
            // SAFETY: nodes that are listed are alive; a claimed one stays so until it is woken.
            let node = unsafe { pointer.as_ref() };
            link = node.next.get();
            if !may_have(node, self) {
                continue;
            }
            self.unlink(node);
            if node.claim() {
                if node.kind() != Kind::Watch {
                    return Some(pointer);
                }
                wakes.push(pointer, Outcome::Completed);
            }
        }
        None
    }

    /// Promises a message to the first select that can still be had.
    pub(crate) fn commit_a_select(&mut self) -> bool {
        let mut found = false;
        self.for_each(|node| {
            if !found && node.kind() == Kind::Case && !node.committed.get() && node.commit() {
                node.committed.set(true);
                found = true;
            }
        });
        self.committed += usize::from(found);
        found
    }

    /// Claims all, and leaves the list empty.
    pub(crate) fn claim_all(&mut self, wakes: &mut Wakes, outcome: Outcome) {
        while let Some(first) = self.first {
            // SAFETY: as in `claim`.
            let node = unsafe { first.as_ref() };
            self.unlink(node);
            if node.claim() {
                wakes.push(first, outcome);
            }
        }
    }

    /// Calls `f` for each node.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Node)) {
        let mut link = self.first;
        while let Some(pointer) = link {
            // SAFETY: nodes that are listed are alive.
            let node = unsafe { pointer.as_ref() };
            link = node.next.get();
            f(node);
        }
    }
}

/// Operations that have been claimed under a lock, to be woken when it has been released, in this order.
#[must_use]
pub(crate) struct Wakes {
    first: Link,
    last: Link,
}

impl Wakes {
    #[inline]
    pub(crate) fn new() -> Wakes {
        Wakes { first: None, last: None }
    }

    /// Adds an operation that the caller has claimed through `node`.
    #[inline]
    pub(crate) fn push(&mut self, node: NonNull<Node>, outcome: Outcome) {
        // SAFETY: a claimed node is alive until it is woken, and the claimer's.
        unsafe {
            node.as_ref().outcome.set(outcome);
            node.as_ref().next.set(None);
            match self.last {
                Some(last) => last.as_ref().next.set(Some(node)),
                None => self.first = Some(node),
            }
        }
        self.last = Some(node);
    }

    /// Wakes all. Not under a lock.
    #[inline]
    pub(crate) fn wake(self) {
        let mut link = self.first;
        while let Some(pointer) = link {
            // SAFETY: as in `push`. Once DONE is stored the node may be gone.
            unsafe {
                let node = pointer.as_ref();
                link = node.next.get();
                let done = DONE
                    | (node.outcome.get() as usize) << OUTCOME_SHIFT
                    | node.case.get() << CASE_SHIFT;
                let owner = node.owner();
                // The task spins until DONE is stored, so it is still there.
                owner.unparker.get().unpark();
                // Release pairs with the Acquire in `progress`.
                owner.state.store(done, Ordering::Release);
            }
        }
    }
}
