//! Suspending a task and continuing another: the path every park, yield and exit takes.
//!
//! A task that suspends picks its successor ([`leave`](super::leave)) and switches to it; or, if
//! there is none that can be switched to from where it stands, to the worker's own stack. The
//! context that runs next calls [`finish`], which releases the window that was left, *then* makes
//! the task known as parked (or queues it again). So an early unpark never runs a half-saved task,
//! and whoever gets the task finds its window free, or itself on the window's wait list. Where
//! nobody but this worker can run the task, nothing of that is needed, and `leave` takes a short
//! way.
//!
//! Go: `runtime/proc.go` `gopark`/`park_m`, `goschedImpl`.

use super::leave;
use super::preempt;
use super::unwind;
use super::worker::{Worker, WorkerRef};
use super::{exit, Ready};
use crate::arch;
use crate::stack::image;
use crate::stack::window::Window;
use crate::task::header::Header;
use crate::task::reason::Reason;
use std::ptr::{self, NonNull};

/// Why a task leaves its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suspension {
    /// It goes on as soon as the others have had their turn.
    Yield,
    /// It waits for an unpark.
    Park,
    /// The same, and that has been published already (see [`leave`](super::leave)).
    Parked,
    /// It has ended.
    Exit,
}

/// Suspends the running task, which has entered the runtime ([`share`](super::share)) and leaves it
/// with this. Returns on the worker where it goes on.
///
/// # Safety
///
/// The caller is a task on `worker`'s thread, and holds nothing of that thread's across the call if
/// the task may migrate.
#[inline(never)]
pub(crate) unsafe fn suspend(
    worker: WorkerRef,
    task: NonNull<Header>,
    why: Suspension,
    next: Option<Ready>,
) -> WorkerRef {
    let Some(to) = leave::choose(worker, Ready(task), why, next) else {
        // SAFETY: the running task is alive.
        unsafe { task.as_ref() }.reason.set(Reason::Running);
        worker.exit(false);
        return worker; // it has been woken already
    };
    // SAFETY: a context was chosen that is saved, in place and this worker's to resume; the next
    // context finishes this switch before anybody can resume us.
    unsafe {
        let sp = (*task.as_ptr()).image.sp.as_ptr();
        let word = arch::switch(sp, to, worker.to_word());
        let worker = WorkerRef::from_word(word);
        finish(worker);
        // Asked of the worker, since whatever is kept across the switch is one more live word in
        // each parked stack.
        if let Some(task) = worker.current.get() {
            unwind::forget_unwinding(worker, task.header());
            task.header().reason.set(Reason::Running);
        }
        worker.exit(false);
        worker
    }
}

/// Finishes the switch that led to the running context: gives up the window that was left, then
/// lets the world know of the task that left it.
///
/// # Safety
///
/// The caller is the context that runs after a switch on `worker`'s thread.
#[inline(always)]
pub(crate) unsafe fn finish(worker: WorkerRef) {
    if let Some((task, why)) = worker.previous.get() {
        worker.previous.set(None);
        // SAFETY: passed on.
        unsafe { finish_previous(worker, task, why) };
    }
}

/// # Safety
///
/// As [`finish`]; `task` has just been switched away from, because of `why`.
#[inline(never)] // out of the way of the yields that leave nothing to finish
unsafe fn finish_previous(worker: WorkerRef, task: Ready, why: Suspension) {
    let header = task.header();
    let window = header.image.window.get();
    // SAFETY: a started task's window is alive, and we hold it until we give it up below.
    let window = unsafe { &*window };
    if why == Suspension::Exit {
        // SAFETY: the task has ended and left its stack.
        return unsafe { exit::bury(worker, task, window) };
    }
    let grown = worker.note_if_grown(window);
    if worker.processor.stress && !header.pinned {
        // SAFETY: held, nobody stands on it, and its resident is the task that has just left.
        unsafe { worker.evict(window, true) };
    }
    if !worker.processor.exclusive() {
        worker.leave_window(window);
    }
    if grown {
        worker.have_noted_grown();
    }
    if why == Suspension::Parked {
        return;
    }
    let counters = &worker.remote().counters;
    if why == Suspension::Park {
        counters.parks.add(1);
        if header.state.publish_parked(unwind::may_unwind(header)) {
            return; // it may run elsewhere by now, and be gone
        }
    } else {
        counters.yields.add(1);
    }
    worker.ready_last(task);
}

impl Worker {
    /// Gives up a window, unless the task in `handoff` needs it next; either way those who wait get
    /// their turn.
    pub(super) fn leave_window(&self, window: &Window) {
        if self.processor.preempts {
            return self.leave_preempted_window(window);
        }
        let next = self.handoff.get();
        let wanted = next.map_or(ptr::null(), |task| task.header().image.window.get());
        if ptr::eq(wanted, window) {
            self.kept.set(window);
            self.ready_all(window.ownership.take_waiters());
        } else {
            self.ready_all(window.ownership.release());
        }
    }

    /// The same where somebody may have been paused in the window. It is not kept: making others
    /// ready takes memory, and for that no such window may be held.
    fn leave_preempted_window(&self, window: &Window) {
        if window.turns.are_quiet() {
            return self.ready_all(window.ownership.release());
        }
        window.turns.end_turn();
        if window.turns.anybody_away() {
            // SAFETY: held, nobody stands on it, and its resident has just left, or ended.
            unsafe { self.evict(window, false) };
        }
        self.ready_all(window.turns.give_up(&window.ownership, preempt::clock()));
    }

    /// Freezes the resident of a window.
    ///
    /// # Safety
    ///
    /// This worker holds the window, nobody stands on it, and its resident is parked.
    unsafe fn evict(&self, window: &Window, poison: bool) {
        let processor = &self.processor;
        // SAFETY: passed on.
        let copied = unsafe {
            processor.with_cache(|cache| image::evict(window, cache, processor.preempts, poison))
        };
        self.count_copies(copied);
    }
}
