//! What waiting for something takes besides `park`: a cheap handle to wake the waiting task by, and
//! a random number.
//!
//! A counted [`Task`] costs two atomic operations for each wait. A protocol in which the waiting
//! task does not go on before its waker says that it has finished with it needs no count: it uses
//! an [`Unparker`].
//!
//! Go: `runtime/proc.go` `acquireSudog`, `goready`, where the collector keeps a g alive;
//! `cheaprandn`.

use super::context;
use super::worker;
use crate::task::cell;
use crate::task::handle::Task;
use crate::task::header::Header;
use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

/// Wakes a task, or a thread, without keeping it alive.
#[derive(Clone, Copy)]
pub(crate) struct Unparker(NonNull<Header>);

impl Unparker {
    /// `Task::unpark`, with `done` called in the middle: before that the task does not go on for
    /// good (it may look around, but must wait for what `done` does); after it, it may end at any
    /// time.
    ///
    /// In the middle, because making a task ready may wake a worker, a system call in which this
    /// thread can lose its processor; the task would wait for `done` all the while.
    ///
    /// # Safety
    ///
    /// The task has not ended, and does not before `done` has been called; of a thread, the
    /// [`Waiting`] is still there.
    #[inline]
    pub(crate) unsafe fn unpark(self, done: impl FnOnce()) {
        // SAFETY: alive by the caller's promise.
        unsafe {
            if self.0.as_ref().runtime.is_null() {
                cell::unpark_thread(self.0, done);
            } else {
                context::unpark(self.0, done);
            }
        }
    }
}

/// The calling task, or thread, as one that is about to wait.
pub(crate) struct Waiting {
    unparker: Unparker,
    /// Keeps a thread's stand-in alive.
    _thread: Option<Task>,
}

impl Waiting {
    #[inline]
    pub(crate) fn current() -> Waiting {
        if let Some(task) = worker::current().and_then(|worker| worker.current.get()) {
            return Waiting { unparker: Unparker(task.0), _thread: None };
        }
        let thread = context::thread_task(Location::caller());
        Waiting { unparker: Unparker(thread.pointer()), _thread: Some(thread) }
    }

    /// What wakes it.
    pub(crate) fn unparker(&self) -> Unparker {
        self.unparker
    }
}

/// For calls that suspend only if they must: in stress mode they sometimes yield for no reason.
#[inline]
pub(crate) fn may_suspend() {
    if context::any_stress() {
        stress();
    }
}

#[cold]
fn stress() {
    if let Some(worker) = worker::current().filter(|worker| worker.current.get().is_some()) {
        context::stress_yield(worker);
    }
}

/// A random number, for choices that have to be fair.
pub(crate) fn random() -> u64 {
    if let Some(worker) = worker::current() {
        return worker.processor.random();
    }
    static SEEDS: AtomicU64 = AtomicU64::new(1);
    thread_local! {
        static STATE: Cell<u64> = const { Cell::new(0) };
    }
    // A thread that is ending has no such variable any more, and makes a fair choice no longer.
    let next = |state: &Cell<u64>| {
        let mut x = state.get();
        if x == 0 {
            // Relaxed: any two threads get different numbers.
            x = SEEDS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        state.set(x);
        x
    };
    STATE.try_with(next).unwrap_or(0)
}
