//! Choosing where to go from a task's stack.
//!
//! The *long way*: the next task that is ready is mounted, and switched to directly if that has
//! made its stack ready. If it needs the very window the task stands on, or if there is none, the
//! way leads to the worker's own stack. What the task has left is put in order by the next context
//! ([`finish`](super::switch::finish)).
//!
//! The *short way*, for the most frequent switches of all: where nobody but this worker could run
//! the task (the exclusive case), it may be queued, or known as parked, before it has left. Whoever
//! wakes it queues it, and it is taken from the queue only when it has left; or by itself, and then
//! it stays. If the next task is resident in another window, nothing remains to be copied or
//! finished.
//!
//! Go: `runtime/proc.go` `schedule`, `execute`.

use super::mount::{mount, Mounted};
use super::switch::Suspension;
use super::unwind;
use super::worker::WorkerRef;
use super::Ready;
use crate::stack::trim;
use std::ptr;

/// Returns the stack pointer to switch to, or None if the task has been woken and stays. `next` is
/// a successor that has been picked already.
#[inline(never)] // its registers and locals would be in every parked stack
pub(super) fn choose(
    worker: WorkerRef,
    task: Ready,
    why: Suspension,
    next: Option<Ready>,
) -> Option<usize> {
    if !may_be_short(worker) {
        return long_way(worker, task, why, next);
    }
    match (why, next) {
        (Suspension::Yield, Some(next)) => match resident_elsewhere(task, next) {
            Some(to) => {
                leave_calmly(task);
                worker.remote().counters.yields.add(1);
                worker.processor.push_bound(task);
                worker.current.set(Some(next));
                Some(to)
            }
            None => long_way(worker, task, why, Some(next)),
        },
        (Suspension::Park, None) => park(worker, task),
        _ => long_way(worker, task, why, next),
    }
}

/// Parks the short way, as far as it leads.
#[inline(always)]
fn park(worker: WorkerRef, task: Ready) -> Option<usize> {
    leave_calmly(task); // before it is published: whoever wakes it reads where it belongs
    let state = &task.header().state;
    if !state.publish_parked(unwind::may_unwind(task.header())) {
        return None;
    }
    worker.remote().counters.parks.add(1);
    let Some(next) = worker.processor.pick(worker.shared(), worker.remote()) else {
        return Some(depart(worker, task, Suspension::Parked, None));
    };
    if next == task {
        return None;
    }
    match resident_elsewhere(task, next) {
        Some(to) => {
            worker.current.set(Some(next));
            Some(to)
        }
        None => long_way(worker, task, Suspension::Parked, Some(next)),
    }
}

/// Whether nobody but this worker can run its tasks, and they are only being run.
#[inline(always)]
fn may_be_short(worker: WorkerRef) -> bool {
    worker.processor.exclusive() && !worker.processor.stress && !std::thread::panicking()
}

/// Notes that a task leaves without a panic under way on its thread.
fn leave_calmly(task: Ready) {
    let header = task.header();
    header.thread_locked.set(header.thread_locks.get() > 0);
    header.panicked.set(false);
}

/// Where to switch to, if `next` is resident in another window than `task`, whose window there is
/// no need to look at. In the exclusive case.
#[inline(always)]
fn resident_elsewhere(task: Ready, next: Ready) -> Option<usize> {
    let (from, to) = (&task.header().image, &next.header().image);
    let (window, next_window) = (from.window.get(), to.window.get());
    if next_window.is_null() || ptr::eq(next_window, window) {
        return None;
    }
    // SAFETY: the windows of started tasks are alive, and in the exclusive case this worker's own.
    let (resident, grown) = unsafe { ((*next_window).resident.get(), trim::is_grown(&*window)) };
    (ptr::eq(resident, to) && !grown).then(|| to.sp.get())
}

/// As [`choose`].
fn long_way(
    worker: WorkerRef,
    task: Ready,
    why: Suspension,
    mut next: Option<Ready>,
) -> Option<usize> {
    if why != Suspension::Parked {
        if std::thread::panicking() {
            // The panic count is the thread's, so whoever may have a part in it stays there.
            task.header().thread_locked.set(true);
            // Not for one that has ended: its panic has, too, and it does not come back to be taken
            // off the count.
            if why != Suspension::Exit {
                unwind::note_unwinding(worker, task.header());
            }
            if worker.reserved.get() > 0 {
                // The thread is the task's from now on. It was picked before that was known.
                next.take().into_iter().for_each(|next| worker.ready_last(next));
            }
        } else {
            leave_calmly(task);
        }
    }
    let window = task.header().image.window.get();
    if worker.processor.preempts && why != Suspension::Exit {
        lay_in_block(worker, task);
    }
    let target = loop {
        let picked =
            next.take().or_else(|| worker.processor.pick(worker.shared(), worker.remote()));
        let Some(picked) = picked else { break None };
        if picked == task {
            debug_assert_eq!(why, Suspension::Parked);
            return None; // woken before it has left
        }
        // SAFETY: `window` is the one we stand on, and `picked` is ours to run.
        match unsafe { mount(worker, picked, window) } {
            Mounted::Ready => break Some(picked),
            Mounted::OnCurrent => {
                worker.handoff.set(Some(picked));
                break None;
            }
            Mounted::Waiting => {}
        }
    };
    Some(depart(worker, task, why, target))
}

/// At least what a switch saves below its caller's frame, in bytes: it is 160 on AArch64, and less elsewhere.
const SAVED: usize = 256;

/// Makes the block of a task that is about to leave large enough for its stack, so that whoever
/// freezes it later needs no memory: he holds its window then, and must not wait for a lock of the
/// allocator that one who is paused there may have.
#[cold]
#[inline(never)]
fn lay_in_block(worker: WorkerRef, task: Ready) {
    if task.header().pinned {
        return; // never frozen
    }
    let here = 0u8; // below the frame that will switch
    let sp = (&raw const here).addr() - SAVED;
    let image = &task.header().image;
    // SAFETY: a running task is bound, and we stand on its window.
    let growth = unsafe { worker.processor.with_cache(|cache| image.lay_in(cache, sp)) };
    worker.count_block_growth(growth);
}

/// Leaves for `target`, or for the worker's own stack. Returns the stack pointer to switch to.
fn depart(worker: WorkerRef, task: Ready, why: Suspension, target: Option<Ready>) -> usize {
    worker.previous.set(Some((task, why)));
    worker.set_current(target);
    match target {
        Some(target) => target.header().image.sp.get(),
        None => worker.scheduler_sp.get(),
    }
}
