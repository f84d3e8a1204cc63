//! Timeouts: a task unwinds out of what it does when the time for it is over.
//!
//! A task that runs under a timeout has it in its [`Locals`](crate::task::locals::Locals), and one
//! timer for it, whatever it waits for inside. When that fires, it sets the task's TIMED_OUT bit
//! and wakes it; like CANCELLED, the bit is looked at behind each suspension. It stays as long as a
//! timeout is over, so a body that catches the unwinding meets it again at its next suspension
//! point. The payload names the outermost timeout that is over, and all others let it pass.
//!
//! An ordinary thread looks at its timeouts itself where it parks.
//!
//! Go: `context.WithTimeout`, which the function inside has to ask.

use super::context::in_task;
use super::own::{with_locals, with_locals_if_any};
use super::timed::{SetTimer, Target};
use crate::task::header::Header;
use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;

/// What unwinds out of a timeout that is over.
pub(crate) struct TimedOut(u64);

/// Runs `f`; None if the deadline has passed before it came to its end and there was a suspension
/// point to end it at.
pub(crate) fn run<T>(deadline: Instant, f: impl FnOnce() -> T) -> Option<T> {
    let Some(entered) = (if cfg!(panic = "abort") { None } else { Entered::new(deadline) }) else {
        return Some(f()); // a thread's last moments, or nothing can unwind
    };
    let id = entered.id;
    let outcome = panic::catch_unwind(AssertUnwindSafe(f));
    drop(entered);
    match outcome {
        Ok(result) => Some(result),
        Err(payload) => match payload.downcast::<TimedOut>() {
            Ok(over) if over.0 == id => {
                // It began where the task was not unwinding, so here it is not, either. To be said
                // while a neighbour is (see `unwind::is_unwinding`), or no further timeout would
                // end anything.
                if let Some((_, task)) = in_task() {
                    // SAFETY: the running task is alive.
                    unsafe { task.as_ref() }.panicked.set(false);
                }
                None
            }
            Ok(outer) => panic::resume_unwind(outer),
            Err(other) => panic::resume_unwind(other),
        },
    }
}

/// A timeout that the caller runs under until this is dropped.
struct Entered {
    id: u64,
    timer: Option<SetTimer>,
}

impl Entered {
    fn new(deadline: Instant) -> Option<Entered> {
        let id = with_locals(|locals| locals.enter(deadline))?;
        let mut timer = None;
        if let Some((worker, task)) = in_task() {
            if deadline <= Instant::now() {
                // SAFETY: the running task is alive. It is not parked, so it need not be woken.
                let _ = unsafe { task.as_ref() }.state.time_out();
            } else {
                timer = SetTimer::new(worker, deadline, Target::TimeOut(task));
            }
        }
        Some(Entered { id, timer })
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        with_locals_if_any(|locals| locals.leave(self.id));
        drop(self.timer.take()); // from here on it does not fire
        let Some((_, task)) = in_task() else { return };
        // SAFETY: the running task is alive.
        let state = unsafe { &task.as_ref().state };
        // If the bit was not there, the timers of those further out have yet to fire. If it was, it
        // may have been theirs; a timer that has fired is over by the clock, too.
        if state.forget_time_out() && over().is_some() {
            let _ = state.time_out();
        }
    }
}

/// The outermost timeout of the caller that is over. Reads the clock only if there are any.
fn over() -> Option<u64> {
    with_locals_if_any(|locals| match locals.first_deadline() {
        Some(_) => locals.over(Instant::now()),
        None => None,
    })?
}

/// When the first timeout of the calling thread is over.
pub(crate) fn first_deadline() -> Option<Instant> {
    with_locals_if_any(|locals| locals.first_deadline())?
}

/// Unwinds out of the outermost timeout that is over, if any. The caller has made sure that it may
/// unwind.
#[cold]
pub(crate) fn unwind(header: Option<&Header>) {
    if let Some(id) = over() {
        if let Some(header) = header {
            header.panicked.set(true);
        }
        panic::resume_unwind(Box::new(TimedOut(id)));
    }
}
