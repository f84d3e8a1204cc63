//! The scheduler: which task runs where, and when.
//!
//! A [`runtime::Runtime`] has a fixed number of [`worker::Worker`]s, OS threads, each with a
//! [`processor::Processor`]: the queues, caches and windows that running tasks needs. A task that
//! parks or yields picks its successor itself and switches to it directly ([`switch`]); only when
//! the successor needs the very window the task stands on, or there is none, does it switch to the
//! worker's own stack, where the scheduler loop is. A worker that finds nothing looks elsewhere
//! ([`steal`]), then sleeps ([`idle`]).
//!
//! The order of search, the polling of the global queue every 61st time, the limit on searching
//! workers and the "wake one more" rule are Go's.
//!
//! Go: `runtime/proc.go`, whose opening essay explains the same choices.

pub(crate) mod blocking;
pub(crate) mod blocking_pool;
pub(crate) mod build_error;
pub(crate) mod builder;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod counters;
pub(crate) mod deadlock;
pub(crate) mod dump;
pub(crate) mod ending;
mod exit;
pub(crate) mod external;
mod hogs;
pub(crate) mod idle;
pub(crate) mod inbox;
pub(crate) mod join;
pub(crate) mod keeper;
mod leave;
mod mount;
pub(crate) mod own;
pub(crate) mod panic_hook;
pub(crate) mod parker;
pub(crate) mod pause;
pub(crate) mod preempt;
pub(crate) mod processor;
pub(crate) mod remotes;
pub(crate) mod reserve;
mod rests;
pub(crate) mod runtime;
mod seated;
pub(crate) mod seats;
pub(crate) mod set_workers;
pub(crate) mod share;
pub(crate) mod shared;
pub(crate) mod shutdown;
pub(crate) mod slumber;
pub(crate) mod stack_info;
pub(crate) mod steal;
pub(crate) mod switch;
pub(crate) mod sysmon;
pub(crate) mod thread_time;
pub(crate) mod threads;
pub(crate) mod timed;
pub(crate) mod timeouts;
pub(crate) mod timers;
mod trimming;
pub(crate) mod unwind;
pub(crate) mod waiting;
pub(crate) mod watch;
pub(crate) mod wheel;
pub(crate) mod window_choice;
pub(crate) mod window_store;
pub(crate) mod worker;

use crate::task::header::Header;
use std::ptr::NonNull;

pub(crate) use timed::park_until;

/// A task that is ready to run, on its way through a queue.
///
/// It stands for the scheduler's reference: whoever has it must queue it or run it, exactly once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ready(pub(crate) NonNull<Header>);

// SAFETY: ready tasks are what queues between threads are for; a task's cells are touched only by
// who has its `Ready`, and queues pass it on with Release and Acquire.
unsafe impl Send for Ready {}

impl Ready {
    /// The task.
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the scheduler's reference, which this stands for, keeps it alive.
        unsafe { self.0.as_ref() }
    }
}
