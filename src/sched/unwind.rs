//! Cancelling a task: it unwinds from where it waits, so that its destructors run.
//!
//! A panic of a task ends at the bottom of its stack, where it becomes the result; so does this
//! unwinding, which is a panic without a message. Under `panic = "abort"` nothing can unwind: there
//! a cancelled task that has started is left where it is.
//!
//! Go: `runtime/panic.go` `Goexit`, which a goroutine can only do to itself.

use super::context::in_task;
use super::worker::WorkerRef;
use super::{own, timeouts, Ready};
use crate::task::cell::{Hooks, UnparkFn};
use crate::task::handle::Task;
use crate::task::header::Header;
use crate::task::state::WakeJoiner;
use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

/// What a cancelled task's `join` returns as the error: the payload it unwound with.
///
/// ```
/// use midge::{spawn, task};
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let waiting = spawn(|| loop {
///         task::park()
///     });
///     waiting.cancel();
///     assert!(waiting.join().unwrap_err().is::<task::Cancelled>());
/// });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task was cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// The parts of a task's vtable that are the scheduler's.
pub(crate) struct Scheduled;

impl Hooks for Scheduled {
    const UNPARK: UnparkFn = |task| {
        // SAFETY: whoever calls it has a reference.
        unsafe { super::context::unpark(task, || ()) }
    };
    const CANCELLED_PAYLOAD: fn() -> Box<dyn Any + Send> = || Box::new(Cancelled);
}

/// Runs a task from its beginning to its end, on its own stack.
#[inline]
pub(crate) fn run(task: Ready) {
    let header = task.header();
    // SAFETY: the task is fresh, and we are on its stack.
    unsafe { (header.vtable.run)(task.0) };
    own::destroy(task);
    match header.state.complete() {
        None => {
            // Nobody is left to hear of a panic here but the panic hook, which has. Its payload
            // could panic in turn when it is dropped, so it is not. (std aborts in this case, tokio
            // does as here.)
            // SAFETY: the result is in place, and there is no handle that could take it.
            let drop_result = || unsafe { (header.vtable.drop_result)(task.0) };
            if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(drop_result)) {
                std::mem::forget(payload);
            }
            own::destroy(task); // the result may have used some
            header.state.complete_detached();
        }
        Some(WakeJoiner(true)) => {
            // SAFETY: the joiner filled its slot before it set the bit, and does not touch it
            // after.
            let joiner: Option<Task> = unsafe { (*header.joiner.get()).take() };
            if let Some(joiner) = joiner {
                joiner.unpark();
            }
        }
        Some(WakeJoiner(false)) => {}
    }
}

/// At the end of a suspension: unwinds if the task has been cancelled meanwhile, or a timeout is
/// over.
#[inline]
pub(crate) fn unwind_if_cancelled(worker: WorkerRef) {
    let Some(task) = worker.current.get() else { return };
    if task.header().state.should_unwind() {
        unwind(worker, task);
    }
}

#[cold]
fn unwind(worker: WorkerRef, task: Ready) {
    let header = task.header();
    // A task that unwinds already needs no second reason.
    if cfg!(panic = "abort") || header.masked.get() || is_unwinding(worker, header) {
        return;
    }
    if !header.state.is_cancelled() {
        return timeouts::unwind(Some(header));
    }
    header.state.begin_unwinding();
    header.panicked.set(true);
    panic::resume_unwind(Box::new(Cancelled));
}

/// Goes on with an unwinding that was caught. The task may have suspended meanwhile, which forgets
/// that it has panicked.
pub(crate) fn resume(payload: Box<dyn Any + Send>) -> ! {
    if let Some((_, task)) = in_task() {
        // SAFETY: the running task is alive.
        unsafe { task.as_ref() }.panicked.set(true);
    }
    panic::resume_unwind(payload)
}

/// Whether a payload is this module's or a timeout's, and not a panic's.
pub(crate) fn is_forced(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Cancelled>() || payload.is::<timeouts::TimedOut>()
}

/// Whether the running task is unwinding, as far as can be known.
///
/// std says whether a panic is under way on this *thread*, and that may be a neighbour's, which
/// suspended in one of its destructors. Without such a neighbour it is the task's own; with one, it
/// is if the task has panicked since all was quiet. (A task that calls `resume_unwind` itself, next
/// to such a neighbour, is not found out.)
fn is_unwinding(worker: WorkerRef, header: &Header) -> bool {
    std::thread::panicking() && (worker.unwinding.get() == 0 || header.panicked.get())
}

/// For a task that suspends while a panic is under way on its thread.
#[cold]
pub(crate) fn note_unwinding(worker: WorkerRef, header: &Header) {
    if is_unwinding(worker, header) {
        header.panicked.set(true);
        header.unwinding.set(true);
        worker.unwinding.set(worker.unwinding.get() + 1);
        worker.reserve();
    }
}

/// For the task that goes on: on the same worker, if it was unwinding.
#[inline]
pub(crate) fn forget_unwinding(worker: WorkerRef, header: &Header) {
    if header.unwinding.replace(false) {
        worker.unwinding.set(worker.unwinding.get() - 1);
        worker.unreserve();
    }
}

/// Whether a suspended task could unwind if it were cancelled. If not, cancelling it is no reason
/// not to park.
pub(crate) fn may_unwind(header: &Header) -> bool {
    cfg!(panic = "unwind") && !header.unwinding.get() && !header.masked.get()
}
