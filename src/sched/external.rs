//! Threads that are no workers, and the lifetime of a runtime.
//!
//! A [`Task`](crate::task::Task) may outlive its runtime, and it may be unparked from anywhere. A
//! worker of the runtime cannot see it disappear (its drop joins the workers), but any other thread
//! could: it makes the last task ready, the task ends, the runtime is dropped, and the thread still
//! has a worker to wake. So others enter this lock before they touch the task's state, and the drop
//! of a runtime waits, after its tasks have ended, until everybody who is inside has left.
//!
//! Guarantees: inside, a task that is not DONE has a living runtime until the guard goes.
//!
//! Go frees none of the structures in question.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

static INSIDE: RwLock<()> = RwLock::new(());

/// Keeps runtimes from being freed.
pub(crate) struct Inside {
    _guard: RwLockReadGuard<'static, ()>,
}

/// Enters. Not to be called by who is inside already.
pub(crate) fn enter() -> Inside {
    Inside { _guard: INSIDE.read().unwrap_or_else(PoisonError::into_inner) }
}

/// Waits until all who were inside have left.
pub(crate) fn wait_until_left() {
    drop(INSIDE.write().unwrap_or_else(PoisonError::into_inner));
}
