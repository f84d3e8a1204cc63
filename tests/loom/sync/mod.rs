//! Models of the locks and of what else is in `src/sync`.

mod condvar;
mod mutex;
mod parking;
mod rwlock;
mod semaphore;
mod wait_group;

// Not every model uses everything that is in the files.
#[allow(dead_code)]
#[path = "../../../src/sync/raw_condvar.rs"]
mod raw_condvar;
#[allow(dead_code)]
#[path = "../../../src/sync/raw_mutex.rs"]
mod raw_mutex;
#[allow(dead_code)]
#[path = "../../../src/sync/raw_rwlock.rs"]
mod raw_rwlock;
#[allow(dead_code)]
#[path = "../../../src/sync/raw_semaphore.rs"]
mod raw_semaphore;
#[allow(dead_code)]
#[path = "../../../src/sync/raw_wait_group.rs"]
mod raw_wait_group;
#[allow(dead_code)]
#[path = "../../../src/sync/wait_queue.rs"]
mod wait_queue;

use crate::atomic::{AtomicU32, Mutex};
use loom::cell::UnsafeCell;
use raw_mutex::RawMutex;
use std::time::Instant;
use wait_queue::{Queue, WaitQueue};

fn empty_queue() -> WaitQueue<()> {
    WaitQueue::new(Mutex::new(Queue::new(())))
}

fn unlocked_mutex() -> RawMutex {
    RawMutex::from_parts(AtomicU32::new(0), empty_queue())
}

/// What a lock guards. Loom fails the model if two change it at once, or if one does not see what
/// the other did.
struct Guarded(UnsafeCell<usize>);

impl Guarded {
    fn new() -> Guarded {
        Guarded(UnsafeCell::new(0))
    }

    fn add_one(&self) {
        // SAFETY: loom checks that no other thread is at it.
        self.0.with_mut(|count| unsafe { *count += 1 });
    }

    fn get(&self) -> usize {
        // SAFETY: loom checks that no other thread changes it.
        self.0.with(|count| unsafe { *count })
    }
}

/// The deadline of one who may give up: by the clock it has passed, but see `parking::park_until`.
fn deadline() -> Option<Instant> {
    Some(Instant::now())
}
