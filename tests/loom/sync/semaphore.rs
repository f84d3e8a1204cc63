//! Promise: no more permits are out than there are; those that come back reach whoever waits for
//! them, also if it wants many, and if the one before it gives up.
//!
//! Breakages of `raw_semaphore.rs` that make a model fail: queueing without another look at the
//! permits (the first model); giving up without serving those behind, or without giving back what
//! was granted meanwhile (the second).

use super::parking::{self, Handle};
use super::raw_semaphore::RawSemaphore;
use super::{deadline, empty_queue, Guarded};
use crate::atomic::Mutex;
use crate::{check_bounded, join_all};
use loom::sync::atomic::AtomicUsize;
use loom::sync::Arc;
use loom::thread;
use std::time::Instant;

struct Shared {
    semaphore: RawSemaphore,
    /// Changed by who has all permits.
    count: Guarded,
    waiter: Mutex<Option<Handle>>,
}

impl Shared {
    fn new(permits: usize) -> Arc<Shared> {
        let state = AtomicUsize::new(RawSemaphore::state_of(permits));
        Arc::new(Shared {
            semaphore: RawSemaphore::from_parts(state, empty_queue()),
            count: Guarded::new(),
            waiter: Mutex::new(None),
        })
    }

    fn with_permits(&self, permits: usize, deadline: Option<Instant>) {
        if !self.semaphore.acquire_until(permits, deadline) {
            return;
        }
        if permits == 2 {
            self.count.add_one();
        } else {
            self.count.get();
        }
        self.semaphore.release(permits);
    }
}

#[test]
fn big_and_small_requests() {
    check_bounded(2, || {
        let shared = Shared::new(2);
        let others = [2, 1].map(|permits| {
            let shared = shared.clone();
            thread::spawn(move || shared.with_permits(permits, None))
        });
        shared.with_permits(2, None);
        join_all(others);
        assert_eq!((shared.semaphore.available(), shared.count.get()), (2, 2));
        assert!(shared.semaphore.try_acquire(2));
    });
}

#[test]
fn a_request_that_is_given_up_lets_those_behind_it_pass() {
    // What comes back meets a request that is leaving, if we do not wait for the small one first.
    for alone in [true, false] {
        check_bounded(3, move || {
            let shared = Shared::new(2);
            shared.semaphore.acquire_until(1, None);
            let hasty = {
                let shared = shared.clone();
                thread::spawn(move || {
                    *shared.waiter.lock() = Some(parking::current());
                    shared.with_permits(2, deadline());
                })
            };
            let small = {
                let shared = shared.clone();
                thread::spawn(move || shared.with_permits(1, None))
            };
            let waiter = shared.waiter.lock().take();
            match waiter {
                Some(waiter) if alone => {
                    waiter.pass_deadline();
                    small.join().unwrap(); // without our permit
                    shared.semaphore.release(1);
                }
                waiter => {
                    if let Some(waiter) = waiter {
                        waiter.pass_deadline();
                    }
                    shared.semaphore.release(1);
                    small.join().unwrap();
                }
            }
            hasty.join().unwrap();
            assert_eq!(shared.semaphore.available(), 2);
            assert!(shared.semaphore.try_acquire(2));
        });
    }
}
