//! Promise: one at a time has the mutex and sees what the one before did; a free mutex with a queue
//! has somebody on the way to it, in both modes, and if waiters give up.
//!
//! Breakages of `raw_mutex.rs` that make a model fail: queueing without a look whether the mutex is
//! free by now (`two_lockers`); a woken waiter that queues again and keeps WOKEN, or a last
//! hand-over that keeps STARVING (`three_lockers`); an unlock that is Relaxed; a waiter that gives
//! up and keeps WOKEN, or clears it and wakes nobody, or keeps the mutex it was handed (the last
//! model). That starving mode is fair no model can see: `tests/sync_mutex.rs` does.

use super::parking::{self, Clock, Handle};
use super::raw_mutex::RawMutex;
use super::{deadline, unlocked_mutex, Guarded};
use crate::atomic::Mutex;
use crate::{check, check_bounded, join_all};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};

struct Shared {
    mutex: RawMutex,
    count: Guarded,
}

impl Shared {
    fn new(clock: Clock) -> Arc<Shared> {
        parking::set_clock(clock);
        Arc::new(Shared { mutex: unlocked_mutex(), count: Guarded::new() })
    }

    fn count_one(&self) {
        self.mutex.lock_until(None);
        self.count.add_one();
        self.mutex.unlock();
    }

    fn count_one_in_time(&self) -> bool {
        let locked = self.mutex.lock_until(deadline());
        if locked {
            self.count.add_one();
            self.mutex.unlock();
        }
        locked
    }

    /// At the end: nobody has it, and whatever was promised has been kept.
    fn assert_counted(&self, expected: usize) {
        assert!(self.mutex.try_lock(), "still locked");
        assert_eq!(self.count.get(), expected);
        self.mutex.unlock();
    }
}

fn counts(shared: &Arc<Shared>, times: usize) -> JoinHandle<()> {
    let shared = shared.clone();
    thread::spawn(move || (0..times).for_each(|_| shared.count_one()))
}

#[test]
fn two_lockers() {
    check(|| {
        let shared = Shared::new(Clock::Fair);
        let other = counts(&shared, 1);
        shared.count_one();
        other.join().unwrap();
        shared.assert_counted(2);
    });
}

#[test]
fn three_lockers() {
    for clock in [Clock::Fair, Clock::Unfair, Clock::UnfairOnce] {
        check_bounded(2, move || {
            let shared = Shared::new(clock);
            let others = [counts(&shared, 1), counts(&shared, 1)];
            shared.count_one();
            shared.count_one();
            join_all(others);
            shared.assert_counted(4);
        });
    }
}

#[test]
fn starving_mode_begins_and_ends() {
    for clock in [Clock::Unfair, Clock::UnfairOnce] {
        check_bounded(3, move || {
            let shared = Shared::new(clock);
            let other = counts(&shared, 2);
            (0..2).for_each(|_| shared.count_one());
            other.join().unwrap();
            shared.assert_counted(4);
        });
    }
}

/// One of two waiters gives up at any moment, also when it has just been woken or has been handed
/// the mutex.
#[test]
fn a_waiter_that_gives_up_passes_the_mutex_on() {
    // The unlock before the deadline, or after it, while the waiter is leaving.
    for (clock, before) in
        [(Clock::Fair, true), (Clock::Fair, false), (Clock::Unfair, true), (Clock::Unfair, false)]
    {
        check_bounded(3, move || {
            let shared = Shared::new(clock);
            let waiter: Arc<Mutex<Option<Handle>>> = Arc::new(Mutex::new(None));
            shared.mutex.lock_until(None);
            let hasty = {
                let (shared, waiter) = (shared.clone(), waiter.clone());
                thread::spawn(move || {
                    *waiter.lock() = Some(parking::current());
                    shared.count_one_in_time()
                })
            };
            let other = counts(&shared, 1);
            if before {
                shared.mutex.unlock();
            }
            if let Some(waiter) = waiter.lock().take() {
                waiter.pass_deadline();
            }
            if !before {
                shared.mutex.unlock();
            }
            other.join().unwrap();
            let in_time = hasty.join().unwrap();
            shared.assert_counted(1 + usize::from(in_time));
        });
    }
}
