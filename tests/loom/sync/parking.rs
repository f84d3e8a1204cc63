//! What `src/sync/parking.rs` is for the library: a task here is a thread of the model.

use crate::parker::Parker;
pub(crate) use crate::task::reason::Reason;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::Arc;
use std::cell::Cell;
use std::time::Instant;

struct Task {
    parker: Parker,
    time_is_up: AtomicBool,
}

#[derive(Clone)]
pub(crate) struct Handle(Arc<Task>);

loom::thread_local! {
    static CURRENT: Handle =
        Handle(Arc::new(Task { parker: Parker::new(), time_is_up: AtomicBool::new(false) }));
}

pub(crate) fn current() -> Handle {
    CURRENT.with(Handle::clone)
}

impl Handle {
    pub(crate) fn unpark(&self) {
        self.0.parker.unpark();
    }

    /// The deadline of the task passes.
    pub(crate) fn pass_deadline(&self) {
        self.0.time_is_up.store(true, Ordering::Relaxed); // the parker orders it
        self.unpark();
    }
}

pub(crate) fn park_for(_: Reason) {
    current().0.parker.park();
}

/// The deadline passes when the model says so, whatever the clock says. This stands for
/// cancellation, too: the same code runs when a task unwinds, but loom's own locks do not survive
/// that.
pub(crate) fn park_until(_deadline: Instant, _: Reason) {
    let task = current();
    if !task.0.time_is_up.load(Ordering::Relaxed) {
        task.0.parker.park();
    }
}

/// Loom knows no time, so a model says what the clock says.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Clock {
    /// Nobody is being starved.
    Fair,
    /// Everybody is who has waited at all.
    Unfair,
    /// The next one that asks is, then nobody.
    UnfairOnce,
}

thread_local! {
    // All threads of a model are on one thread of the system.
    static CLOCK: Cell<Clock> = const { Cell::new(Clock::Fair) };
}

pub(crate) fn set_clock(clock: Clock) {
    CLOCK.set(clock);
}

pub(crate) fn is_starved(_since: Instant) -> bool {
    let clock = CLOCK.get();
    if clock == Clock::UnfairOnce {
        CLOCK.set(Clock::Fair);
    }
    clock != Clock::Fair
}

pub(crate) fn spin(_rounds: &mut u32) -> bool {
    false
}
