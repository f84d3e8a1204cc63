//! Promise: a task that is cancelled while it waits unwinds from there, leaves nothing behind, and
//! passes on what it had been given already; a condition variable's waiter has the mutex again
//! before it unwinds.
#![cfg(panic = "unwind")]

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, wait_until, Random};
use midge::sync::{Barrier, Condvar, Mutex, RwLock, Semaphore, WaitGroup};
use midge::task::{self, Cancelled};
use midge::JoinHandle;

const WORKERS: &[usize] = &[1, 2, 8];

#[track_caller]
fn assert_cancelled<T>(task: JoinHandle<T>) {
    assert!(task.join().err().expect("the task was cancelled").is::<Cancelled>());
}

/// Spawns a task that waits for ever with `wait`, and cancels it when it has probably begun to
/// wait.
fn cancel_in(rt: &midge::Runtime, wait: impl FnOnce() + Send + 'static) {
    let began = Arc::new(AtomicBool::new(false));
    let flag = began.clone();
    let task = rt.spawn(move || {
        flag.store(true, Ordering::SeqCst);
        wait();
    });
    wait_until(|| began.load(Ordering::SeqCst));
    rt.run(|| (0..5).for_each(|_| task::yield_now()));
    task.cancel();
    assert_cancelled(task);
}

#[test]
fn each_kind_of_wait_ends_and_leaves_the_rest_as_it_was() {
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(()));
        let guard = mutex.lock();
        let theirs = mutex.clone();
        cancel_in(rt, move || drop(theirs.lock()));
        drop(guard);
        assert!(!mutex.is_locked() && mutex.try_lock().is_some());

        let lock = Arc::new(RwLock::new(()));
        let guard = lock.write();
        let (reader, writer) = (lock.clone(), lock.clone());
        cancel_in(rt, move || drop(reader.read()));
        cancel_in(rt, move || drop(writer.write()));
        drop(guard);
        assert!(lock.try_write().is_some());
        let guard = lock.read();
        let writer = lock.clone();
        cancel_in(rt, move || drop(writer.write()));
        assert!(lock.try_read().is_some(), "a cancelled writer is still announced");
        drop(guard);
        assert!(lock.try_write().is_some());

        let semaphore = Arc::new(Semaphore::new(1));
        let theirs = semaphore.clone();
        cancel_in(rt, move || drop(theirs.acquire_many(2)));
        assert!(semaphore.try_acquire().is_some());
        assert_eq!(semaphore.available_permits(), 1);

        let group = WaitGroup::new();
        let theirs = group.clone();
        cancel_in(rt, move || theirs.wait());
        group.wait();

        let barrier = Arc::new(Barrier::new(2));
        let theirs = barrier.clone();
        cancel_in(rt, move || _ = theirs.wait());
        let theirs = barrier.clone();
        let other = rt.spawn(move || theirs.wait().is_leader());
        assert!(barrier.wait().is_leader() ^ join(other), "a cancelled task still counts");
    });
}

/// A big request that leaves lets those behind it have what is there.
#[test]
fn a_cancelled_request_is_not_in_the_way_any_more() {
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(1));
        let theirs = semaphore.clone();
        let big = rt.spawn(move || drop(theirs.acquire_many(2)));
        wait_until(|| semaphore.try_acquire().is_none());
        let theirs = semaphore.clone();
        let small = rt.spawn(move || drop(theirs.acquire()));
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert!(!small.is_finished());
        big.cancel();
        join(small);
        assert_cancelled(big);
    });
}

#[test]
fn a_cancelled_writer_lets_the_readers_in_that_waited_behind_it() {
    for_each_mode(WORKERS, |rt, _| {
        let lock = Arc::new(RwLock::new(()));
        let guard = lock.read();
        let theirs = lock.clone();
        let writer = rt.spawn(move || drop(theirs.write()));
        wait_until(|| lock.try_read().is_none());
        let theirs = lock.clone();
        let reader = rt.spawn(move || drop(theirs.read()));
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert!(!reader.is_finished());
        writer.cancel();
        join(reader);
        assert_cancelled(writer);
        drop(guard);
    });
}

/// The guard that a cancelled waiter drops while it unwinds is of a mutex that it has.
#[test]
fn a_condvar_waiter_has_the_mutex_when_it_unwinds() {
    struct Unlocked<'a>(midge::sync::MutexGuard<'a, (usize, bool)>);
    impl Drop for Unlocked<'_> {
        fn drop(&mut self) {
            assert!(!std::mem::replace(&mut self.0 .1, true), "two have the mutex");
            task::yield_now();
            self.0 .1 = false;
            self.0 .0 += 1;
        }
    }
    for_each_mode(WORKERS, |rt, _| {
        let shared = Arc::new((Mutex::new((0, false)), Condvar::new()));
        let waiting = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (shared, waiting) = (shared.clone(), waiting.clone());
                rt.spawn(move || {
                    let mut guard = Unlocked(shared.0.lock());
                    waiting.fetch_add(1, Ordering::SeqCst);
                    loop {
                        shared.1.wait(&mut guard.0);
                    }
                })
            })
            .collect();
        wait_until(|| waiting.load(Ordering::SeqCst) == 20);
        let guard = shared.0.lock(); // so that they have to wait for it as they unwind
        shared.1.notify_one();
        tasks.iter().for_each(|task| task.cancel());
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert_eq!(*guard, (0, false));
        drop(guard);
        for task in tasks {
            let result: std::thread::Result<()> = task.join();
            assert!(result.unwrap_err().is::<Cancelled>());
        }
        assert_eq!(*shared.0.lock(), (20, false));
        assert_eq!(shared.1.notify_all(), 0);
    });
}

