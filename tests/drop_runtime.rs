//! Promise: dropping a `Runtime` cancels what is left and waits for it. Fresh tasks are dropped,
//! parked ones unwind, every destructor runs exactly once, and the threads are gone.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{
    build, child_of, in_child, join, parked_at_once, status, wait_until, Tally, Watchdog, MODES,
};
use midge::task;

#[test]
#[cfg(panic = "unwind")]
fn ten_thousand_parked_tasks_run_each_destructor_once() {
    for mode in MODES {
        let tasks = parked_at_once(mode, 10_000);
        let _watchdog = Watchdog::new(format!("10,000 parked tasks, {mode:?}"));
        let rt = build(mode, 2);
        let (tally, parking) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..tasks {
            let (tally, parking) = (tally.clone(), parking.clone());
            drop(rt.spawn(move || {
                let _guard = tally.guard();
                parking.fetch_add(1, Ordering::SeqCst);
                loop {
                    task::park();
                }
            }));
        }
        wait_until(|| parking.load(Ordering::SeqCst) == tasks);
        assert_eq!(tally.count(), 0);
        drop(rt);
        assert_eq!(tally.count(), tasks);
    }
}

#[test]
fn fresh_tasks_drop_their_closures() {
    const TASKS: usize = 1000;
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("fresh tasks, {mode:?}"));
        let rt = build(mode, 1);
        let (tally, ran) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        let (hogging, release) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (begun, end) = (hogging.clone(), release.clone());
        drop(rt.spawn(move || {
            begun.store(true, Ordering::SeqCst);
            while !end.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }));
        wait_until(|| hogging.load(Ordering::SeqCst));
        for _ in 0..TASKS {
            let (guard, ran) = (tally.guard(), ran.clone());
            drop(rt.spawn(move || {
                let _guard = guard;
                ran.fetch_add(1, Ordering::SeqCst);
            }));
        }
        // The drop waits for the hog. Most likely it has begun when the hog ends; if it has not,
        // some of the tasks run, and still all closures are dropped once.
        let releaser = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(50));
            release.store(true, Ordering::SeqCst);
        });
        drop(rt);
        releaser.join().unwrap();
        assert_eq!(tally.count(), TASKS);
        assert!(ran.load(Ordering::SeqCst) <= TASKS);
    }
}

#[test]
#[cfg(panic = "unwind")]
fn running_and_yielding_tasks_are_stopped() {
    for mode in MODES {
        for workers in [1, 2, 4] {
            let _watchdog = Watchdog::new(format!("yielding tasks, {mode:?}, {workers} workers"));
            let rt = build(mode, workers);
            let (tally, spawned) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
            for _ in 0..100 {
                let (tally, spawned) = (tally.clone(), spawned.clone());
                drop(rt.spawn(move || {
                    let _guard = tally.guard();
                    spawned.fetch_add(1, Ordering::SeqCst);
                    loop {
                        task::yield_now();
                        // Whether this child still runs, never starts, or is refused: the guard
                        // in its closure is dropped once.
                        let guard = tally.guard();
                        spawned.fetch_add(1, Ordering::SeqCst);
                        join(midge::spawn(move || drop(guard)));
                    }
                }));
            }
            wait_until(|| spawned.load(Ordering::SeqCst) >= 1000);
            drop(rt);
            assert_eq!(tally.count(), spawned.load(Ordering::SeqCst));
        }
    }
}

#[test]
#[cfg(panic = "unwind")]
fn destructors_may_suspend_and_use_the_runtime() {
    struct Busy(Tally);
    impl Drop for Busy {
        fn drop(&mut self) {
            task::yield_now();
            let guard = self.0.guard();
            drop(midge::spawn(move || drop(guard)));
            task::yield_now();
        }
    }
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("busy destructors, {mode:?}"));
        let rt = build(mode, 2);
        let (tally, parking) = (Tally::default(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let (busy, parking) = (Busy(tally.clone()), parking.clone());
            drop(rt.spawn(move || {
                let _busy = busy;
                parking.fetch_add(1, Ordering::SeqCst);
                loop {
                    task::park();
                }
            }));
        }
        wait_until(|| parking.load(Ordering::SeqCst) == 100);
        drop(rt);
        assert_eq!(tally.count(), 100);
    }
}

#[test]
#[cfg(panic = "unwind")]
fn handles_outlive_the_runtime() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("handles that outlive, {mode:?}"));
        let rt = build(mode, 2);
        let finished = rt.spawn(|| 23);
        wait_until(|| finished.is_finished());
        let parked = rt.spawn(|| loop {
            task::park();
        });
        drop(rt);
        parked.task().unpark();
        parked.cancel();
        assert!(parked.is_finished());
        let result: std::thread::Result<()> = parked.join();
        assert!(result.unwrap_err().is::<task::Cancelled>());
        finished.task().unpark();
        assert_eq!(join(finished), 23);
    }
}

/// It cannot wait for the task that drops it; but nothing may hang, crash or leak for that.
#[test]
#[cfg(panic = "unwind")]
fn dropped_by_one_of_its_own_tasks() {
    for mode in MODES {
        for workers in [1, 2] {
            let _watchdog = Watchdog::new(format!("dropped inside, {mode:?}, {workers} workers"));
            let rt = Arc::new(build(mode, workers));
            let (tally, parking) = (Tally::default(), Arc::new(AtomicBool::new(false)));
            let (guard, flag) = (tally.guard(), parking.clone());
            drop(rt.spawn(move || {
                let _guard = guard;
                flag.store(true, Ordering::SeqCst);
                loop {
                    task::park();
                }
            }));
            wait_until(|| parking.load(Ordering::SeqCst));
            let (guard, last) = (tally.guard(), rt.clone());
            let go = Arc::new(AtomicBool::new(false));
            let begin = go.clone();
            let handle = rt.spawn(move || {
                let _guard = guard;
                wait_until(|| begin.load(Ordering::SeqCst));
                drop(last);
                task::yield_now();
            });
            drop(rt);
            go.store(true, Ordering::SeqCst);
            wait_until(|| handle.is_finished());
            let _ = handle.join(); // Finished or cancelled: both are fine.
            wait_until(|| tally.count() == 2);
        }
    }
}

#[test]
fn a_hundred_runtimes_leave_nothing_behind() {
    const NAME: &str = "a_hundred_runtimes_leave_nothing_behind";
    if in_child().is_none() {
        let output = child_of(NAME, "restart", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("a hundred runtimes, {mode:?}"));
        let once = || {
            let rt = build(mode, 3);
            rt.run(|| {
                let handles: Vec<_> = (0..20).map(|_| midge::spawn(task::yield_now)).collect();
                handles.into_iter().for_each(join);
            });
        };
        once();
        let threads = status("Threads");
        let size = status("VmSize");
        (0..100).for_each(|_| once());
        // A joined thread may still be counted for a moment.
        wait_until(|| status("Threads") <= threads);
        // Well below a window for each runtime, well above what malloc's arenas reserve.
        let grown = status("VmSize").saturating_sub(size);
        assert!(grown < 8 << 20, "{grown} KiB of address space left behind");
    }
}
