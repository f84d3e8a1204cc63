//! Contexts: telling a whole tree of tasks that its work is not wanted any more.
//!
//! A [`Context`] is passed down as an argument. Whoever makes a child of it may cancel that one,
//! with all below it, or give it a deadline. Unlike
//! [`JoinHandle::cancel`](crate::JoinHandle::cancel) and [`timeout`](crate::time::timeout), it does
//! not unwind anybody: tasks ask it ([`is_cancelled`](Context::is_cancelled)) or
//! [`wait`](Context::wait) for it.
//!
//! A context knows its children by weak references, which go when the child is dropped, so nothing
//! is left behind in a parent that lives long. A deadline needs no timer: whoever asks compares the
//! clock, and who waits waits until then.
//!
//! Go: package `context`.

use crate::lock::Mutex;
use crate::sched::context::park_for;
use crate::sched::park_until;
use crate::task::reason::Reason;
use crate::task::{self, Task};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Why a context is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextError {
    /// It was cancelled, or one above it was.
    Cancelled,
    /// Its deadline, or that of one above it, has passed.
    DeadlineExceeded,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ContextError::Cancelled => "the context was cancelled",
            ContextError::DeadlineExceeded => "the context's deadline has passed",
        })
    }
}

impl std::error::Error for ContextError {}

/// Whether some work is still wanted, and until when. A clone is the same context.
///
/// ```
/// use midge::context::{Context, ContextError};
/// use midge::spawn;
///
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let (context, guard) = Context::background().with_cancel();
///     let child = context.clone();
///     let worker = spawn(move || {
///         let mut steps = 0;
///         while !child.is_cancelled() {
///             steps += 1;
///             midge::task::yield_now();
///         }
///         steps
///     });
///     guard.cancel();
///     worker.join().unwrap();
///     assert_eq!(context.err(), Some(ContextError::Cancelled));
/// });
/// ```
#[derive(Clone)]
pub struct Context {
    node: Arc<Node>,
}

struct Node {
    parent: Option<Arc<Node>>,
    /// Its number among its parent's children.
    number: u64,
    /// The earliest of its own and those above.
    deadline: Option<Instant>,
    /// A code of `ContextError`, or 0. Written under the lock.
    over: AtomicU8,
    family: Mutex<Family>,
}

#[derive(Default)]
struct Family {
    last_number: u64,
    children: BTreeMap<u64, Weak<Node>>,
    waiters: BTreeMap<u64, Task>,
}

impl Family {
    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

impl Context {
    /// A context that is over only when it is told so: the root of a tree.
    ///
    /// ```
    /// assert!(!midge::context::Context::background().is_cancelled());
    /// ```
    pub fn background() -> Context {
        Context { node: Arc::new(Node::new(None, 0, None, 0)) }
    }

    /// A child that is over when the guard says so, at the latest when it is dropped; or with this
    /// one.
    pub fn with_cancel(&self) -> (Context, CancelGuard) {
        self.child(None)
    }

    /// A child that is over at a deadline, too.
    pub fn with_deadline(&self, deadline: Instant) -> (Context, CancelGuard) {
        self.child(Some(deadline))
    }

    /// A child that is over after some time, too. One that leads beyond what `Instant` can hold is
    /// no limit.
    ///
    /// ```
    /// use midge::context::{Context, ContextError};
    /// use std::time::Duration;
    /// let (context, _guard) = Context::background().with_timeout(Duration::from_millis(1));
    /// assert_eq!(context.wait(), ContextError::DeadlineExceeded);
    /// ```
    pub fn with_timeout(&self, timeout: Duration) -> (Context, CancelGuard) {
        self.child(Instant::now().checked_add(timeout))
    }

    fn child(&self, deadline: Option<Instant>) -> (Context, CancelGuard) {
        let deadline = self.node.deadline.into_iter().chain(deadline).min();
        let mut family = self.node.family.lock();
        let number = family.number();
        // Under the lock, so either it is over with this one or this one's end finds it. Relaxed:
        // it is written under the lock.
        let over = self.node.over.load(Ordering::Relaxed);
        let node = Arc::new(Node::new(Some(self.node.clone()), number, deadline, over));
        if over == 0 {
            family.children.insert(number, Arc::downgrade(&node));
        }
        drop(family);
        (Context { node: node.clone() }, CancelGuard { node })
    }

