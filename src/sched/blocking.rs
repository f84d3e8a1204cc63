//! [`blocking`]: running what would hold up a worker on a thread of its own.
//!
//! The closure travels in a piece of heap that its task and a thread of the
//! [`blocking_pool`](super::blocking_pool) share, and the result comes back in it: nothing of the
//! task's stack is touched by others. The task parks meanwhile. One that unwinds out of its wait
//! leaves at once: a closure that has not begun goes with it, and of one that has the thread drops
//! the result.
//!
//! Go: `runtime/proc.go` `entersyscall`, `handoffp`: there the goroutine keeps its thread, and
//! sysmon finds out that it blocks. This is for those who know beforehand, and for the modes in
//! which a started task cannot leave its thread.

use super::blocking_pool::Job;
use super::context::{self, in_task};
use super::unwind;
use crate::lock::Mutex;
use crate::task::handle::Task;
use crate::task::reason::Reason;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;

/// Runs `f` on an ordinary thread, and waits for its result. A suspension point: other tasks run
/// meanwhile.
///
/// It is for what blocks its thread or computes for long (from about a millisecond on): files,
/// `std::process`, name resolution, C libraries. The contract of the copying modes does not bind
/// `f`: it runs on the stack of a thread (of std's usual size, see
/// [`std::thread::Builder::stack_size`]), and midge's own primitives block that thread in it. In
/// `f`, [`spawn`](crate::spawn) is that of the calling task's runtime.
///
/// The threads are the runtime's. They are made when they are needed, up to
/// [`Builder::max_blocking_threads`](crate::Builder::max_blocking_threads), beyond which closures
/// wait for their turn, first come, first served; so closures that wait for each other may use the
/// threads up. One without work for 10 seconds ends
/// ([`Builder::blocking_keep_alive`](crate::Builder::blocking_keep_alive)).
///
/// Called outside of tasks, it just calls `f`.
///
/// If the task is cancelled, or its timeout is over, it unwinds from here. If `f` has not begun
/// then, it is dropped and never runs; else it runs to its end, and its result is dropped. A
/// [`Runtime`](crate::Runtime) that is dropped waits for closures that have begun.
///
/// # Panics
///
/// With the panic of `f`. And when the first thread of the pool cannot be started (a limit on
/// threads: `ulimit -u`, a container's `pids.max`); as long as there is one, `f` waits for it.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// let name = rt.run(|| midge::blocking(|| std::fs::read_to_string("/proc/self/comm"))).unwrap();
/// assert!(!name.is_empty());
/// ```
///
/// What it is given must be its own, since a task that is cancelled does not wait for it:
///
/// ```compile_fail,E0597
/// # let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let local = vec![1];
///     let borrowed = &local;
///     midge::blocking(move || borrowed.len());
/// });
/// ```
#[track_caller]
pub fn blocking<F, T>(f: F) -> T
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let Some((worker, _)) = in_task() else { return f() };
    unwind::unwind_if_cancelled(worker);
    let work = Arc::new(Work { stage: Mutex::new(Stage::Waiting(f)), caller: context::current() });
    let pool = &worker.shared().blocking;
    if let Err(error) = pool.submit(work.clone(), &worker.shared) {
        panic!(
            "midge::blocking cannot start a thread: {error}; raise the limit on threads \
             (ulimit -u, pids.max)"
        );
    }
    let _leave = Leave(&work);
    loop {
        context::park_for(Reason::Blocking);
        match work.take_result() {
            Some(Ok(result)) => return result,
            Some(Err(payload)) => unwind::resume(payload),
            None => {} // somebody unparked us for something else
        }
    }
}

/// A closure on its way to a thread, and its result on the way back.
struct Work<F, T> {
    stage: Mutex<Stage<F, T>>,
    caller: Task,
}

enum Stage<F, T> {
    /// It is in the queue.
    Waiting(F),
    Running,
    Done(thread::Result<T>),
    /// The task has left, with the result or without.
    Left,
}

impl<F, T> Work<F, T> {
    /// The result, if it is there.
    fn take_result(&self) -> Option<thread::Result<T>> {
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Done(_)) {
            return None;
        }
        match mem::replace(&mut *stage, Stage::Left) {
            Stage::Done(result) => Some(result),
            _ => None,
        }
    }
}

impl<F, T> Job for Work<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(&self) {
        let f = {
            let mut stage = self.stage.lock();
            match mem::replace(&mut *stage, Stage::Running) {
                Stage::Waiting(f) => f,
                left => {
                    *stage = left;
                    return;
                }
            }
        };
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        let mut stage = self.stage.lock();
        if matches!(*stage, Stage::Running) {
            *stage = Stage::Done(result);
        } else {
            drop(stage);
            drop_quietly(result); // the task has left
        }
    }

    fn tell(&self) {
        self.caller.unpark();
    }
}

/// Sees to it that a task which leaves its wait takes with it what nobody will ask for.
struct Leave<'a, F, T>(&'a Work<F, T>);

impl<F, T> Drop for Leave<'_, F, T> {
    fn drop(&mut self) {
        let left = mem::replace(&mut *self.0.stage.lock(), Stage::Left);
        if !matches!(left, Stage::Left) {
            drop_quietly(left); // the task unwinds: a second panic would end the process
        }
    }
}

/// Drops what nobody will hear of. If that panics, the panic hook has told; the payload could panic
/// in turn.
fn drop_quietly<V>(value: V) {
    if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
        mem::forget(payload);
    }
}
