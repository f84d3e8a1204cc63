//! The end of being alone: when an only worker gets company.
//!
//! Where there is one worker, whose tasks could go on on others if there were any, its queue of
//! started tasks and its windows are used without atomics. Before a second worker begins, that ends,
//! for good: what is queued goes where everybody may take it, and every window that nobody stands on
//! is released. Either the worker does it, at its next call into the runtime; or the monitor does,
//! while the worker runs a task's own code ([`watch`](super::watch)).
//!
//! Go: nothing; a processor's queue can always be stolen from.

use super::shared::Shared;
use super::shutdown;
use super::worker::{Worker, WorkerRef};
use super::Ready;
use crate::lock::MutexGuard;
use crate::stack::window::Window;
use crate::task::header::Header;
use std::ptr;
use std::sync::atomic::Ordering;

/// How a runtime stands to its only worker. Under a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Alone {
    /// It is alone.
    Yes,
    /// It is to share at its next call.
    ShareSoon,
    /// It is alone no more, or never was.
    No,
}

impl Shared {
    /// For the monitor, when a task hogs the only worker: true if others may come now. False if the
    /// worker is in the runtime's code, so that nobody need come, or if nobody waits.
    pub(crate) fn share_for_waiting(&self) -> bool {
        let mut alone = self.alone.lock();
        if *alone != Alone::Yes {
            return *alone == Alone::No;
        }
        let remote = &self.remotes[0];
        let worker = remote.worker.load(Ordering::Acquire); // pairs with the Release of its thread
        let mut shared = false;
        if !worker.is_null() && remote.watch.look() {
            // SAFETY: the thread is there as long as the monitor is, and its worker stays outside
            // of the runtime until the lock is free.
            let worker = unsafe { &*worker };
            if worker.processor.has_work(remote)
                || !self.injector.is_empty()
                || self.first_timer() <= self.clock.now()
            {
                // SAFETY: as above.
                unsafe { share(worker) };
                self.end_alone(&mut alone);
                shared = true;
            }
        }
        if !shared {
            remote.watch.finish();
        }
        shared
    }

    /// Asks an only worker to share as soon as it can; if it is in a task's own code, at once.
    pub(crate) fn share_soon(&self) {
        let mut alone = self.alone.lock();
        if *alone == Alone::Yes {
            *alone = Alone::ShareSoon;
            let remote = &self.remotes[0];
            let worker = remote.worker.load(Ordering::Acquire); // as above
            if remote.watch.look() && !worker.is_null() {
                // SAFETY: as above.
                unsafe { share(&*worker) };
                self.end_alone(&mut alone);
            }
            drop(alone);
            if self.idle.wake_this(0) {
                remote.parker.unpark();
            }
        }
    }

    fn end_alone(&self, alone: &mut MutexGuard<'_, Alone>) {
        **alone = Alone::No;
        self.is_alone.store(false, Ordering::Relaxed); // the lock orders it
    }
}

impl Worker {
    /// Gets company at once. For the worker, inside of the runtime.
    #[cold]
    pub(super) fn end_alone(&self) {
        let shared = self.shared();
        let mut alone = shared.alone.lock();
        if *alone == Alone::Yes {
            *alone = Alone::ShareSoon;
        }
        drop(alone);
        self.meet_monitor();
    }

    /// The monitor is here, or has been: waits for it, and learns what has changed.
    #[cold]
    #[inline(never)]
    pub(super) fn meet_monitor(&self) {
        let shared = self.shared();
        let mut alone = shared.alone.lock();
        if *alone == Alone::ShareSoon {
            // SAFETY: this is the worker.
            unsafe { share(self) };
            shared.end_alone(&mut alone);
        }
        if *alone == Alone::No {
            self.processor.end_exclusive();
            self.watched.set(false);
        }
        self.remote().watch.finish();
    }
}

/// Makes what an only worker has for itself available to others.
///
/// # Safety
///
/// The caller is that worker, or keeps it outside of the runtime.
unsafe fn share(worker: &Worker) {
    let shared = worker.shared();
    let current = worker.current_window();
    // SAFETY: shared windows live as long as the runtime; in the exclusive case all are held by the
    // one worker, and but for the current one nobody stands on them.
    shared.windows.for_each_shared(|window| release(window, current));
    // The private ones of pinned tasks that have begun. No such task begins or ends meanwhile.
    shutdown::look_at_all(|task: &Header| {
        if ptr::eq(task.runtime.cast(), shared)
            && task.pinned
            && task.has_started()
            && !task.state.is_done()
        {
            // SAFETY: the window of a task that has begun and not ended.
            release(unsafe { &*task.image.window.get() }, current);
        }
    });
    // SAFETY: passed on.
    let queued = unsafe { worker.processor.take_bound(|task| !task.header().thread_locked.get()) };
    queued.into_iter().for_each(|task: Ready| shared.injector.push(task));
}

/// Gives up a window that the only worker has, unless it is the one it stands on.
fn release(window: &Window, current: *const Window) {
    if !ptr::eq(window, current) {
        let waiters = window.ownership.release();
        debug_assert_eq!(waiters.count(), 0, "nobody was there to wait");
    }
}

impl WorkerRef {
    /// Before a task's call touches what an only worker has for itself. Returns what `exit` takes
    /// back.
    #[inline(always)]
    pub(crate) fn enter(self) -> bool {
        if !self.watched.get() {
            return true;
        }
        let watch = &self.remote().watch;
        let was_inside = watch.is_inside();
        if watch.enter() && !was_inside {
            self.meet_monitor();
        }
        was_inside
    }

    /// After it.
    #[inline(always)]
    pub(crate) fn exit(self, was_inside: bool) {
        if !was_inside && self.watched.get() {
            self.remote().watch.leave();
        }
    }
}
