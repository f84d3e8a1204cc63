//! Waiting for the first of several operations that can be done.
//!
//! 1. All channels are locked, in the order of their addresses, so that the select sees one
//!    instant.
//! 2. The operations are looked at in random order (unless the select is biased); the first that
//!    can be done is done.
//! 3. If there is none, a node is put into the list of each; then all locks are released and the
//!    task parks.
//! 4. Whoever can serve one of the cases claims the select (see `waiters`), so that nobody else
//!    does.
//! 5. The task takes its other nodes out.
//!
//! No select is matched with itself: while it is in lists it tries nothing.
//!
//! Go: `runtime/select.go` `selectgo`.

use super::operation::{Attempt, Operation, Selected};
use super::pool;
use super::until::Until;
use super::wait_list::Wakes;
use super::waiters::{Kind, Node, Outcome, Progress};
use crate::atomic::SpinLock;
use crate::sched::waiting::{self, Waiting};
use crate::task::reason::Reason;
use std::ptr::{self, NonNull};

/// An operation and its number in the select.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) operation: &'a dyn Operation,
    pub(crate) index: usize,
}

/// What is wanted of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// That it be done.
    Done,
    /// To know that it could be.
    Ready,
}

/// Waits for an operation. Returns its place in `entries`, and, if it is to be done, what came of
/// it. `None` if the time was up.
pub(crate) fn run(
    entries: &mut [Entry<'_>],
    want: Want,
    biased: bool,
    until: Until,
) -> Option<(usize, Option<Selected>)> {
    if !matches!(until, Until::Now) {
        waiting::may_suspend();
    }
    if entries.is_empty() {
        while until.pause(Reason::SelectNoCases) {}
        return None;
    }
    let mut over = matches!(until, Until::Now);
    loop {
        if !biased {
            shuffle(entries);
        }
        let mut wakes = Wakes::new();
        let locks = Locks::take(entries);
        // SAFETY: all are locked.
        let found = unsafe { look(entries, want, &mut wakes) };
        if found.is_some() || over {
            drop(locks);
            wakes.wake();
            let (place, attempt) = found?;
            let selected = match attempt {
                None => None,
                Some(Attempt::Done(selected)) => Some(selected),
                Some(Attempt::Coming(node, _waiting)) => {
                    match entries[place].operation.wait_for(node) {
                        Some(selected) => Some(selected),
                        None => continue,
                    }
                }
            };
            return Some((place, selected));
        }
        let waiting = Waiting::current();
        // SAFETY: all are locked.
        let wait = unsafe { Wait::enlist(entries, want, &waiting) };
        drop(locks);
        wakes.wake();
        let found = wait.finish(until);
        if found.is_some() {
            return found;
        }
        over = until.is_over();
    }
}

/// # Safety
///
/// The caller has all locks.
unsafe fn look(
    entries: &[Entry<'_>],
    want: Want,
    wakes: &mut Wakes,
) -> Option<(usize, Option<Attempt>)> {
    entries.iter().enumerate().find_map(|(place, entry)| {
        // SAFETY: passed on.
        unsafe {
            match want {
                Want::Done => entry.operation.attempt(wakes).map(|attempt| (place, Some(attempt))),
                Want::Ready => entry.operation.is_ready().then_some((place, None)),
            }
        }
    })
}

/// Brings the entries into random order.
fn shuffle(entries: &mut [Entry<'_>]) {
    if entries.len() < 2 {
        return;
    }
    let mut random = waiting::random();
    for last in (1..entries.len()).rev() {
        let choice = ((random >> 32) * (last as u64 + 1)) >> 32;
        entries.swap(last, choice as usize);
        random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    }
}

/// The locks of all channels of a select, taken.
struct Locks {
    few: [*const SpinLock; 8],
    many: Vec<*const SpinLock>,
    len: usize,
}

impl Locks {
    fn take(entries: &[Entry<'_>]) -> Locks {
        let mut locks = Locks { few: [ptr::null(); 8], many: Vec::new(), len: 0 };
        if entries.len() > locks.few.len() {
            locks.many = vec![ptr::null(); entries.len()];
        }
        for lock in entries.iter().filter_map(|entry| entry.operation.lock()) {
            let len = locks.len;
            locks.as_mut()[len] = lock;
            locks.len += 1;
        }
        let len = locks.len;
        let sorted = &mut locks.as_mut()[..len];
        sorted.sort_unstable();
        for (at, lock) in sorted.iter().enumerate() {
            if at == 0 || sorted[at - 1] != *lock {
                // SAFETY: the entries, and so their channels, are there.
                unsafe { (**lock).lock() };
            }
        }
        locks
    }

    fn as_mut(&mut self) -> &mut [*const SpinLock] {
        if self.many.is_empty() {
            &mut self.few
        } else {
            &mut self.many
        }
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        let len = self.len;
        let sorted = &self.as_mut()[..len];
        for (at, lock) in sorted.iter().enumerate() {
            if at == 0 || sorted[at - 1] != *lock {
                // SAFETY: taken by `take`; the channels are there, since the entries are.
                unsafe { (**lock).unlock() };
            }
        }
    }
}

/// A select that waits, with a node for each entry. When it is dropped unfinished, because the task
/// unwinds, it leaves.
struct Wait<'a, 'b> {
    entries: &'a [Entry<'b>],
    /// The first is the owner. None are left once it has finished.
    nodes: Vec<NonNull<Node>>,
    want: Want,
}

impl<'a, 'b> Wait<'a, 'b> {
    /// # Safety
    ///
    /// The caller has all locks, and there are entries.
    unsafe fn enlist(entries: &'a [Entry<'b>], want: Want, waiting: &Waiting) -> Wait<'a, 'b> {
        let kind = if want == Want::Done { Kind::Case } else { Kind::Watch };
        let mut nodes: Vec<NonNull<Node>> = Vec::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            let node = Node::case(waiting, kind, place, nodes.first().copied());
            nodes.push(node);
            // SAFETY: passed on; `leave` unlinks it before it is freed.
            unsafe { entry.operation.enlist(node) };
        }
        Wait { entries, nodes, want }
    }

    /// Waits until an operation has been done, or, with `None`, until it is worth another look.
    fn finish(mut self, until: Until) -> Option<(usize, Option<Selected>)> {
        let (outcome, place) = self.wait(until);
        let selected = self.leave(outcome, place);
        matches!(outcome, Outcome::Completed | Outcome::Disconnected).then_some((place, selected))
    }

    fn owner(&self) -> &Node {
        // SAFETY: ours until `leave`.
        unsafe { self.nodes[0].as_ref() }
    }

    fn wait(&self, until: Until) -> (Outcome, usize) {
        let due = self.entries.iter().filter_map(|entry| entry.operation.due()).min();
        let wake = due.map_or(until, |due| until.or_at(due));
        loop {
            match self.owner().progress() {
                Progress::Done(outcome, place) => return (outcome, place),
                Progress::Committed(_) => {
                    Until::Forever.pause(Reason::Select); // what it has been promised is on its way
                }
                Progress::Waiting => {
                    if !wake.pause(Reason::Select) && self.owner().abandon() {
                        return (Outcome::Abandoned, 0);
                    }
                }
            }
        }
    }

    /// Takes all nodes out of their lists, and with them what the completed one, if there is one,
    /// has brought.
    fn leave(&mut self, outcome: Outcome, place: usize) -> Option<Selected> {
        for (entry, node) in self.entries.iter().zip(&self.nodes) {
            // SAFETY: ours until they are freed below.
            entry.operation.delist(unsafe { node.as_ref() });
        }
        let selected = match (outcome, self.want) {
            (Outcome::Completed, Want::Done) => {
                // SAFETY: the operation is completed, and the nodes are freed below.
                Some(unsafe { self.entries[place].operation.collect(self.nodes[place].as_ref()) })
            }
            (Outcome::Disconnected, Want::Done) => Some(Selected::Disconnected),
            _ => None,
        };
        for node in self.nodes.drain(..) {
            // SAFETY: in no list any more, the operation is done, and the parcel empty.
            unsafe { pool::give(node) };
        }
        selected
    }
}

impl Drop for Wait<'_, '_> {
    fn drop(&mut self) {
        if self.nodes.is_empty() {
            return;
        }
        let (outcome, place) = self.settle();
        if let Some(selected) = self.leave(outcome, place) {
            self.entries[place].operation.give_back(selected);
        }
    }
}

impl Wait<'_, '_> {
    /// Sees to it that nobody can claim the select any more.
    fn settle(&self) -> (Outcome, usize) {
        if self.owner().abandon() {
            return (Outcome::Abandoned, 0);
        }
        if let Progress::Committed(place) = self.owner().progress() {
            // SAFETY: ours until `leave`.
            let node = unsafe { self.nodes[place].as_ref() };
            if self.entries[place].operation.delist(node) {
                return (Outcome::Abandoned, 0); // the one way to claim it was through that list
            }
        }
        self.owner().settled()
    }
}
