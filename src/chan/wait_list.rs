//! Lists of wait nodes, and the collection of those that are to be woken when the lock is released.
//!
//! The links are in the nodes, so that whoever leaves from the middle (a select that was served
//! elsewhere, a timeout, a cancelled task) does so at once, however many wait.
//!
//! Go: `runtime/chan.go` `waitq`, `runtime/select.go` `dequeueSudoG`.

use super::waiters::{Kind, Link, Node, Outcome};
use std::ptr::NonNull;

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

    /// Claims the first waiter that `may_have` allows. Watchers before it are told to look, and
    /// selects that are done with elsewhere drop out.
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

/// Operations that have been claimed under a lock, to be woken when it has been released, in this
/// order.
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
            node.as_ref().decide(outcome);
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
            // SAFETY: as in `push`. The node is not touched after it.
            unsafe {
                link = pointer.as_ref().next.get();
                pointer.as_ref().wake();
            }
        }
    }
}
