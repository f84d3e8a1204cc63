//! Making a task the current one of its window.
//!
//! A fresh task gets a window first. A started one may have to wait for its own; then it is on the
//! window's wait list, and whoever releases the window makes it ready. If another task is resident
//! there, that one is frozen, and if this one was, it is thawed.
//!
//! Nobody mounts a task in the window he stands on.
//!
//! Go: `runtime/proc.go` `execute`, `runtime/stack.go` `copystack`.

use super::exit::task_main;
use super::window_choice::Choice;
use super::worker::{Worker, WorkerRef};
use super::Ready;
use crate::arch;
use crate::stack::image;
use crate::stack::ownership::Asked;
use crate::stack::window::Window;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// What came of making a task's stack ready.
pub(crate) enum Mounted {
    /// It can be switched to.
    Ready,
    /// It needs the window whose stack the caller stands on.
    OnCurrent,
    /// It waits for its window and will be made ready by whoever releases that.
    Waiting,
}

/// Makes a task's stack ready to be switched to. `current` is the window whose stack the caller
/// stands on, or null.
///
/// # Safety
///
/// `next` is the caller's to run; `current` is as said; the caller is on `worker`'s thread.
pub(crate) unsafe fn mount(worker: WorkerRef, next: Ready, current: *const Window) -> Mounted {
    let header = next.header();
    let kept = worker.kept.replace(ptr::null());
    let fresh = !header.has_started();
    if fresh {
        debug_assert!(kept.is_null());
        // SAFETY: passed on; a fresh task is on no wait list.
        match unsafe { choose_window(worker, next, current) } {
            Choice::Window(window) => {
                header.image.window.set(window);
                // SAFETY: chosen windows are alive and held.
                let bound = unsafe { &(*window).bound };
                bound.set(bound.get() + 1);
                header.started.store(true, Ordering::Relaxed);
                header.home.set(worker.index as u32);
            }
            Choice::OnlyCurrent => return Mounted::OnCurrent,
            Choice::Waiting => return Mounted::Waiting,
        }
    } else {
        let window = header.image.window.get();
        if ptr::eq(window, current) {
            return Mounted::OnCurrent;
        }
        if !worker.processor.exclusive() && !ptr::eq(window, kept) {
            debug_assert!(kept.is_null());
            // SAFETY: a started task's window is alive; the task is in our hands, so on no list,
            // and the scheduler's reference keeps it valid.
            let asked = unsafe {
                (*window).ownership.acquire_or_wait(NonNull::from(&(*next.0.as_ptr()).waiter))
            };
            if asked == Asked::Waiting {
                return Mounted::Waiting;
            }
        }
        if header.home.get() != worker.index as u32 {
            header.home.set(worker.index as u32);
            worker.remote().counters.migrations.add(1);
        }
        // SAFETY: alive, and held now.
        if ptr::eq(unsafe { (*window).resident.get() }, &header.image) {
            return Mounted::Ready; // the usual case with few tasks: nothing to copy
        }
    }
    let processor = &worker.processor;
    // SAFETY: bound to a window that this worker holds now (or that is its own, in the exclusive
    // case) and that nobody stands on; whoever is resident there is parked.
    let copied = unsafe {
        processor.with_cache(|cache| image::mount(&header.image, cache, processor.preempts))
    };
    worker.count_copies(copied);
    if fresh {
        // SAFETY: the window is vacant, and its top is committed and 64-byte aligned.
        let sp = unsafe { arch::init_stack((*header.image.window.get()).top(), task_main) };
        header.image.sp.set(sp);
    }
    Mounted::Ready
}

/// # Safety
///
/// As [`mount`], for a task that has not started.
unsafe fn choose_window(worker: WorkerRef, task: Ready, current: *const Window) -> Choice {
    let store = &worker.shared().windows;
    if task.header().pinned {
        return match store.private_or_wait(task) {
            Some(window) => Choice::Window(window),
            None => Choice::Waiting,
        };
    }
    // SAFETY: this is the processor's worker, and the task is on no list.
    unsafe {
        worker.processor.windows.choose(
            store,
            current,
            worker.processor.exclusive(),
            NonNull::from(&(*task.0.as_ptr()).waiter),
            |waiters| worker.ready_all(waiters),
        )
    }
}

impl Worker {
    /// Adds how much larger a block has become.
    pub(super) fn count_block_growth(&self, bytes: u64) {
        if bytes != 0 {
            self.remote().counters.block_bytes.add(bytes);
        }
    }

    /// Adds what copying has cost to the figures.
    pub(super) fn count_copies(&self, copied: image::Copied) {
        let counters = &self.remote().counters;
        if let Some(bytes) = copied.frozen {
            counters.freezes.add(1);
            counters.bytes_frozen.add(bytes as u64);
        }
        self.count_block_growth(copied.block_growth);
        if let Some(bytes) = copied.thawed {
            counters.thaws.add(1);
            counters.bytes_thawed.add(bytes as u64);
        }
    }
}
