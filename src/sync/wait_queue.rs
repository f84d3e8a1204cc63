//! The queue of waiting tasks that every primitive of this module is made of.
//!
//! First come, first served, under a small lock that is never held across a suspension. An entry is
//! a slot of a vector on the heap, never a node on the waiting task's stack: a parked task's bytes
//! may be elsewhere. The vector is made when somebody waits for the first time, so that a primitive
//! nobody has waited for is small and can be built in a constant.
//!
//! An entry is *waiting* until somebody *wakes* it, which takes it off the queue and leaves a token
//! in the slot: what the token says ("it is yours", "try again") is the primitive's business. The
//! woken task finds the token under the lock. So a wake-up is a fact in the heap, and a task that
//! has left (it was cancelled, or its time was up) learns whether it had been woken and can pass
//! that on.
//!
//! Guarantees: an entry is woken at most once; a task that leaves is not woken afterwards; leaving
//! takes constant time.
//!
//! Go: `runtime/sema.go` (`semaRoot`, `sudog`), and `runtime/sema.go` `notifyList` for `sync.Cond`.

use super::parking::{self, Handle, Reason};
use crate::atomic::Mutex;
use std::ops::DerefMut;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::Instant;

/// No slot.
const NONE: u32 = u32::MAX;

/// A vector that has grown beyond so many slots is given back when nobody is in it.
const KEPT_SLOTS: usize = 8;

/// A queue of waiting tasks, with what the primitive keeps under the same lock.
pub(crate) struct WaitQueue<T>(Mutex<Queue<T>>);

// Nothing in here is ever left half-changed by a panic.
impl<T> UnwindSafe for WaitQueue<T> {}
impl<T> RefUnwindSafe for WaitQueue<T> {}

/// The queue behind its lock.
pub(crate) struct Queue<T> {
    pub(crate) data: T,
    list: Option<Box<List>>,
}

/// Where a task has its entry. Good until `wait` has returned.
pub(crate) struct Key(u32);

struct List {
    slots: Vec<Slot>,
    first: u32,
    last: u32,
    /// The first free slot; the others follow by `next`.
    free: u32,
    /// Entries that are waiting.
    waiting: usize,
    /// Slots that are not free: waiting, or woken and not yet found so by their task.
    used: usize,
}

struct Slot {
    state: State,
    previous: u32,
    next: u32,
    /// What the primitive wants to know about the entry.
    word: usize,
}

enum State {
    Free,
    Waiting(Handle),
    Woken(usize),
}

impl<T> WaitQueue<T> {
    /// A queue nobody waits in. (Not made from `data` alone, since loom's mutex cannot be made in a
    /// constant.)
    pub(crate) const fn new(queue: Mutex<Queue<T>>) -> WaitQueue<T> {
        WaitQueue(queue)
    }

    /// The queue, locked. The caller must not suspend while it has it.
    pub(crate) fn lock(&self) -> impl DerefMut<Target = Queue<T>> + '_ {
        self.0.lock()
    }

    /// Waits until the caller's entry is woken, and returns the token; `None` if the deadline came
    /// first. A suspension point; if the task is cancelled, it unwinds from here.
    ///
    /// Whoever leaves without being told of a token, for either reason, is off the queue, and
    /// `give_up` is called with the locked queue and the token the entry had been given, if any:
    /// then the wake-up must be passed on. The tasks `give_up` returns are unparked.
    pub(crate) fn wait(
        &self,
        key: Key,
        reason: Reason,
        deadline: Option<Instant>,
        give_up: impl FnOnce(&mut Queue<T>, Option<usize>) -> Vec<Handle>,
    ) -> Option<usize> {
        let mut entry = Entry { queue: self, slot: key.0, give_up: Some(give_up) };
        loop {
            match deadline {
                None => parking::park_for(reason),
                Some(deadline) => parking::park_until(deadline, reason),
            }
            if let Some(token) = self.lock().take_token(entry.slot) {
                entry.give_up = None;
                return Some(token);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
        }
    }
}

/// Sees to it that a task which leaves its wait leaves the queue.
struct Entry<'a, T, F: FnOnce(&mut Queue<T>, Option<usize>) -> Vec<Handle>> {
    queue: &'a WaitQueue<T>,
    slot: u32,
    give_up: Option<F>,
}

impl<T, F: FnOnce(&mut Queue<T>, Option<usize>) -> Vec<Handle>> Drop for Entry<'_, T, F> {
    fn drop(&mut self) {
        if let Some(give_up) = self.give_up.take() {
            let mut queue = self.queue.lock();
            let token = queue.leave(self.slot);
            let woken = give_up(&mut queue, token);
            drop(queue);
            woken.iter().for_each(Handle::unpark);
        }
    }
}

