//! Follows `TestSemaphore`, `TestMutex`, `TestMutexMisuse` and `TestMutexFairness`
//! (`src/sync/mutex_test.go`).
//!
//! Unlocking what is not locked, a fatal error in Go, cannot be written: a guard unlocks, once. It
//! may do so in another task than the one that locked, as in Go.

use crate::common::{join, rounds, wait_until};
use crate::{go, yields};
use midge::chan::bounded;
use midge::sync::{Mutex, Semaphore};
use midge::{spawn, task};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

/// A task's count, with a plain load and store so that two at once would lose one.
fn hammer(each: usize, count: &Mutex<usize>) {
    for n in 0..each {
        if n % 3 == 0 {
            if let Some(mut count) = count.try_lock() {
                *count += 1;
                continue;
            }
        }
        let mut count = count.lock();
        let before = *count;
        if n % 5 == 0 {
            task::yield_now();
        }
        *count = before + 1;
    }
}

#[test]
fn hammered_by_ten() {
    let each = rounds(1_000, 100);
    go(|| {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.lock();
        assert!(mutex.try_lock().is_none());
        drop(held);
        drop(mutex.try_lock().expect("nobody has it"));
        let tasks: Vec<_> = (0..10)
            .map(|_| mutex.clone())
            .map(|mutex| spawn(move || hammer(each, &mutex)))
            .collect();
        tasks.into_iter().for_each(join);
        assert_eq!(*mutex.lock(), 10 * each);
    });
}

#[test]
fn a_semaphore_hammered_by_ten() {
    let each = rounds(1_000, 100);
    go(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let inside = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..10)
            .map(|_| (semaphore.clone(), inside.clone()))
            .map(|(semaphore, inside)| {
                spawn(move || {
                    for n in 0..each {
                        let _permit = semaphore.acquire();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        if n % 5 == 0 {
                            task::yield_now();
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(join);
    });
}

/// Go's test: one task keeps the mutex nearly all the time, another wants it now and then and gets
/// it.
#[test]
fn nobody_starves() {
    let times = rounds(10, 5);
    go(|| {
        let mutex = Arc::new(Mutex::new(()));
        let stop = Arc::new(AtomicBool::new(false));
        let (hog, stopped) = (mutex.clone(), stop.clone());
        let hog = spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let guard = hog.lock();
                yields(5);
                drop(guard);
            }
        });
        let got = Arc::new(AtomicUsize::new(0));
        let count = got.clone();
        let modest = spawn(move || {
            for _ in 0..times {
                yields(5);
                drop(mutex.lock());
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        wait_until(|| got.load(Ordering::Relaxed) == times);
        stop.store(true, Ordering::Relaxed);
        join(modest);
        join(hog);
    });
}

static GIVEN_AWAY: Mutex<u32> = Mutex::new(0);

#[test]
fn one_task_locks_and_another_unlocks() {
    go(|| {
        let (s, r) = bounded(0);
        let locking = spawn(move || s.send(GIVEN_AWAY.lock()).unwrap());
        let guard = r.recv().unwrap();
        join(locking);
        assert!(GIVEN_AWAY.try_lock().is_none());
        join(spawn(move || drop(guard)));
        *GIVEN_AWAY.try_lock().expect("it has been unlocked") += 1;
    });
}
