//! Locks and other means to wait for each other, for tasks.
//!
//! Who waits is parked, and its worker runs other tasks; an ordinary thread that waits is blocked.
//! The names and signatures are those of `std::sync`, parking_lot (whose locks have no poisoning,
//! nor have these) and crossbeam. Everything but [`WaitGroup`] can be made in a constant and costs
//! no heap until somebody waits.
//!
//! | | as in | waiters are served |
//! |---|---|---|
//! | [`Mutex`] | parking_lot | whoever is running first; after 1 ms of waiting, in order |
//! | [`RwLock`] | parking_lot | writers one by one, all waiting readers between two of them |
//! | [`Condvar`] | parking_lot | in order |
//! | [`Semaphore`] | tokio | in order, also those that want many permits |
//! | [`WaitGroup`] | crossbeam | all at once |
//! | [`Barrier`] | std | all at once |
//! | [`OnceLock`], [`LazyLock`], [`Once`] | std | all at once |
//!
//! All of them wait in one place, the `wait_queue`, whose entries are on the heap. Each protocol is
//! a file of its own (`raw_...`), which the loom models run too; beside it is the file with the
//! public type.
//!
//! # Cancellation
//!
//! A task that is cancelled while it waits unwinds from the waiting call. It has then neither the
//! lock nor the permit it waited for, and what it had been given already (a notification, say) goes
//! to the next. Only [`Condvar::wait`] has the mutex again before it unwinds, since its caller has
//! the guard. Letting go of a lock never suspends.
//!
//! Go: package `sync`, and `runtime/sema.go` beneath it.

mod barrier;
mod condvar;
mod guard;
mod mutex;
mod once;
mod once_lock;
mod parking;
mod raw_condvar;
mod raw_mutex;
mod raw_rwlock;
mod raw_semaphore;
mod raw_wait_group;
mod rwlock;
mod semaphore;
mod wait_group;
mod wait_queue;

pub use barrier::{Barrier, BarrierWaitResult};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use mutex::{MappedMutexGuard, Mutex, MutexGuard};
pub use once::Once;
pub use once_lock::{LazyLock, OnceLock};
pub use rwlock::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{Semaphore, SemaphorePermit};
pub use wait_group::WaitGroup;
