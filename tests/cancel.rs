//! Promise: a cancelled task unwinds from its suspension point with the payload `Cancelled`, its
//! destructors run exactly once, and a task that never ran is dropped without running.
#![cfg(panic = "unwind")]

mod common;

use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{
    for_each_mode, join, park_until_woken, recurse, stressed, wait_until, Guard, Mode, Tally,
};
use midge::task::{self, Cancelled};

const WORKERS: &[usize] = &[1, 2, 4];

fn park_for_ever() -> ! {
    loop {
        task::park();
    }
}

#[track_caller]
fn assert_cancelled(result: std::thread::Result<impl Sized>) {
    assert!(result.err().expect("the task was cancelled").is::<Cancelled>());
}

#[test]
fn a_parked_task() {
    for_each_mode(WORKERS, |rt, _| {
        let (tally, parking) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        let handles: Vec<_> = (0..100)
            .map(|depth| {
                let (tally, parking) = (tally.clone(), parking.clone());
                rt.spawn(move || {
                    let _outer = tally.guard();
                    recurse(depth, &mut || {
                        let _inner = tally.guard();
                        parking.fetch_add(1, Ordering::SeqCst);
                        park_for_ever()
                    });
                })
            })
            .collect();
        wait_until(|| parking.load(Ordering::SeqCst) == 100);
        assert_eq!(tally.count(), 0);
        handles.iter().for_each(|handle| handle.cancel());
        handles.into_iter().for_each(|handle| assert_cancelled(handle.join()));
        assert_eq!(tally.count(), 200);
    });
}

#[test]
fn a_fresh_task() {
    for_each_mode(WORKERS, |rt, mode| {
        let (tally, ran) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        rt.run(|| {
            for _ in 0..100 {
                let (guard, started) = (tally.guard(), ran.clone());
                let handle = midge::spawn(move || {
                    let _guard = guard;
                    started.fetch_add(1, Ordering::SeqCst);
                    park_for_ever()
                });
                handle.cancel();
                let result: std::thread::Result<()> = handle.join();
                assert_cancelled(result);
            }
        });
        assert_eq!(tally.count(), 100);
        // Main did not suspend between spawn and cancel, unless stress mode made it yield. (In the
        // migrating mode another thread may take over from a worker that is held up.)
        if rt.workers() == 1 && mode != Mode::Migrating && !stressed() {
            assert_eq!(ran.load(Ordering::SeqCst), 0, "a cancelled fresh task ran");
        }
    });
}

#[test]
fn a_running_task_at_its_next_suspension_point() {
    for_each_mode(&[2, 4], |rt, _| {
        for suspend in [task::yield_now as fn(), task::park, park_until_woken] {
            let tally = Tally::default();
            let (started, cancelled) =
                (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
            let (guard, begin, end) = (tally.guard(), started.clone(), cancelled.clone());
            let handle = rt.spawn(move || {
                let _guard = guard;
                begin.store(true, Ordering::SeqCst);
                while !end.load(Ordering::SeqCst) {
                    std::thread::yield_now(); // Not a suspension point: it keeps running.
                }
                loop {
                    suspend();
                }
            });
            wait_until(|| started.load(Ordering::SeqCst));
            handle.cancel();
            assert_eq!(tally.count(), 0);
            cancelled.store(true, Ordering::SeqCst);
            let result: std::thread::Result<()> = handle.join();
            assert_cancelled(result);
            assert_eq!(tally.count(), 1);
        }
    });
}

#[test]
fn a_yielding_task() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let handles: Vec<_> = (0..50)
            .map(|_| {
                let guard = tally.guard();
                rt.spawn(move || {
                    let _guard = guard;
                    loop {
                        task::yield_now();
                    }
                })
            })
            .collect();
        for handle in handles {
            handle.cancel();
            let result: std::thread::Result<()> = handle.join();
            assert_cancelled(result);
        }
        assert_eq!(tally.count(), 50);
    });
}

#[test]
fn a_finished_task_keeps_its_result() {
    for_each_mode(WORKERS, |rt, _| {
        let handle = rt.spawn(|| 11);
        wait_until(|| handle.is_finished());
        handle.cancel();
        handle.cancel();
        assert_eq!(join(handle), 11);
    });
}

