//! Promise: a writer is in alone and sees what those before it did; whoever waits gets in; a writer
//! that gives up takes its announcement back.
//!
//! Breakages of `raw_rwlock.rs` that make a model fail: a writer that waits without a look at the
//! readers under the lock, or a last reader that does not look for the writer; readers that are
//! admitted and not counted; a writer that gives up and stays announced; a reader that leaves with
//! a Relaxed decrement.

use super::parking::{self, Clock, Handle};
use super::raw_rwlock::RawRwLock;
use super::{deadline, empty_queue, unlocked_mutex, Guarded};
use crate::atomic::Mutex;
use crate::{check_bounded, join_all};
use loom::sync::atomic::AtomicUsize;
use loom::sync::Arc;
use loom::thread;

struct Shared {
    lock: RawRwLock,
    count: Guarded,
    waiter: Mutex<Option<Handle>>,
}

impl Shared {
    fn new() -> Arc<Shared> {
        parking::set_clock(Clock::Fair);
        let lock = RawRwLock::from_parts(unlocked_mutex(), AtomicUsize::new(0), empty_queue());
        Arc::new(Shared { lock, count: Guarded::new(), waiter: Mutex::new(None) })
    }

    fn read(&self) {
        self.lock.lock_shared_until(None);
        self.count.get();
        self.lock.unlock_shared();
    }

    fn write(&self) {
        self.lock.lock_exclusive_until(None);
        self.count.add_one();
        self.lock.unlock_exclusive();
    }
}

#[test]
fn two_readers_and_a_writer() {
    check_bounded(2, || {
        let shared = Shared::new();
        let readers = [(); 2].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || shared.read())
        });
        shared.write();
        join_all(readers);
        assert!(shared.lock.try_lock_exclusive());
    });
}

#[test]
fn two_writers_and_a_reader() {
    check_bounded(2, || {
        let shared = Shared::new();
        let reader = {
            let shared = shared.clone();
            thread::spawn(move || shared.read())
        };
        let writer = {
            let shared = shared.clone();
            thread::spawn(move || shared.write())
        };
        shared.lock.lock_exclusive_until(None);
        shared.count.add_one();
        shared.lock.downgrade();
        assert!(shared.count.get() > 0);
        shared.lock.unlock_shared();
        join_all([reader, writer]);
        assert!(shared.lock.try_lock_exclusive());
        assert_eq!(shared.count.get(), 2);
    });
}

#[test]
fn a_writer_that_gives_up_lets_readers_in() {
    // Our leaving meets a writer that gives up, if we do not wait for the reader first.
    for alone in [true, false] {
        check_bounded(3, move || {
            let shared = Shared::new();
            shared.lock.lock_shared_until(None);
            let writer = {
                let shared = shared.clone();
                thread::spawn(move || {
                    *shared.waiter.lock() = Some(parking::current());
                    if shared.lock.lock_exclusive_until(deadline()) {
                        shared.count.add_one();
                        shared.lock.unlock_exclusive();
                    }
                })
            };
            let reader = {
                let shared = shared.clone();
                thread::spawn(move || shared.read())
            };
            let waiter = shared.waiter.lock().take();
            match waiter {
                Some(waiter) if alone => {
                    waiter.pass_deadline();
                    reader.join().unwrap(); // though we are still in
                    shared.lock.unlock_shared();
                }
                waiter => {
                    if let Some(waiter) = waiter {
                        waiter.pass_deadline();
                    }
                    shared.lock.unlock_shared();
                    reader.join().unwrap();
                }
            }
            writer.join().unwrap();
            assert!(shared.lock.try_lock_exclusive());
        });
    }
}