    /// Whether it is over.
    pub fn is_cancelled(&self) -> bool {
        self.err().is_some()
    }

    /// Why it is over, if it is. That does not change any more.
    pub fn err(&self) -> Option<ContextError> {
        let error = self.node.error();
        if error.is_none() && self.node.is_late() {
            end(self.node.clone(), ContextError::DeadlineExceeded);
            return self.node.error();
        }
        error
    }

    /// When it will be over at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline
    }

    /// Waits until it is over and says why. A suspension point; on an ordinary thread it blocks the
    /// thread.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// rt.run(|| {
    ///     let (context, guard) = midge::context::Context::background().with_cancel();
    ///     let waiting = midge::spawn(move || context.wait());
    ///     drop(guard);
    ///     assert_eq!(waiting.join().unwrap(), midge::context::ContextError::Cancelled);
    /// });
    /// ```
    pub fn wait(&self) -> ContextError {
        /// Takes the waiter off the list, also when it unwinds.
        struct Waiting<'a>(&'a Node, u64);
        impl Drop for Waiting<'_> {
            fn drop(&mut self) {
                let waiter = self.0.family.lock().waiters.remove(&self.1);
                drop(waiter); // after the lock
            }
        }
        let mut waiting = None;
        loop {
            if let Some(error) = self.err() {
                return error;
            }
            if waiting.is_none() {
                let task = task::current();
                let mut family = self.node.family.lock();
                // Relaxed: it is written under the lock.
                if self.node.over.load(Ordering::Relaxed) == 0 {
                    let number = family.number();
                    family.waiters.insert(number, task);
                    waiting = Some(Waiting(&self.node, number));
                }
                continue; // and look again
            }
            match self.node.deadline {
                Some(deadline) => park_until(deadline, Reason::Context),
                None => park_for(Reason::Context),
            }
        }
    }
}

impl Node {
    fn new(parent: Option<Arc<Node>>, number: u64, deadline: Option<Instant>, over: u8) -> Node {
        let family = Mutex::new(Family::default());
        Node { parent, number, deadline, over: AtomicU8::new(over), family }
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    fn error(&self) -> Option<ContextError> {
        // Acquire pairs with the Release in `end`: what the canceller did is seen.
        match self.over.load(Ordering::Acquire) {
            0 => None,
            1 => Some(ContextError::Cancelled),
            _ => Some(ContextError::DeadlineExceeded),
        }
    }
}

/// Ends a context and all below it. (In a loop: a tree may be deep.)
fn end(node: Arc<Node>, why: ContextError) {
    let mut nodes = vec![node];
    while let Some(node) = nodes.pop() {
        let mut family = node.family.lock();
        // Relaxed: it is written under the lock.
        if node.over.load(Ordering::Relaxed) != 0 {
            continue;
        }
        // Its deadline may have passed without anybody's asking: then that was first.
        let late = why == ContextError::DeadlineExceeded || node.is_late();
        // Release pairs with the Acquire in `error`.
        node.over.store(1 + u8::from(late), Ordering::Release);
        let Family { children, waiters, .. } = std::mem::take(&mut *family);
        drop(family);
        waiters.into_values().for_each(|waiter| waiter.unpark());
        nodes.extend(children.into_values().filter_map(|child| child.upgrade()));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // One after the other: dropped from within each other, a long line would be a deep
        // recursion.
        let (mut parent, mut number) = (self.parent.take(), self.number);
        while let Some(node) = parent {
            node.family.lock().children.remove(&number);
            let Some(mut last) = Arc::into_inner(node) else { return };
            number = last.number;
            parent = last.parent.take();
        }
    }
}

/// Ends its context when it says so, or is dropped.
#[must_use = "the context is over when its guard is dropped"]
pub struct CancelGuard {
    node: Arc<Node>,
}

impl CancelGuard {
    /// Ends the context and all below it. Further calls do nothing.
    pub fn cancel(&self) {
        end(self.node.clone(), ContextError::Cancelled);
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("err", &self.node.error())
            .field("deadline", &self.node.deadline)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelGuard").field("err", &self.node.error()).finish_non_exhaustive()
    }
}
