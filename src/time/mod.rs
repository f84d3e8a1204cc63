//! Time: sleeping, giving up after a while, and doing something again and again.
//!
//! All of it works in tasks, which then park, and on ordinary threads, which then block. The clock
//! is [`std::time::Instant`]. Timers are never early; on an idle machine they are late by some 0.1
//! ms (a tick of 33 us, the system's timer slack of 50 us, and the wake-up).
//!
//! Go: package `time`, and `runtime/time.go`.

mod interval;

pub use crate::sched::timed::sleep;
pub use interval::{interval, interval_at, Interval, MissedTickBehavior};
pub use std::time::{Duration, Instant};

use crate::sched::timed::sleep_to;
use crate::sched::timeouts;
use std::fmt;

/// Sleeps until the deadline, as [`sleep`] does; if it has passed, this is a
/// [`yield_now`](crate::task::yield_now).
///
/// ```
/// use midge::time::{sleep_until, Duration, Instant};
/// let rt = midge::Runtime::pinned().unwrap();
/// let deadline = Instant::now() + Duration::from_millis(2);
/// rt.run(|| sleep_until(deadline));
/// assert!(Instant::now() >= deadline);
/// ```
pub fn sleep_until(deadline: Instant) {
    if deadline <= Instant::now() {
        crate::task::yield_now();
    } else {
        sleep_to(Some(deadline));
    }
}

/// The error of [`timeout`]: the time was over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was over before it was done")
    }
}

impl std::error::Error for Elapsed {}

/// Runs `f` in the calling task, for so long at most.
///
/// When the time is over, the task unwinds from the suspension point inside `f` where it waits, or
/// from the next one it comes to; destructors run, and the error is returned. If `f` comes to its
/// end without one, its result is `Ok`, even if that is late: what computes or blocks the thread is
/// not interrupted, and a task that never waits but only yields now and then is told some 0.1 ms
/// late.
///
/// Timeouts nest: one further out that is over unwinds through those further in. A
/// [`cancel`](crate::JoinHandle::cancel) of the task, and a panic of `f`, pass through. A body that
/// catches the unwinding (`std::panic::catch_unwind`) meets it again at its next suspension point,
/// until it returns. What is waited for while a panic unwinds, in a destructor, is not interrupted.
///
/// On an ordinary thread the calls of this crate that block it unwind just so (except
/// [`Runtime::run`](crate::Runtime::run), whose task borrows from its caller). Under `panic =
/// "abort"` nothing can unwind: there `f` runs to its end and the result is always `Ok`. A duration
/// that leads beyond what `Instant` can hold is no limit.
///
/// ```
/// use midge::time::{timeout, Duration, Elapsed};
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     assert_eq!(timeout(Duration::from_secs(60), || 1), Ok(1));
///     assert_eq!(timeout(Duration::from_millis(1), midge::task::park), Err(Elapsed));
/// });
/// ```
///
/// # Errors
///
/// [`Elapsed`] if the time was over first.
pub fn timeout<T>(duration: Duration, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    match Instant::now().checked_add(duration) {
        Some(deadline) => timeout_at(deadline, f),
        None => Ok(f()),
    }
}

/// As [`timeout`], until a point in time.
///
/// ```
/// use midge::time::{timeout_at, Duration, Instant};
/// let deadline = Instant::now() + Duration::from_millis(1);
/// assert!(timeout_at(deadline, || midge::task::sleep(Duration::MAX)).is_err());
/// ```
///
/// # Errors
///
/// [`Elapsed`] if the time was over first.
pub fn timeout_at<T>(deadline: Instant, f: impl FnOnce() -> T) -> Result<T, Elapsed> {
    timeouts::run(deadline, f).ok_or(Elapsed)
}