impl<T> Queue<T> {
    /// A queue nobody waits in.
    pub(crate) const fn new(data: T) -> Queue<T> {
        Queue { data, list: None }
    }

    /// How many tasks wait.
    pub(crate) fn len(&self) -> usize {
        self.list.as_ref().map_or(0, |list| list.waiting)
    }

    /// The word of the entry that has waited longest.
    pub(crate) fn front(&self) -> Option<usize> {
        let list = self.list.as_ref()?;
        Some(list.slots.get(list.first as usize)?.word)
    }

    /// The calling task waits, behind all others.
    pub(crate) fn push_back(&mut self, word: usize) -> Key {
        let list = self.list();
        list.insert(list.last, NONE, word)
    }

    /// The calling task waits, before all others.
    pub(crate) fn push_front(&mut self, word: usize) -> Key {
        let list = self.list();
        list.insert(NONE, list.first, word)
    }

    /// Wakes the entry that has waited longest. The caller unparks the task when it has let go of
    /// the lock.
    #[must_use]
    pub(crate) fn wake_front(&mut self, token: usize) -> Option<Handle> {
        self.list.as_mut()?.wake_front(token)
    }

    /// Wakes all. The caller unparks the tasks when it has let go of the lock.
    #[must_use]
    pub(crate) fn wake_all(&mut self, token: usize) -> Vec<Handle> {
        std::iter::from_fn(|| self.wake_front(token)).collect()
    }

    /// The token, if the entry has been woken; then the entry is gone.
    fn take_token(&mut self, slot: u32) -> Option<usize> {
        let State::Woken(token) = self.list().slots[slot as usize].state else { return None };
        self.free(slot);
        Some(token)
    }

    /// Takes an entry out; returns the token if it had been woken.
    fn leave(&mut self, slot: u32) -> Option<usize> {
        let token = self.take_token(slot);
        if token.is_none() {
            self.list().unlink(slot);
            self.free(slot);
        }
        token
    }

    fn free(&mut self, slot: u32) {
        let list = self.list();
        list.free_slot(slot);
        if list.used == 0 && list.slots.capacity() > KEPT_SLOTS {
            self.list = None;
        }
    }

    fn list(&mut self) -> &mut List {
        self.list.get_or_insert_with(|| Box::new(List::new()))
    }
}

impl List {
    fn new() -> List {
        List { slots: Vec::new(), first: NONE, last: NONE, free: NONE, waiting: 0, used: 0 }
    }

    /// An entry of the calling task between two neighbours.
    fn insert(&mut self, previous: u32, next: u32, word: usize) -> Key {
        let entry = Slot { state: State::Waiting(parking::current()), previous, next, word };
        let slot = self.free;
        let slot = if slot == NONE {
            self.slots.push(entry);
            u32::try_from(self.slots.len() - 1).expect("fewer tasks wait than fit in memory")
        } else {
            self.free = self.slots[slot as usize].next;
            self.slots[slot as usize] = entry;
            slot
        };
        *self.next_of(previous) = slot;
        *self.previous_of(next) = slot;
        self.waiting += 1;
        self.used += 1;
        Key(slot)
    }

    fn wake_front(&mut self, token: usize) -> Option<Handle> {
        let slot = self.first;
        if slot == NONE {
            return None;
        }
        self.unlink(slot);
        let woken = State::Woken(token);
        match std::mem::replace(&mut self.slots[slot as usize].state, woken) {
            State::Waiting(task) => Some(task),
            _ => unreachable!("an entry of the queue does not wait"),
        }
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { previous, next, .. } = self.slots[slot as usize];
        *self.next_of(previous) = next;
        *self.previous_of(next) = previous;
        self.waiting -= 1;
    }

    fn free_slot(&mut self, slot: u32) {
        self.slots[slot as usize].state = State::Free;
        self.slots[slot as usize].next = self.free;
        self.free = slot;
        self.used -= 1;
    }

    /// The link that leads on from a slot; from none, to the first.
    fn next_of(&mut self, slot: u32) -> &mut u32 {
        match slot {
            NONE => &mut self.first,
            slot => &mut self.slots[slot as usize].next,
        }
    }

    /// The link that leads back from a slot; from none, to the last.
    fn previous_of(&mut self, slot: u32) -> &mut u32 {
        match slot {
            NONE => &mut self.last,
            slot => &mut self.slots[slot as usize].previous,
        }
    }
}
