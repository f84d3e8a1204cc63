//! What a task has of its own beside its stack: its task-local values, and the timeouts it runs
//! under.
//!
//! Most tasks have neither, so this is a box behind one pointer of the header, made when it is
//! first needed. An ordinary thread has one in a thread-local. Only its owner touches it.
//!
//! Go has nothing like it: it passes a `context.Context` along instead.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::time::Instant;

/// A timeout that the owner runs under.
#[derive(Clone, Copy)]
pub(crate) struct Timeout {
    /// Tells it from all others of this owner.
    pub(crate) id: u64,
    pub(crate) deadline: Instant,
}

struct Value {
    /// The address of the `LocalKey`.
    key: usize,
    /// None: it has been destroyed.
    value: Option<Box<dyn Any>>,
}

/// A task's (or a thread's) own.
#[derive(Default)]
pub(crate) struct Locals {
    values: RefCell<Vec<Value>>,
    /// From the outermost to the innermost.
    timeouts: RefCell<Vec<Timeout>>,
    last_id: Cell<u64>,
}

/// What is known of a task-local value.
pub(crate) enum Found {
    /// Where it is. It stays there until it is replaced or destroyed.
    Alive(*const dyn Any),
    Uninitialised,
    Destroyed,
}

impl Locals {
    pub(crate) fn find(&self, key: usize) -> Found {
        match self.values.borrow().iter().find(|value| value.key == key) {
            None => Found::Uninitialised,
            Some(Value { value: None, .. }) => Found::Destroyed,
            Some(Value { value: Some(value), .. }) => Found::Alive(&raw const **value),
        }
    }

    /// Puts a value there; returns the one that was (an initialiser may have used its own key).
    pub(crate) fn put(&self, key: usize, value: Box<dyn Any>) -> Option<Box<dyn Any>> {
        let mut values = self.values.borrow_mut();
        match values.iter_mut().find(|value| value.key == key) {
            Some(place) => place.value.replace(value),
            None => {
                values.push(Value { key, value: Some(value) });
                None
            }
        }
    }

    /// The youngest value, to be dropped; its key is destroyed from now on. None when all are.
    pub(crate) fn take_last(&self) -> Option<Box<dyn Any>> {
        self.values.borrow_mut().iter_mut().rev().find_map(|value| value.value.take())
    }

    /// Enters a timeout; returns its id.
    pub(crate) fn enter(&self, deadline: Instant) -> u64 {
        let id = self.last_id.get() + 1;
        self.last_id.set(id);
        self.timeouts.borrow_mut().push(Timeout { id, deadline });
        id
    }

    /// Leaves a timeout.
    pub(crate) fn leave(&self, id: u64) {
        self.timeouts.borrow_mut().retain(|timeout| timeout.id != id);
    }

    /// The outermost timeout that is over at `now`.
    pub(crate) fn over(&self, now: Instant) -> Option<u64> {
        let timeouts = self.timeouts.borrow();
        timeouts.iter().find(|timeout| timeout.deadline <= now).map(|timeout| timeout.id)
    }

    /// The timeout that is over first.
    pub(crate) fn first_deadline(&self) -> Option<Instant> {
        self.timeouts.borrow().iter().map(|timeout| timeout.deadline).min()
    }
}
