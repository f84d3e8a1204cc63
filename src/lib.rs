//! midge: stackful tasks by the million, as Go has them, from Rust.
//!
//! A task is ordinary, blocking-looking code. It costs a few hundred bytes while it waits, its
//! stack grows to 1,000,000,000 bytes when it needs to, and a work-stealing scheduler spreads tasks
//! over OS threads.
//!
//! ```
//! use midge::{spawn, Runtime};
//!
//! let rt = Runtime::pinned().unwrap();
//! let sum: u64 = rt.run(|| {
//!     let tasks: Vec<_> = (0..100u64).map(|n| spawn(move || n * n)).collect();
//!     tasks.into_iter().map(|task| task.join().unwrap()).sum()
//! });
//! assert_eq!(sum, 328_350);
//! ```
//!
//! # The isolation contract
//!
//! The addresses of a task's stack never change, but in the copying modes many tasks share them:
//! while a task is parked, its bytes may lie elsewhere (be *frozen*) and another task's in their
//! place. And in the migrating mode a task may wake on another OS thread than it parked on. A
//! *suspension point* is any call that may park or yield. A program that chooses one of those modes
//! promises that across a suspension point each of its tasks
//!
//! 1. **lends nothing of its stack** (copying and migrating): no reference into it is in the hands
//!    of another thread, another task or the kernel;
//! 2. **holds nothing tied to its OS thread** (migrating): no borrow of a `thread_local!`, no guard
//!    that is `!Send`, and no code that uses the same thread-local before and after in one function
//!    (the compiler may keep its address).
//!
//! | constructor | promise | what it gives |
//! |---|---|---|
//! | [`Runtime::pinned`] | none | every started task has a window of its own and its thread for life |
//! | [`Runtime::copying`] | 1 | stacks are frozen when their window is needed: millions of tasks |
//! | [`Runtime::migrating`] | 1 and 2 | and started tasks are stolen by idle workers, as in Go |
//!
//! A task that has to lend its stack opts out by [`task::Builder::pinned`].
//!
//! # How it is built
//!
//! `arch` switches contexts; `stack` has windows, blocks and freezing; `task` the tasks themselves;
//! `sched` runs them. Each module's page names the part of Go's runtime that does the same.
//! `docs/design.md` tells the whole story.

mod arch;
mod atomic;
pub mod chan;
pub mod context;
mod futex;
mod futex_lock;
mod lock;
mod membarrier;
mod peek;
mod raw_print;
mod sched;
mod scope;
mod signals;
mod spin_lock;
/// Stacks: how deep the current task's is, and how deep it may get.
pub mod stack;
mod symbols;
pub mod sync;
/// Tasks: handles, names, parking and yielding.
pub mod task;
pub mod time;

/// The runtime one is in, seen from inside.
pub mod runtime {
    pub use crate::sched::counters::{metrics, Metrics};
    pub use crate::sched::dump::dump_tasks;
    pub use crate::sched::set_workers::set_workers;
}

pub use sched::blocking::blocking;
pub use sched::build_error::BuildError;
pub use sched::config::{Builder, Mode};
pub use sched::context::spawn;
pub use sched::runtime::Runtime;
pub use scope::{scope, Scope, ScopedJoinHandle};
pub use task::JoinHandle;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Says what has gone wrong beyond repair, and aborts. Go: `runtime/panic.go` `fatalthrow`.
#[cold]
pub(crate) fn fatal(what: std::fmt::Arguments<'_>) -> ! {
    // Not `eprintln!`, which panics if nobody reads: this must abort.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stderr(),
        format_args!("midge: {what}\nfatal error\n"),
    );
    std::process::abort()
}
