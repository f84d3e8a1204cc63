//! Promise: a waiter that has let go of the mutex is reached by whoever notifies; it returns with
//! the mutex, also when it gives up; and a notification given to one that gives up goes to the
//! next.
//!
//! Breakages of `raw_condvar.rs` that make a model fail: unlocking before queueing (the first
//! model); a waiter that gives up and keeps its notification (the last one).

use super::parking::{self, Clock, Handle};
use super::raw_condvar::RawCondvar;
use super::raw_mutex::RawMutex;
use super::{deadline, empty_queue, unlocked_mutex, Guarded};
use crate::atomic::Mutex;
use crate::{check_bounded, join_all};
use loom::sync::Arc;
use loom::thread;
use std::time::Instant;

struct Shared {
    mutex: RawMutex,
    condvar: RawCondvar,
    /// How much there is to take.
    there: Guarded,
    waiters: Mutex<Vec<Handle>>,
}

impl Shared {
    fn new() -> Arc<Shared> {
        parking::set_clock(Clock::Fair);
        Arc::new(Shared {
            mutex: unlocked_mutex(),
            condvar: RawCondvar::from_parts(empty_queue()),
            there: Guarded::new(),
            waiters: Mutex::new(Vec::new()),
        })
    }

    /// Waits until something is there. False if the deadline came first.
    fn wait_until(&self, deadline: Option<Instant>) -> bool {
        self.mutex.lock_until(None);
        let mut in_time = true;
        // Loom sees who looks without the mutex.
        while in_time && self.there.get() == 0 {
            in_time = self.condvar.wait_until(&self.mutex, deadline);
        }
        self.there.get();
        self.mutex.unlock();
        in_time
    }

    fn put(&self) {
        self.mutex.lock_until(None);
        self.there.add_one();
        self.mutex.unlock();
    }
}

#[test]
fn a_notification_reaches_the_waiter() {
    check_bounded(3, || {
        let shared = Shared::new();
        let theirs = shared.clone();
        let waiter = thread::spawn(move || assert!(theirs.wait_until(None)));
        shared.put();
        shared.condvar.notify_one();
        waiter.join().unwrap();
    });
}

#[test]
fn all_are_reached() {
    check_bounded(2, || {
        let shared = Shared::new();
        let waiters = [(); 2].map(|()| {
            let theirs = shared.clone();
            thread::spawn(move || assert!(theirs.wait_until(None)))
        });
        shared.put();
        shared.condvar.notify_all();
        join_all(waiters);
    });
}

/// Two wait, one notification is on its way, and one of them gives up: the other gets it, if that
/// one had.
#[test]
fn a_waiter_that_gives_up_passes_the_notification_on() {
    check_bounded(3, || {
        let shared = Shared::new();
        let hasty = {
            let theirs = shared.clone();
            thread::spawn(move || {
                theirs.waiters.lock().push(parking::current());
                if theirs.wait_until(deadline()) {
                    theirs.condvar.notify_one(); // it took the notification and leaves what is there
                }
            })
        };
        let other = {
            let theirs = shared.clone();
            thread::spawn(move || assert!(theirs.wait_until(None)))
        };
        shared.put();
        if let Some(waiter) = shared.waiters.lock().pop() {
            waiter.pass_deadline();
        }
        shared.condvar.notify_one(); // while it is leaving
        join_all([hasty, other]);
    });
}