/// Of two waiters one is cancelled while the notification is under way: the other must have it.
#[test]
fn a_notification_is_not_lost_with_a_cancelled_waiter() {
    for_each_mode(WORKERS, |rt, _| {
        for _ in 0..rounds(200, 40) {
            let shared = Arc::new((Mutex::new((0_usize, false)), Condvar::new()));
            let wait = || {
                let shared = shared.clone();
                rt.spawn(move || {
                    let mut guard = shared.0.lock();
                    guard.0 += 1;
                    shared.1.wait_while(&mut guard, |data| !data.1);
                    guard.1 = false; // takes it
                })
            };
            let (first, second) = (wait(), wait());
            wait_until(|| shared.0.lock().0 == 2);
            shared.0.lock().1 = true;
            assert!(shared.1.notify_one());
            first.cancel();
            if first.join().is_err() {
                join(second);
            } else {
                second.cancel();
                assert_cancelled(second);
            }
            assert!(!shared.0.lock().1, "nobody took it");
        }
    });
}

/// Cancels at random while a mutex, a lock and a semaphore go round: no wake-up is lost, so all the
/// others end.
#[test]
fn random_cancellations_lose_nothing() {
    let each = rounds(200, 40);
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(0_usize));
        let lock = Arc::new(RwLock::new(0_usize));
        let semaphore = Arc::new(Semaphore::new(3));
        let work = |seed: u64| {
            let (mutex, lock, semaphore) = (mutex.clone(), lock.clone(), semaphore.clone());
            move || {
                let mut random = Random::new(seed);
                for _ in 0..each {
                    match random.below(4) {
                        0 => {
                            let mut guard = mutex.lock();
                            let before = *guard;
                            task::yield_now();
                            *guard = before + 1;
                        }
                        1 => {
                            let mut guard = lock.write();
                            let before = *guard;
                            task::yield_now();
                            *guard = before + 1;
                        }
                        2 => {
                            let guard = lock.read();
                            let before = *guard;
                            task::yield_now();
                            assert_eq!(*guard, before);
                        }
                        _ => {
                            let _permits = semaphore.acquire_many(1 + random.below(3));
                            task::yield_now();
                        }
                    }
                }
            }
        };
        let stay: Vec<_> = (0..8).map(|seed| rt.spawn(work(seed))).collect();
        let mut random = Random::new(99);
        for round in 0..5 {
            let go: Vec<_> = (0..8).map(|seed| rt.spawn(work(100 * round + seed))).collect();
            rt.run(|| (0..random.below(30)).for_each(|_| task::yield_now()));
            go.iter().for_each(|task| task.cancel());
            for task in go {
                if let Err(payload) = task.join() {
                    assert!(payload.is::<Cancelled>());
                }
            }
        }
        stay.into_iter().for_each(join);
        assert!(mutex.try_lock().is_some());
        assert!(lock.try_write().is_some());
        assert_eq!(semaphore.available_permits(), 3);
    });
}

/// Who catches its cancellation can go on to use the lock.
#[test]
fn a_caught_cancellation_leaves_the_lock_usable() {
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(0));
        let (began, caught) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let guard = mutex.lock();
        let (theirs, flag, done) = (mutex.clone(), began.clone(), caught.clone());
        let task = rt.spawn(move || {
            let waits = AssertUnwindSafe(|| {
                flag.store(true, Ordering::SeqCst);
                drop(theirs.lock());
            });
            let payload = catch_unwind(waits).unwrap_err();
            done.store(true, Ordering::SeqCst);
            *theirs.lock() = 1;
            payload.is::<Cancelled>()
        });
        wait_until(|| began.load(Ordering::SeqCst));
        task.cancel();
        wait_until(|| caught.load(Ordering::SeqCst)); // before that it may not have come to wait
        drop(guard);
        assert!(join(task));
        assert_eq!(*mutex.lock(), 1);
    });
}

/// Dropping a runtime whose tasks wait for each other for ever ends them all.
#[test]
fn deadlocked_tasks_end_with_their_runtime() {
    for_each_mode(WORKERS, |_, mode| {
        let rt = common::build(mode, 2);
        let (one, two) = (Arc::new(Mutex::new(())), Arc::new(Mutex::new(())));
        let both = Arc::new(Barrier::new(2));
        let tasks =
            [(one.clone(), two.clone()), (two.clone(), one.clone())].map(|(first, then)| {
                let both = both.clone();
                rt.spawn(move || {
                    let _first = first.lock();
                    both.wait();
                    drop(then.lock());
                })
            });
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        drop(rt);
        tasks.into_iter().for_each(|task| {
            // The first to unwind lets the other in.
            drop(task.join());
        });
        assert!(one.try_lock().is_some() && two.try_lock().is_some());
    });
}
