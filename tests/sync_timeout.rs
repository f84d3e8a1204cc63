//! Promise: a timeout that ends a wait at a lock leaves the lock as a cancellation does; a
//! condition variable's waiter has the mutex again before it unwinds, however often it is told to.
#![cfg(panic = "unwind")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, wait_until};
use midge::sync::{Condvar, Mutex};
use midge::time::timeout;
use midge::{spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[derive(Default)]
struct Shared {
    mutex: Mutex<()>,
    notified: Condvar,
    waits: AtomicBool,
    left: AtomicBool,
}

impl Shared {
    /// Waits for so long at most, and is not notified or cannot have the mutex.
    /// True if its time was over.
    fn wait(&self, limit: Duration) -> bool {
        let mut guard = self.mutex.lock();
        let waited = timeout(limit, || {
            self.waits.store(true, Ordering::Release);
            self.notified.wait(&mut guard);
        });
        self.left.store(true, Ordering::Release);
        drop(guard);
        waited.is_err()
    }

    /// Takes the mutex, wakes the waiter if so asked, and keeps the mutex until the waiter's time
    /// is over; calls `then`, and checks that it still has the mutex. False if it was too late: the
    /// time was over before it had the mutex.
    fn keep_the_mutex(&self, limit: Duration, notify: bool, then: impl FnOnce()) -> bool {
        wait_until(|| self.waits.load(Ordering::Acquire));
        let guard = self.mutex.lock();
        let over = Instant::now() + 2 * limit;
        if self.left.load(Ordering::Acquire) {
            return false;
        }
        if notify {
            self.notified.notify_one();
        }
        wait_until(|| Instant::now() > over);
        then();
        for _ in 0..20 {
            task::yield_now();
        }
        assert!(!self.left.load(Ordering::Acquire), "it goes on without the mutex");
        assert!(self.mutex.try_lock().is_none(), "it has unlocked what it does not have");
        drop(guard);
        true
    }
}

/// Tries it with longer and longer limits, until the mutex could be taken in time.
fn until_in_time(attempt: impl Fn(Duration, Arc<Shared>) -> bool) {
    let limits = (1..17).map(|power| Duration::from_millis(1 << power));
    let in_time = limits.into_iter().any(|limit| {
        let shared = Arc::new(Shared::default());
        let in_time = attempt(limit, shared.clone());
        assert!(!shared.mutex.is_locked());
        in_time
    });
    assert!(in_time, "it always takes a minute to lock a mutex");
}

#[test]
fn a_timeout_while_the_mutex_is_locked_again() {
    for_each_mode(WORKERS, |rt, _| {
        for notify in [true, false] {
            until_in_time(|limit, shared| {
                rt.run(move || {
                    let theirs = shared.clone();
                    let waiting = spawn(move || theirs.wait(limit));
                    let in_time = shared.keep_the_mutex(limit, notify, || ());
                    // With a notification, it may have had the mutex before its timer came.
                    assert!(join(waiting) || notify);
                    in_time
                })
            });
        }
    });
}

#[test]
fn a_cancellation_after_the_timeout() {
    for_each_mode(WORKERS, |rt, _| {
        until_in_time(|limit, shared| {
            rt.run(move || {
                let theirs = shared.clone();
                let waiting = spawn(move || theirs.wait(limit));
                let in_time = shared.keep_the_mutex(limit, true, || waiting.cancel());
                // It is told of the cancellation at its next suspension point, if it comes to one.
                let _ = waiting.join();
                in_time
            })
        });
    });
}

#[test]
fn an_ordinary_thread_under_a_timeout() {
    until_in_time(|limit, shared| {
        let theirs = shared.clone();
        let waiting = std::thread::spawn(move || theirs.wait(limit));
        let in_time = shared.keep_the_mutex(limit, true, || ());
        waiting.join().unwrap();
        in_time
    });
}
