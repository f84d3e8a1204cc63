//! Promise: `timeout` ends what waits inside it when the time is over, by unwinding, and nothing
//! else: outer timeouts, cancellations and panics pass through inner ones, and what is done in time
//! is `Ok`.
#![cfg(panic = "unwind")]

mod common;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, wait_until, Random, Tally};
use midge::task;
use midge::time::{sleep, timeout, timeout_at, Elapsed};

const WORKERS: &[usize] = &[1, 2, 8];
const AGES: Duration = Duration::from_secs(1_000_000);

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Runs `check` in a task of every runtime, and on an ordinary thread.
fn everywhere(check: fn()) {
    check();
    for_each_mode(WORKERS, |rt, _| {
        rt.run(check);
        join(rt.spawn(check));
    });
}

/// Comes to no suspension point for so long.
fn compute_for(time: Duration) {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline {}
}

fn park_for_ever() {
    loop {
        task::park();
    }
}

#[test]
fn what_waits_is_ended() {
    everywhere(|| {
        let tally = Tally::default();
        let deadline = Instant::now() + milliseconds(8);
        let waits: [&dyn Fn(); 4] =
            [&park_for_ever, &|| sleep(AGES), &|| sleep(Duration::MAX), &|| loop {
                task::yield_now();
            }];
        for (n, wait) in waits.iter().enumerate() {
            let guard = tally.guard();
            let result = timeout(milliseconds(2), move || {
                let _guard = guard;
                wait();
            });
            assert_eq!(result, Err(Elapsed));
            assert_eq!(tally.count(), n + 1, "destructors have run");
        }
        assert!(Instant::now() >= deadline, "early");
        sleep(milliseconds(1)); // nothing is left over
    });
}

#[test]
fn what_is_done_is_ok() {
    everywhere(|| {
        assert_eq!(timeout(AGES, || 1), Ok(1));
        assert_eq!(timeout(Duration::MAX, || sleep(milliseconds(1))), Ok(()));
        // It came to no suspension point, though it is late.
        assert_eq!(timeout(Duration::ZERO, || 2), Ok(2));
        let late = timeout(milliseconds(1), || {
            compute_for(milliseconds(3));
            3
        });
        assert_eq!(late, Ok(3));
        sleep(milliseconds(1));
    });
}

#[test]
fn one_that_was_over_before_ends_it_at_the_first_suspension_point() {
    everywhere(|| {
        assert_eq!(timeout(Duration::ZERO, task::yield_now), Err(Elapsed));
        assert_eq!(timeout_at(Instant::now(), || sleep(milliseconds(1))), Err(Elapsed));
    });
}

#[test]
fn a_join_is_ended_too() {
    for_each_mode(WORKERS, |rt, _| {
        let check = |child: midge::JoinHandle<()>| {
            let child_task = child.task().clone();
            let child = std::sync::Mutex::new(Some(child));
            let result = timeout(milliseconds(1), || {
                let child = child.lock().unwrap().take().unwrap();
                child.join()
            });
            assert!(matches!(result, Err(Elapsed)));
            child_task.unpark();
        };
        check(rt.spawn(task::park));
        rt.run(|| check(midge::spawn(task::park)));
    });
}

#[test]
fn an_outer_one_passes_through_the_inner() {
    everywhere(|| {
        let tally = Tally::default();
        let outer = timeout(milliseconds(2), || {
            let _guard = tally.guard();
            let _ = timeout(AGES, || {
                let _guard = tally.guard();
                timeout(AGES, park_for_ever)
            });
            unreachable!("the outer timeout is over");
        });
        assert_eq!(outer, Err::<(), _>(Elapsed));
        assert_eq!(tally.count(), 2);
        // An inner one alone does not end the outer.
        let outer = timeout(AGES, || timeout(milliseconds(1), park_for_ever));
        assert_eq!(outer, Ok(Err(Elapsed)));
        // Both are over at once: the outer one counts.
        let deadline = Instant::now() + milliseconds(1);
        let outer = timeout_at(deadline, || timeout_at(deadline, park_for_ever));
        assert_eq!(outer, Err(Elapsed));
        // The inner one is over first, and the outer before anything suspends again.
        let outer = timeout(milliseconds(3), || {
            assert_eq!(timeout(milliseconds(1), park_for_ever), Err(Elapsed));
            compute_for(milliseconds(5));
            park_for_ever();
        });
        assert_eq!(outer, Err(Elapsed));
    });
}

