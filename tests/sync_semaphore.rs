//! Promise: no more permits are out than there are, all come back, and requests are served in
//! order.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, wait_until, Random};
use midge::sync::{Mutex, Semaphore};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn never_more_than_there_are_among_tasks_and_threads() {
    const PERMITS: usize = 5;
    let each = rounds(1500, 200);
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(PERMITS));
        let out = Arc::new(AtomicUsize::new(0));
        let work = |seed: u64| {
            let (semaphore, out) = (semaphore.clone(), out.clone());
            move || {
                let mut random = Random::new(seed);
                for _ in 0..each {
                    let wanted = 1 + random.below(PERMITS);
                    let permit = semaphore.acquire_many(wanted);
                    assert_eq!(permit.permits(), wanted);
                    let before = out.fetch_add(wanted, Ordering::SeqCst);
                    assert!(before + wanted <= PERMITS);
                    if random.below(4) == 0 {
                        task::yield_now();
                    }
                    out.fetch_sub(wanted, Ordering::SeqCst);
                    drop(permit);
                    if let Some(_permit) = semaphore.try_acquire() {
                        let before = out.fetch_add(1, Ordering::SeqCst);
                        assert!(before < PERMITS);
                        out.fetch_sub(1, Ordering::SeqCst);
                    }
                }
            }
        };
        let tasks: Vec<_> = (0..10).map(|seed| rt.spawn(work(seed))).collect();
        let threads: Vec<_> = (10..12).map(|seed| std::thread::spawn(work(seed))).collect();
        tasks.into_iter().for_each(join);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(semaphore.available_permits(), PERMITS);
    });
}

#[test]
fn requests_are_served_in_order_and_big_ones_are_not_passed() {
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(2));
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = semaphore.acquire();
        let ask = |wanted: usize| {
            let (semaphore, order) = (semaphore.clone(), order.clone());
            rt.spawn(move || {
                let permit = semaphore.acquire_many(wanted);
                order.lock().push(wanted);
                drop(permit);
            })
        };
        let big = ask(2);
        // It is queued when the permit that is there cannot be had any more.
        wait_until(|| semaphore.try_acquire().is_none());
        assert_eq!(semaphore.available_permits(), 1);
        let small = ask(1);
        rt.run(|| (0..50).for_each(|_| task::yield_now()));
        assert!(!big.is_finished() && !small.is_finished(), "a small request passed a big one");
        drop(held);
        join(big);
        join(small);
        assert_eq!(*order.lock(), [2, 1]);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn a_stream_of_small_requests_does_not_starve_a_big_one() {
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(4));
        let served = Arc::new(AtomicUsize::new(0));
        let small: Vec<_> = (0..6)
            .map(|_| {
                let (semaphore, served) = (semaphore.clone(), served.clone());
                rt.spawn(move || {
                    while served.load(Ordering::Relaxed) < 20 {
                        let _permit = semaphore.acquire();
                        task::yield_now();
                    }
                })
            })
            .collect();
        let (theirs, count) = (semaphore.clone(), served.clone());
        let big = rt.spawn(move || {
            for _ in 0..20 {
                drop(theirs.acquire_many(4));
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        small.into_iter().for_each(join);
        join(big);
    });
}

#[test]
fn permits_are_added_and_forgotten() {
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(0));
        let theirs = semaphore.clone();
        let waiting = rt.spawn(move || theirs.acquire_many(10).forget());
        for _ in 0..10 {
            assert!(!waiting.is_finished());
            semaphore.add_permits(1);
            rt.run(task::yield_now);
        }
        join(waiting);
        assert_eq!(semaphore.available_permits(), 0);
        drop(semaphore.acquire_many(0));
    });
}

#[test]
fn a_limit_of_time() {
    let brief = Duration::from_millis(2);
    for_each_mode(WORKERS, |rt, _| {
        let semaphore = Arc::new(Semaphore::new(2));
        let theirs = semaphore.clone();
        let none = rt.spawn(move || {
            let _one = theirs.acquire();
            theirs.try_acquire_many_for(2, brief).is_none()
                && theirs.try_acquire_many_until(2, Instant::now()).is_none()
                && theirs.try_acquire_many_for(1, brief).is_some()
        });
        assert!(join(none));
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
#[should_panic(expected = "more than MAX_PERMITS")]
fn too_many_permits() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    semaphore.add_permits(1);
}
