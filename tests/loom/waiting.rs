//! What the channels have in `sched::waiting` and `sched::context`: a thread of the model in place
//! of a task.

use crate::parker::Parker;
use crate::task::reason::Reason;
use loom::sync::atomic::{AtomicBool, Ordering};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

struct Thread {
    parker: Parker,
    /// Set while it waits for what an unparker does; nobody may wake it after that.
    ended: AtomicBool,
    cancelled: Cell<bool>,
}

// SAFETY: the cell is the thread's own; loom's threads take turns.
unsafe impl Sync for Thread {}
// SAFETY: as above.
unsafe impl Send for Thread {}

loom::thread_local! {
    static CURRENT: Arc<Thread> = Arc::new(Thread {
        parker: Parker::new(),
        ended: AtomicBool::new(false),
        cancelled: Cell::new(false),
    });
}

fn current() -> Arc<Thread> {
    CURRENT.with(Arc::clone)
}

#[derive(Clone, Copy)]
pub(crate) struct Unparker(*const Thread);

impl Unparker {
    pub(crate) unsafe fn unpark(self, done: impl FnOnce()) {
        // SAFETY: the promise that the models are there to check; the wait below says if it is
        // broken.
        let thread = unsafe { &*self.0 };
        assert!(!thread.ended.load(Ordering::Relaxed), "a task that has gone on is woken");
        thread.parker.unpark();
        done();
    }
}

pub(crate) struct Waiting(Arc<Thread>);

impl Waiting {
    pub(crate) fn current() -> Waiting {
        Waiting(current())
    }

    pub(crate) fn unparker(&self) -> Unparker {
        Unparker(Arc::as_ptr(&self.0))
    }
}

/// To be called by a thread that will not wait any more.
pub(crate) fn end() {
    current().ended.store(true, Ordering::Relaxed);
}

/// What a cancelled task unwinds with.
pub(crate) struct Cancelled;

/// Has the next park of this thread unwind.
pub(crate) fn cancel_me() {
    current().cancelled.set(true);
}

/// It does not, after all.
pub(crate) fn cancel_me_no_more() {
    current().cancelled.set(false);
}

pub(crate) fn park_for(_: Reason) {
    let thread = current();
    if thread.cancelled.take() {
        std::panic::resume_unwind(Box::new(Cancelled));
    }
    thread.parker.park();
}

/// The models have no time: a deadline has passed, or never will.
pub(crate) fn park_until(_: Instant, reason: Reason) {
    park_for(reason);
}

pub(crate) fn may_suspend() {}

/// The choice is loom's to vary by other means.
pub(crate) fn random() -> u64 {
    0
}