#[test]
fn inside_nested_catch_unwind() {
    for_each_mode(WORKERS, |rt, _| {
        let (tally, parking) = (Tally::default(), Arc::new(AtomicBool::new(false)));
        let (guards, flag) = (tally.clone(), parking.clone());
        let passes_it_on = rt.spawn(move || {
            let outer: std::thread::Result<()> = catch_unwind(|| {
                let _outer = guards.guard();
                let inner: std::thread::Result<()> = catch_unwind(|| {
                    let _inner = guards.guard();
                    flag.store(true, Ordering::SeqCst);
                    park_for_ever()
                });
                let payload = inner.unwrap_err();
                assert!(payload.is::<Cancelled>());
                resume_unwind(payload)
            });
            resume_unwind(outer.unwrap_err())
        });
        wait_until(|| parking.load(Ordering::SeqCst));
        passes_it_on.cancel();
        let result: std::thread::Result<()> = passes_it_on.join();
        assert_cancelled(result);
        assert_eq!(tally.count(), 2);

        let flag = Arc::new(AtomicBool::new(false));
        let parking = flag.clone();
        let keeps_it = rt.spawn(move || {
            let caught: std::thread::Result<()> = catch_unwind(|| {
                flag.store(true, Ordering::SeqCst);
                park_for_ever()
            });
            caught.unwrap_err().is::<Cancelled>()
        });
        wait_until(|| parking.load(Ordering::SeqCst));
        keeps_it.cancel();
        assert!(join(keeps_it), "a task that catches its cancellation and returns has returned");
    });
}

#[test]
fn with_destructors_that_suspend() {
    struct Suspends(#[allow(dead_code)] Guard);
    impl Drop for Suspends {
        fn drop(&mut self) {
            // A second unwinding from here would abort the process.
            task::yield_now();
            park_until_woken();
        }
    }
    for_each_mode(WORKERS, |rt, _| {
        let (tally, parking) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        let handles: Vec<_> = (0..20)
            .map(|_| {
                let (tally, parking) = (tally.clone(), parking.clone());
                rt.spawn(move || {
                    let _first = Suspends(tally.guard());
                    let _second = Suspends(tally.guard());
                    parking.fetch_add(1, Ordering::SeqCst);
                    park_for_ever()
                })
            })
            .collect();
        wait_until(|| parking.load(Ordering::SeqCst) == 20);
        for handle in handles {
            handle.cancel();
            handle.cancel();
            let result: std::thread::Result<()> = handle.join();
            assert_cancelled(result);
        }
        assert_eq!(tally.count(), 40);
    });
}

#[test]
fn a_task_that_waits_in_a_join() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let (outer_guard, inner_guard) = (tally.guard(), tally.guard());
        let waiting = Arc::new(AtomicBool::new(false));
        let flag = waiting.clone();
        let inner = rt.spawn(move || {
            let _guard = inner_guard;
            task::park();
            3
        });
        let parked = inner.task().clone();
        let outer = rt.spawn(move || {
            let _guard = outer_guard;
            flag.store(true, Ordering::SeqCst);
            inner.join().unwrap()
        });
        wait_until(|| waiting.load(Ordering::SeqCst));
        outer.cancel();
        assert_cancelled(outer.join());
        parked.unpark(); // Its joiner is gone; it still finishes.
        wait_until(|| tally.count() == 2);
    });
}

#[test]
fn races_with_unparks() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let handles: Vec<_> = (0..500)
            .map(|_| {
                let guard = tally.guard();
                rt.spawn(move || {
                    let _guard = guard;
                    park_for_ever()
                })
            })
            .collect();
        let tasks: Vec<_> = handles.iter().map(|handle| handle.task().clone()).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| tasks.iter().cycle().take(5000).for_each(|task| task.unpark()));
            scope.spawn(|| handles.iter().for_each(|handle| handle.cancel()));
            scope.spawn(|| handles.iter().rev().for_each(|handle| handle.cancel()));
        });
        for handle in handles {
            let result: std::thread::Result<()> = handle.join();
            assert_cancelled(result);
        }
        assert_eq!(tally.count(), 500);
    });
}
