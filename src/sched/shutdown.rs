//! The end of a runtime: cancel every task, wait for all to end, stop the workers.
//!
//! Tasks are found by walking the slabs that all tasks are cut from, so that no list of all tasks
//! has to be kept while they come and go (Go's `allgs` never shrinks).
//!
//! Go: nothing; the process exits under its goroutines.

use super::config::Mode;
use super::external;
use super::shared::Shared;
use super::worker::Worker;
use crate::stack::slab;
use crate::task::handle::Task;
use crate::task::header::{self, Header};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// How long to wait for the tasks to end before the slabs are walked again, for tasks that were
/// spawned meanwhile.
const WALK_AGAIN: Duration = Duration::from_millis(20);

/// Ends a runtime. Not to be called on one of its workers.
pub(crate) fn end(shared: Arc<Shared>, watchers: Vec<thread::JoinHandle<()>>) {
    shared.draining.store(true, Ordering::SeqCst);
    shared.closed.store(true, Ordering::SeqCst);
    external::wait_until_left(); // whoever was about to spawn has done so
    while !shared.all_ended() {
        cancel_all(&shared);
        if cfg!(panic = "abort") && only_stranded(&shared) {
            // They may be unparked yet, and then their runtime is looked at: it stays, with their
            // windows.
            std::mem::forget(shared.clone());
            break;
        }
        let mut guard = shared.ended_lock.lock();
        if !shared.all_ended() {
            shared.ended.wait_for(&mut guard, WALK_AGAIN);
        }
    }
    // After this nobody from outside is still busy with a task that has ended.
    external::wait_until_left();
    // First those who look at workers, and start them.
    shared.sysmon.stop();
    shared.preemptor.stop();
    for watcher in watchers {
        let _ = watcher.join(); // as below
    }
    shared.stopped.store(true, Ordering::SeqCst);
    for worker in shared.seats.close().into_iter().chain(shared.idle.wake_all()) {
        shared.remotes[worker].parker.unpark();
    }
    let threads = std::mem::take(&mut *shared.threads.lock());
    for thread in threads {
        // A worker does not panic: tasks catch their own.
        let _ = thread.join();
    }
    shared.blocking.close();
    debug_assert!(shared.config.mode == Mode::Pinned || shared.injector.is_empty());
}

/// Asks every task of the runtime to unwind.
fn cancel_all(shared: &Shared) {
    loop {
        let tasks = collect(|task| ptr::eq(task.runtime.cast(), shared) && task.state.can_cancel());
        let last = tasks.len() < BATCH;
        tasks.iter().for_each(super::context::cancel);
        if last {
            return;
        }
    }
}

/// Under `panic = "abort"`, parked tasks can neither run on nor unwind. True if none but those are
/// left.
fn only_stranded(shared: &Shared) -> bool {
    let stranded = Cell::new(0);
    let others = collect(|task| {
        let parked = ptr::eq(task.runtime.cast(), shared) && task.state.is_parked();
        stranded.set(stranded.get() + u64::from(parked));
        false
    });
    drop(others);
    shared.metrics().tasks_live <= stranded.get()
}

/// Calls `look` with every task of the process. The slabs are locked meanwhile: it only looks.
pub(super) fn look_at_all(mut look: impl FnMut(&Header)) {
    let none = collect(|task| {
        look(task);
        false
    });
    drop(none);
}

/// Tasks are collected in batches of this many.
const BATCH: usize = 4096;

/// Up to [`BATCH`] tasks of the process for which `wanted` is true. It is asked while the slabs are
/// locked: it only looks.
fn collect(mut wanted: impl FnMut(&Header) -> bool) -> Vec<Task> {
    // Empty at first: who only looks may do so because memory is short.
    let mut tasks = Vec::new();
    // References that turned out to be the last: to be dropped after the walk, which must not free.
    let mut last = Vec::new();
    slab::for_each_task_slot(&mut |slot| {
        let task = slot.cast::<Header>();
        // SAFETY: a slot of a task slab, which stays one during the walk.
        if tasks.len() == BATCH || !unsafe { header::try_reference(slot) } {
            return;
        }
        // SAFETY: referenced just now, and that reference goes to exactly one of three places.
        unsafe {
            if wanted(task.as_ref()) {
                tasks.push(Task::from_owned(task));
            } else if !header::release_unless_last(task) {
                last.push(Task::from_owned(task));
            }
        }
    });
    drop(last);
    tasks
}

impl Worker {
    /// After a task has ended: tells the drop that waits for the last one.
    #[inline]
    pub(crate) fn tell_if_draining(&self) {
        if self.shared.draining.load(Ordering::Relaxed) {
            self.tell_if_all_ended();
        }
    }

    #[cold]
    #[inline(never)] // out of the frame that every task's stack begins with
    fn tell_if_all_ended(&self) {
        if self.shared.all_ended() {
            let _guard = self.shared.ended_lock.lock();
            self.shared.ended.notify_all();
        }
    }
}
