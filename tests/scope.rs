//! Promise: the tasks of a scope may borrow from their parent, and the scope waits for all of them,
//! whatever happens to the parent or to them.
#![cfg(panic = "unwind")]

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{for_each_mode, join, rounds, wait_until, Mode, Tally};
use midge::task;
use midge::time::{sleep, timeout, Elapsed};

const WORKERS: &[usize] = &[1, 2, 8];
const AGES: Duration = Duration::from_secs(1_000_000);

fn pinned<T: Send + 'static>(
    rt: &midge::Runtime,
    f: impl FnOnce() -> T + Send + 'static,
) -> midge::JoinHandle<T> {
    task::Builder::new().pinned(true).spawn_on(rt, f)
}

#[test]
fn children_borrow_and_write() {
    for_each_mode(WORKERS, |rt, _| {
        let work = || {
            let mut numbers = vec![0usize; 100];
            let sum = AtomicUsize::new(0);
            for round in 1..rounds(20, 5) {
                midge::scope(|s| {
                    for (n, number) in numbers.iter_mut().enumerate() {
                        let sum = &sum;
                        s.spawn(move || {
                            task::yield_now();
                            *number += n;
                            sum.fetch_add(n, Ordering::Relaxed);
                        });
                    }
                });
                assert!(numbers.iter().enumerate().all(|(n, number)| *number == n * round));
            }
            sum.into_inner()
        };
        let expected = (1..rounds(20, 5)).len() * 4950;
        assert_eq!(rt.run(work), expected);
        assert_eq!(join(pinned(rt, work)), expected);
    });
}

#[test]
fn children_spawn_children_and_return_borrows() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let words = ["a".to_string(), "bc".to_string()];
            let count = AtomicUsize::new(0);
            let longest = midge::scope(|s| {
                let first = s.spawn(|| {
                    let nested = s.spawn(|| {
                        s.spawn(|| count.fetch_add(1, Ordering::Relaxed));
                        &words[1]
                    });
                    nested.join().unwrap()
                });
                first.join().unwrap().as_str()
            });
            assert_eq!((longest, count.into_inner()), ("bc", 1));
        });
    });
}

#[test]
fn results_that_nobody_takes_are_dropped_before_the_scope_ends() {
    struct Counts<'a>(&'a AtomicUsize);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            task::yield_now();
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let count = AtomicUsize::new(0);
            midge::scope(|s| {
                for n in 0..30 {
                    let handle = s.spawn(|| {
                        task::yield_now();
                        Counts(&count)
                    });
                    if n % 2 == 0 {
                        task::yield_now();
                    }
                    if n % 3 == 0 {
                        handle.cancel();
                    }
                }
                // A handle that is leaked leaks the result, and nothing hangs.
                std::mem::forget(s.spawn(|| Box::new(1)));
            });
            assert!(count.load(Ordering::Relaxed) <= 30);
            let then = count.load(Ordering::Relaxed);
            sleep(Duration::from_millis(1));
            assert_eq!(count.load(Ordering::Relaxed), then);
        });
    });
}

#[test]
fn panics_are_told_as_in_std() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            // Joined: only the joiner hears of it.
            midge::scope(|s| {
                let error = s.spawn(|| std::panic::resume_unwind(Box::new(5))).join();
                assert_eq!(error.unwrap_err().downcast_ref(), Some(&5));
            });
            // Not joined: the scope panics, after all have ended.
            let ended = AtomicUsize::new(0);
            let error = catch_unwind(AssertUnwindSafe(|| {
                midge::scope(|s| {
                    s.spawn(|| std::panic::resume_unwind(Box::new(5)));
                    s.spawn(|| {
                        sleep(Duration::from_millis(1));
                        ended.fetch_add(1, Ordering::Relaxed);
                    });
                })
            }))
            .unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&"a scoped task panicked"));
            assert_eq!(ended.load(Ordering::Relaxed), 1);
            // The closure's own panic comes first.
            let error = catch_unwind(AssertUnwindSafe(|| {
                midge::scope(|s| {
                    s.spawn(|| {
                        sleep(Duration::from_millis(1));
                        ended.fetch_add(1, Ordering::Relaxed);
                    });
                    std::panic::resume_unwind(Box::new(6));
                })
            }));
            assert_eq!(error.unwrap_err().downcast_ref(), Some(&6));
            assert_eq!(ended.load(Ordering::Relaxed), 2);
        });
    });
}