#[test]
fn one_after_the_other() {
    everywhere(|| {
        for _ in 0..rounds(200, 50) {
            assert_eq!(timeout(Duration::from_micros(100), park_for_ever), Err(Elapsed));
            assert_eq!(timeout(AGES, task::yield_now), Ok(()));
        }
    });
}

#[test]
fn who_catches_it_meets_it_again() {
    everywhere(|| {
        let caught = AtomicUsize::new(0);
        let result = timeout(milliseconds(1), || {
            for _ in 0..3 {
                if catch_unwind(|| sleep(AGES)).is_err() {
                    caught.fetch_add(1, Ordering::Relaxed);
                }
            }
            caught.load(Ordering::Relaxed)
        });
        assert_eq!(result, Ok(3));
        assert_eq!(timeout(AGES, || sleep(milliseconds(1))), Ok(()), "it is gone");
    });
}

#[test]
fn a_panic_passes_through() {
    everywhere(|| {
        let payload = catch_unwind(|| {
            let _ = timeout(AGES, || {
                let _ = timeout(AGES, || std::panic::resume_unwind(Box::new(42)));
            });
        })
        .unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&42));
        sleep(milliseconds(1));
    });
}

#[test]
fn destructors_may_wait_while_it_unwinds() {
    struct Waits(Arc<AtomicBool>);
    impl Drop for Waits {
        fn drop(&mut self) {
            for _ in 0..3 {
                sleep(milliseconds(1));
                task::yield_now();
            }
            self.0.store(true, Ordering::Relaxed);
        }
    }
    everywhere(|| {
        let waited = Arc::new(AtomicBool::new(false));
        let theirs = waited.clone();
        let result = timeout(milliseconds(1), move || {
            let _waits = Waits(theirs);
            park_for_ever();
        });
        assert_eq!(result, Err(Elapsed));
        assert!(waited.load(Ordering::Relaxed));
    });
}

#[test]
fn a_cancelled_task_ends() {
    for_each_mode(WORKERS, |rt, _| {
        let stage = Arc::new(AtomicUsize::new(0));
        let theirs = stage.clone();
        let waiting = rt.spawn(move || {
            let _ = timeout(AGES, || {
                theirs.store(1, Ordering::Release);
                let _ = timeout(AGES, park_for_ever);
                theirs.store(2, Ordering::Release);
            });
            theirs.store(2, Ordering::Release);
        });
        wait_until(|| stage.load(Ordering::Acquire) == 1);
        waiting.cancel();
        assert!(waiting.join().unwrap_err().is::<task::Cancelled>());
        assert_eq!(stage.load(Ordering::Acquire), 1);
        // Also when both come together.
        for _ in 0..rounds(100, 20) {
            let both = rt.spawn(|| loop {
                let _ = timeout(Duration::from_micros(50), park_for_ever);
            });
            std::thread::sleep(Duration::from_micros(70));
            both.cancel();
            assert!(both.join().unwrap_err().is::<task::Cancelled>());
        }
    });
}

#[test]
fn timeouts_and_wake_ups_race() {
    let turns = rounds(1_000, 200);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(move || {
            let done = Arc::new(AtomicUsize::new(0));
            let parked: Vec<_> = (0..8)
                .map(|seed| {
                    let done = done.clone();
                    midge::spawn(move || {
                        let mut random = Random::new(seed);
                        for _ in 0..turns {
                            let mut limit = || Duration::from_micros(random.below(200) as u64);
                            let (outer, inner) = (limit(), limit());
                            let _ = timeout(outer, || {
                                let _ = timeout(inner, || {
                                    task::park();
                                    task::yield_now();
                                });
                                task::yield_now();
                            });
                        }
                        done.fetch_add(1, Ordering::Release);
                    })
                })
                .collect();
            while done.load(Ordering::Acquire) < parked.len() {
                parked.iter().for_each(|handle| handle.task().unpark());
                sleep(Duration::from_micros(50));
            }
            parked.into_iter().for_each(join);
        });
    });
}

#[test]
fn a_payload_that_was_carried_elsewhere_ends_no_other_timeout() {
    everywhere(|| {
        let mut payload = None;
        let first = timeout(milliseconds(1), || {
            payload = catch_unwind(AssertUnwindSafe(park_for_ever)).err();
        });
        assert_eq!(first, Ok(()));
        let payload = payload.unwrap();
        let second = catch_unwind(AssertUnwindSafe(|| {
            timeout(AGES, || std::panic::resume_unwind(payload)).unwrap_or(())
        }));
        assert!(second.is_err(), "it is not the second one that is over");
    });
}
