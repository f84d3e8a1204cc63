//! Promise: `park` and `unpark` have the token semantics of `std::thread::park`, between tasks,
//! from OS threads and on OS threads. No wake-up is lost and none is invented.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{for_each_mode, join, rounds, wait_until};
use midge::task::{self, Task};

const WORKERS: &[usize] = &[1, 2, 4];

#[test]
fn an_early_unpark_is_kept() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            task::current().unpark();
            task::park();
            for _ in 0..200 {
                // The task may still be fresh, running or already parked: all three must wake.
                let handle = midge::spawn(task::park);
                handle.task().unpark();
                join(handle);
            }
            for _ in 0..200 {
                let handle = midge::spawn(|| {
                    task::yield_now();
                    task::park();
                });
                task::yield_now();
                handle.task().unpark();
                join(handle);
            }
        });
    });
}

#[test]
fn tokens_do_not_accumulate() {
    for_each_mode(WORKERS, |rt, _| {
        let stage = Arc::new(AtomicUsize::new(0));
        let allowed = Arc::new(AtomicBool::new(false));
        let handle = {
            let (stage, allowed) = (stage.clone(), allowed.clone());
            rt.spawn(move || {
                for _ in 0..3 {
                    task::current().unpark();
                }
                task::park();
                stage.store(1, Ordering::SeqCst);
                task::park();
                assert!(allowed.load(Ordering::SeqCst), "the second park returned without a token");
            })
        };
        rt.run(|| {
            wait_until(|| stage.load(Ordering::SeqCst) == 1);
            for _ in 0..1000 {
                task::yield_now();
            }
        });
        assert!(!handle.is_finished());
        allowed.store(true, Ordering::SeqCst);
        handle.task().unpark();
        join(handle);
    });
}

#[test]
fn storms_of_unparks_from_threads() {
    const TASKS: usize = 16;
    let parks = rounds(2000, 500);
    for_each_mode(WORKERS, |rt, _| {
        let handles: Vec<_> = (0..TASKS)
            .map(|seed| {
                rt.spawn(move || {
                    let mut word = seed as u64;
                    for i in 0..parks as u64 {
                        task::park();
                        word = word.wrapping_mul(31).wrapping_add(i);
                    }
                    word
                })
            })
            .collect();
        let tasks: Vec<Task> = handles.iter().map(|handle| handle.task().clone()).collect();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for offset in 0..4 {
                let (tasks, stop) = (&tasks, &stop);
                scope.spawn(move || {
                    while !stop.load(Ordering::SeqCst) {
                        for i in 0..TASKS {
                            tasks[(i + offset * 5) % TASKS].unpark();
                        }
                        std::thread::yield_now();
                    }
                });
            }
            let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                wait_until(|| handles.iter().all(|handle| handle.is_finished()));
            }));
            stop.store(true, Ordering::SeqCst);
            all.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
        });
        for (seed, handle) in handles.into_iter().enumerate() {
            let expected = (0..parks as u64)
                .fold(seed as u64, |word, i| word.wrapping_mul(31).wrapping_add(i));
            assert_eq!(join(handle), expected);
        }
    });
}

#[test]
fn a_ring_of_tasks_hands_a_token_around() {
    const RING: usize = 32;
    let laps = rounds(500, 100);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(move || {
            // It is nobody's turn before the ring is complete.
            let turn = Arc::new(AtomicUsize::new(usize::MAX));
            let ring: Arc<Mutex<Vec<Task>>> = Arc::default();
            let handles: Vec<_> = (0..RING)
                .map(|place| {
                    let (turn, ring) = (turn.clone(), ring.clone());
                    midge::spawn(move || {
                        for lap in 0..laps {
                            while turn.load(Ordering::Acquire) != lap * RING + place {
                                task::park();
                            }
                            // Cloned out: a guard must not be held over a call into midge.
                            let next = ring.lock().unwrap()[(place + 1) % RING].clone();
                            turn.fetch_add(1, Ordering::AcqRel);
                            next.unpark();
                        }
                    })
                })
                .collect();
            let tasks: Vec<Task> = handles.iter().map(|handle| handle.task().clone()).collect();
            let first = tasks[0].clone();
            *ring.lock().unwrap() = tasks;
            turn.store(0, Ordering::Release);
            first.unpark();
            handles.into_iter().for_each(join);
            assert_eq!(turn.load(Ordering::SeqCst), laps * RING);
        });
    });
}

#[test]
fn a_finished_task_can_be_unparked() {
    for_each_mode(WORKERS, |rt, _| {
        let handle = rt.spawn(|| 5);
        let finished = handle.task().clone();
        assert_eq!(join(handle), 5);
        for _ in 0..100 {
            finished.unpark();
        }
        rt.run(|| finished.unpark());
        // Its memory may have been given to another task, which must not be woken by it.
        let stray = Arc::new(AtomicBool::new(true));
        let seen = stray.clone();
        let handle = rt.spawn(move || {
            task::park();
            assert!(!seen.load(Ordering::SeqCst), "woken through the handle of another task");
        });
        (0..100).for_each(|_| finished.unpark());
        stray.store(false, Ordering::SeqCst);
        handle.task().unpark();
        join(handle);
    });
}

#[test]
fn ordinary_threads_park_too() {
    assert!(task::try_current().is_none());
    task::current().unpark();
    task::park();
    let (own, again) = (task::current().id(), task::current().id());
    assert_eq!(own, again);

    let (sender, receiver) = std::sync::mpsc::channel();
    let woken = Arc::new(AtomicBool::new(false));
    let seen = woken.clone();
    let thread = std::thread::spawn(move || {
        sender.send(task::current()).unwrap();
        while !seen.load(Ordering::Acquire) {
            task::park();
        }
    });
    let other = receiver.recv().unwrap();
    assert_ne!(other.id(), own);
    woken.store(true, Ordering::Release);
    other.unpark();
    thread.join().unwrap();
    other.unpark(); // Its thread is gone: nothing happens.
}

#[test]
fn a_thread_and_a_task_wake_each_other() {
    let exchanges = rounds(5000, 1000);
    for_each_mode(WORKERS, |rt, _| {
        let turn = Arc::new(AtomicUsize::new(0));
        let (theirs, thread) = (turn.clone(), task::current());
        let handle = rt.spawn(move || {
            for i in 0..exchanges {
                while theirs.load(Ordering::Acquire) != 2 * i + 1 {
                    task::park();
                }
                theirs.store(2 * i + 2, Ordering::Release);
                thread.unpark();
            }
        });
        for i in 0..exchanges {
            turn.store(2 * i + 1, Ordering::Release);
            handle.task().unpark();
            while turn.load(Ordering::Acquire) != 2 * i + 2 {
                task::park();
            }
        }
        join(handle);
    });
}