#[test]
fn a_cancelled_parent_takes_its_children_along() {
    for_each_mode(WORKERS, |rt, _| {
        for in_closure in [false, true] {
            let (tally, started) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
            let (theirs, begun) = (tally.clone(), started.clone());
            let parent = pinned(rt, move || {
                let lent = theirs.guard();
                midge::scope(|s| {
                    for _ in 0..10 {
                        let (theirs, begun, lent) = (&theirs, &begun, &lent);
                        s.spawn(move || {
                            let _guard = theirs.guard();
                            begun.fetch_add(1, Ordering::Release);
                            loop {
                                task::park();
                                std::hint::black_box(lent);
                            }
                        });
                    }
                    begun.fetch_add(1, Ordering::Release);
                    if in_closure {
                        loop {
                            task::park();
                        }
                    }
                });
            });
            wait_until(|| started.load(Ordering::Acquire) == 11);
            parent.cancel();
            assert!(parent.join().unwrap_err().is::<task::Cancelled>());
            assert_eq!(tally.count(), 11);
        }
    });
}

#[test]
fn a_child_that_will_not_end_is_waited_for() {
    for_each_mode(WORKERS, |rt, _| {
        let (release, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (go, end) = (release.clone(), ended.clone());
        let (started, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begun, heard) = (started.clone(), told.clone());
        let parent = pinned(rt, move || {
            midge::scope(|s| {
                s.spawn(|| {
                    begun.store(true, Ordering::Release);
                    while !go.load(Ordering::Acquire) {
                        if catch_unwind(AssertUnwindSafe(task::yield_now)).is_err() {
                            heard.store(true, Ordering::Release);
                        }
                    }
                    end.store(true, Ordering::Release);
                });
            });
        });
        wait_until(|| started.load(Ordering::Acquire));
        parent.cancel();
        // Before that the parent may not have come to its scope's end, where it learns of its own end.
        wait_until(|| told.load(Ordering::Acquire));
        for _ in 0..20 {
            parent.task().unpark();
            std::thread::sleep(Duration::from_micros(100));
        }
        assert!(!parent.is_finished());
        release.store(true, Ordering::Release);
        assert!(parent.join().is_err());
        assert!(ended.load(Ordering::Acquire));
    });
}

#[test]
fn a_timeout_ends_a_scope() {
    let check = || {
        let mut written = [0; 4];
        let result = timeout(Duration::from_millis(2), || {
            midge::scope(|s| {
                for place in &mut written {
                    s.spawn(move || {
                        *place = 1;
                        sleep(AGES);
                    });
                }
            })
        });
        assert_eq!(result, Err(Elapsed));
        sleep(Duration::from_millis(1));
    };
    for_each_mode(WORKERS, |rt, _| rt.run(check));
}

#[test]
fn a_task_that_may_be_frozen_is_told_what_to_do() {
    for_each_mode(WORKERS, |rt, mode| {
        let result = rt.spawn(|| midge::scope(|s| s.spawn(|| 1).join().unwrap())).join();
        match mode {
            Mode::Pinned => assert_eq!(result.unwrap(), 1),
            _ => {
                let payload = result.unwrap_err();
                let message = payload.downcast_ref::<&str>().unwrap();
                assert!(message.contains("Builder::new().pinned(true)"), "{message}");
            }
        }
    });
}

/// Threads have scopes, too. In a process of its own, since there must be one runtime only.
#[test]
fn an_ordinary_thread_has_scopes() {
    const NAME: &str = "an_ordinary_thread_has_scopes";
    if common::in_child().is_none() {
        let output = common::child_of(NAME, "thread", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for_each_mode(WORKERS, |_, _| {
        let words = ["a".to_string(), "bc".to_string()];
        let lengths = Mutex::new(Vec::new());
        midge::scope(|s| {
            for word in &words {
                let lengths = &lengths;
                s.spawn(move || lengths.lock().unwrap().push(word.len()));
            }
        });
        lengths.lock().unwrap().sort_unstable();
        assert_eq!(*lengths.lock().unwrap(), [1, 2]);
    });
}

#[test]
fn a_scope_forgets_children_that_have_ended() {
    for_each_mode(&[1], |rt, _| {
        rt.run(|| {
            let count = AtomicUsize::new(0);
            midge::scope(|s| {
                for _ in 0..rounds(50_000, 5_000) {
                    s.spawn(|| count.fetch_add(1, Ordering::Relaxed)).join().unwrap();
                }
            });
            assert_eq!(count.into_inner(), rounds(50_000, 5_000));
        });
    });
}
