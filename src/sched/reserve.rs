//! Tasks that have their thread to themselves, in the migrating mode.
//!
//! A task may lock its thread ([`lock_thread`]); and one that suspends while it unwinds leaves the
//! thread in the midst of a panic (std counts them for each thread). From such a task's first
//! suspension on its worker is *reserved*: it gives its seat to another and runs nothing but the tasks
//! that belong to its thread, for which it needs none. The notice that makes it ask for a seat stays up
//! all the while.
//!
//! In the other modes a worker's started tasks have no other thread, so nothing is reserved there.
//!
//! Go: `runtime/proc.go` `LockOSThread`, `stoplockedm`, `startlockedm`.

use super::context::in_task;
use super::worker::Worker;
use super::Ready;
use std::fmt;
use std::marker::PhantomData;

impl Worker {
    /// One more reason to run nothing but the tasks of this thread.
    #[cold]
    pub(super) fn reserve(&self) {
        if self.shared.thread_bound() {
            return;
        }
        self.end_alone();
        self.reserved.set(self.reserved.get() + 1);
        self.remote().inbox.give_notice();
    }

    /// One less. The notice stays up: the worker takes it down when it looks at it.
    #[cold]
    pub(super) fn unreserve(&self) {
        if !self.shared.thread_bound() {
            self.reserved.set(self.reserved.get() - 1);
        }
    }
}

/// Keeps the calling task on its OS thread until the guard is dropped. In the migrating mode no
/// other task runs on that thread meanwhile, so that what belongs to the thread (its scheduling
/// priority, namespaces, a graphics context) is the task's own; in the others, where started tasks
/// cannot leave their thread, its neighbours go on there.
///
/// Guards nest: the last one that is dropped lets the thread go. As does the end of the task,
/// should a guard have been leaked. (Go's `runtime.LockOSThread` ends the thread then.) In the
/// migrating mode another worker takes the place of this one, so that the thread comes on top of those
/// that [`Builder::workers`](crate::Builder::workers) says, and waking the task costs a switch of
/// threads. On an ordinary thread a guard has no effect.
///
/// # Panics
///
/// When the task has 65,535 guards.
///
/// ```
/// use midge::task;
/// // SAFETY: no task lends its stack or holds anything of its thread's, but for this one, which
/// // locks it.
/// let rt = unsafe { midge::Runtime::migrating() }.unwrap();
/// rt.run(|| {
///     let _guard = task::lock_thread();
///     let before = std::thread::current().id();
///     task::yield_now();
///     assert_eq!(std::thread::current().id(), before);
/// });
/// ```
pub fn lock_thread() -> ThreadLock {
    if let Some((worker, task)) = in_task() {
        // SAFETY: the running task is alive.
        let locks = unsafe { &task.as_ref().thread_locks };
        let Some(more) = locks.get().checked_add(1) else {
            panic!("a task cannot hold more than {} guards of lock_thread", u16::MAX)
        };
        if more == 1 {
            let was_inside = worker.enter();
            worker.reserve();
            worker.exit(was_inside);
        }
        locks.set(more);
    }
    ThreadLock { _not_send: PhantomData }
}

/// Keeps its task on its OS thread: see [`lock_thread`].
///
/// ```compile_fail,E0277
/// fn send(_: impl Send) {}
/// send(midge::task::lock_thread()); // it is the task's own
/// ```
#[must_use = "the thread is let go when the guard is dropped"]
pub struct ThreadLock {
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for ThreadLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadLock").finish_non_exhaustive()
    }
}

impl Drop for ThreadLock {
    fn drop(&mut self) {
        let Some((worker, task)) = in_task() else { return };
        // SAFETY: the running task is alive.
        let locks = unsafe { &task.as_ref().thread_locks };
        locks.set(locks.get() - 1);
        if locks.get() == 0 {
            worker.unreserve();
        }
    }
}

/// At the end of a task, on its own stack: lets go of a thread that leaked guards have kept.
#[inline]
pub(super) fn end(task: Ready) {
    if task.header().thread_locks.replace(0) > 0 {
        if let Some((worker, _)) = in_task() {
            worker.unreserve();
        }
    }
}
