//! The beginning and the end of a task's time on its stack.
//!
//! [`task_main`] is what a fresh stack begins with. A task that ends lets go of its window, its
//! block and the scheduler's reference ([`bury`]); or the next fresh task inherits the window,
//! stack and all.
//!
//! Go: `runtime/proc.go` `newproc1` (the first frame), `goexit0`, `gdestroy`.

use super::reserve;
use super::switch::{self, Suspension};
use super::unwind;
use super::worker::{self, Worker, WorkerRef};
use super::Ready;
use crate::stack::window::Window;
use crate::task::header;
use std::ptr;
use std::sync::atomic::Ordering;

/// What a fresh stack begins with. It runs its task and then, as long as there are fresh tasks that
/// may have the same window, those too: a task that never suspends costs no switch at all.
pub(super) unsafe extern "C" fn task_main(word: usize) -> ! {
    // SAFETY: the switch that began this context passed its worker.
    let mut worker = unsafe { WorkerRef::from_word(word) };
    // SAFETY: we are the next context.
    unsafe { switch::finish(worker) };
    worker.exit(false);
    loop {
        let Some(task) = worker.current.get() else {
            unreachable!("a task's stack without a task")
        };
        unwind::run(task);
        reserve::end(task);
        let Some(now) = worker::current() else { unreachable!("a task off its workers") };
        worker = now;
        worker.enter();
        let next = worker.processor.pick(worker.shared(), worker.remote());
        let Some(next) = next else {
            // SAFETY: the task has ended; nobody resumes it.
            unsafe { switch::suspend(worker, task.0, Suspension::Exit, None) };
            unreachable!("an ended task was resumed");
        };
        // SAFETY: `task` has ended, and `next` is ours to run.
        if !unsafe { inherit(worker, task, next) } {
            // SAFETY: as above.
            unsafe { switch::suspend(worker, task.0, Suspension::Exit, Some(next)) };
            unreachable!("an ended task was resumed");
        }
        worker.exit(false);
    }
}

/// Gives the window of a task that has ended to a fresh one, if it may have it; the caller then
/// runs that one on the very stack it stands on.
///
/// # Safety
///
/// The caller stands on `task`'s stack, `task` has ended, and `next` is the caller's to run.
unsafe fn inherit(worker: WorkerRef, task: Ready, next: Ready) -> bool {
    let (old, new) = (task.header(), next.header());
    // SAFETY: the window we stand on.
    let window = unsafe { &*old.image.window.get() };
    if new.has_started() || new.pinned != window.private || window.bound.get() != 1 {
        return false;
    }
    if new.pinned && (worker.shared().windows.somebody_may_wait() || new.image.has_window()) {
        return false; // the one who has waited longest comes first, or has one already
    }
    if !worker.processor.exclusive() {
        worker.ready_all(window.ownership.take_waiters()); // or they would wait for a whole chain of heirs
    }
    new.image.window.set(window);
    new.image.sp.set(old.image.sp.get()); // not 0: it has begun
    new.started.store(true, Ordering::Relaxed);
    new.home.set(worker.index as u32);
    window.resident.set(&new.image);
    worker.current.set(Some(next));
    worker.drop_block(task);
    // SAFETY: ended, and its window is another's now.
    unsafe { worker.end_task(task) };
    true
}

/// Lets go of a task that has ended: its window, its block, the scheduler's reference.
///
/// # Safety
///
/// The task has ended and left its stack; the caller is on `worker`'s thread and holds `window`.
pub(super) unsafe fn bury(worker: WorkerRef, task: Ready, window: &Window) {
    window.resident.set(ptr::null());
    window.bound.set(window.bound.get() - 1);
    if window.private {
        if worker.processor.exclusive() {
            worker.processor.grown.forget(window); // only this worker's list can have it
        }
        // SAFETY: the one task that was bound to it has left.
        if let Some(waiting) = unsafe { worker.shared().windows.give_back_private(window) } {
            worker.shared().inject(waiting);
        }
    } else {
        let (unbound, grown) = (window.bound.get() == 0, worker.note_if_grown(window));
        if !worker.processor.exclusive() {
            worker.leave_window(window);
        }
        if unbound {
            worker.processor.windows.note_free(window);
        }
        if grown {
            worker.have_noted_grown();
        }
    }
    worker.drop_block(task);
    // SAFETY: passed on.
    unsafe { worker.end_task(task) };
}

impl Worker {
    /// Drops the scheduler's reference to a task that has ended, and counts it.
    ///
    /// # Safety
    ///
    /// The task has ended, has no window and no block, and the caller does not use it afterwards.
    unsafe fn end_task(&self, task: Ready) {
        // SAFETY: the scheduler's reference ends here.
        self.processor.with_cache(|cache| unsafe { header::release(task.0, Some(cache)) });
        self.remote().counters.tasks_finished.add(1);
        self.tell_if_draining();
    }

    fn drop_block(&self, task: Ready) {
        let image = &task.header().image;
        let bytes = image.block_capacity();
        if bytes > 0 {
            self.processor.with_cache(|cache| image.release_block(cache));
            self.remote().counters.block_bytes.sub(bytes as u64);
        }
    }
}
