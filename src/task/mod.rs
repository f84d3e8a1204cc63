//! Tasks: what a scheduled unit of work is made of.
//!
//! A task is one allocation: a `header::Header` that is the same for all, and behind it the
//! closure, later its result (`cell`). What it is up to is one word (`state`); its stack is an
//! `Image`. A `Task` is a counted reference to it.
//!
//! Functions to spawn, park and yield are the scheduler's and are re-exported here, where
//! users look for them.
//!
//! Go: `runtime/runtime2.go` `g`, and `runtime/proc.go` `newproc1`, `gopark`, `goready`.

pub(crate) mod cell;
pub(crate) mod handle;
pub(crate) mod header;
mod local;
pub(crate) mod locals;
pub(crate) mod reason;
pub(crate) mod state;

pub use crate::sched::builder::TaskBuilder as Builder;
pub use crate::sched::context::{current, park, try_current, yield_now};
pub use crate::sched::join::JoinHandle;
pub use crate::sched::reserve::{lock_thread, ThreadLock};
pub use crate::sched::timed::{park_timeout, sleep};
pub use crate::sched::unwind::Cancelled;
pub use handle::{Task, TaskId};
pub use local::{AccessError, LocalKey};
