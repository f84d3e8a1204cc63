//! Promise: a task that locks its thread stays there and, in the migrating mode, has it to itself.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{build, for_each_mode, join, os_thread, wait_until, Mode, Watchdog};
use midge::{spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn a_locked_task_stays_on_its_thread() {
    for_each_mode(WORKERS, |rt, _| {
        let noise: Vec<_> =
            (0..8).map(|_| rt.spawn(|| (0..500).for_each(|_| task::yield_now()))).collect();
        let locked: Vec<_> = (0..3)
            .map(|n| {
                rt.spawn(move || {
                    let _guard = task::lock_thread();
                    let thread = os_thread();
                    for round in 0..50 {
                        match (round + n) % 3 {
                            0 => task::yield_now(),
                            1 => task::sleep(Duration::from_micros(50)),
                            _ => common::park_until_woken(),
                        }
                        assert_eq!(os_thread(), thread);
                    }
                })
            })
            .collect();
        locked.into_iter().for_each(join);
        noise.into_iter().for_each(join);
    });
}

#[test]
fn nobody_else_runs_there() {
    for workers in [1, 2, 8] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = build(Mode::Migrating, workers);
        let stop = Arc::new(AtomicBool::new(false));
        let locked = {
            let stop = stop.clone();
            rt.spawn(move || {
                let _guard = task::lock_thread();
                while !stop.load(Ordering::Relaxed) {
                    task::sleep(Duration::from_micros(200));
                }
                os_thread()
            })
        };
        wait_until(|| rt.metrics().parks > 0);
        let others: Vec<_> = (0..50)
            .map(|_| {
                rt.spawn(|| {
                    (0..20)
                        .map(|_| {
                            task::yield_now();
                            os_thread()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let seen: Vec<_> = others.into_iter().flat_map(join).collect();
        stop.store(true, Ordering::Relaxed);
        let thread = join(locked);
        assert!(!seen.contains(&thread), "{workers} workers");
    }
}

#[test]
fn guards_nest_and_end_with_the_task() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let first = task::lock_thread();
            let thread = os_thread();
            let second = task::lock_thread();
            drop(first); // not in order
            task::yield_now();
            assert_eq!(os_thread(), thread);
            drop(second);
            for _ in 0..100 {
                task::yield_now();
            }
            let leaky = spawn(|| {
                std::mem::forget(task::lock_thread());
                task::yield_now();
            });
            join(leaky);
            // All workers work as before.
            let tasks: Vec<_> = (0..50).map(|n| spawn(move || n)).collect();
            assert_eq!(tasks.into_iter().map(join).sum::<i32>(), 49 * 25);
        });
    });
}

#[test]
fn a_locked_task_that_blocks_its_thread_stops_nobody() {
    // Go: TestBlockLocked, and the test of LockOSThread beside a busy loop.
    for workers in [1, 2] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = build(Mode::Migrating, workers);
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let locked: Vec<_> = {
            let blocked = Arc::new(std::sync::Mutex::new(blocked));
            (0..3)
                .map(|_| {
                    let blocked = blocked.clone();
                    rt.spawn(move || {
                        let _guard = task::lock_thread();
                        let _ = blocked.lock().unwrap().recv();
                    })
                })
                .collect()
        };
        let count = Arc::new(AtomicUsize::new(0));
        let others: Vec<_> = (0..20)
            .map(|_| {
                let count = count.clone();
                rt.spawn(move || {
                    for _ in 0..10 {
                        task::sleep(Duration::from_micros(100));
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        wait_until(|| count.load(Ordering::Relaxed) == 20);
        drop(release);
        locked.into_iter().chain(others).for_each(join);
    }
}

#[test]
fn a_locked_task_that_only_yields_stops_nobody() {
    // Go: TestYieldLockedProgress.
    for workers in [1, 2] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = build(Mode::Migrating, workers);
        rt.run(|| {
            let _guard = task::lock_thread();
            let others: Vec<_> = (0..20).map(|_| midge::spawn(task::yield_now)).collect();
            while !others.iter().all(|other| other.is_finished()) {
                task::yield_now();
            }
            others.into_iter().for_each(join);
        });
    }
}

/// Those who have begun in the window of a locked task go on there as well.
#[test]
fn a_locked_task_that_only_yields_leaves_its_window_to_others() {
    const OTHERS: usize = 8;
    let _watchdog = Watchdog::new("tasks in one window".into());
    let mut builder = common::builder();
    let rt = common::try_build(Mode::Migrating, builder.workers(1).windows(1)).unwrap();
    let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let others: Vec<_> = (0..OTHERS)
        .map(|_| {
            let (begun, done) = (begun.clone(), done.clone());
            rt.spawn(move || {
                begun.fetch_add(1, Ordering::Relaxed);
                task::park();
                (0..10).for_each(|_| task::yield_now());
                done.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    let count = begun.clone();
    let locked = rt.spawn(move || {
        count.fetch_add(1, Ordering::Relaxed);
        task::park();
        let _guard = task::lock_thread();
        while done.load(Ordering::Relaxed) < OTHERS {
            (0..10_000).for_each(|_| std::hint::spin_loop()); // some 100 us
            task::yield_now();
        }
    });
    wait_until(|| begun.load(Ordering::Relaxed) == OTHERS + 1);
    locked.task().unpark();
    others.iter().for_each(|other| other.task().unpark());
    others.into_iter().for_each(join);
    join(locked);
}

#[test]
fn on_an_ordinary_thread_it_does_nothing() {
    let guard = task::lock_thread();
    drop((guard, task::lock_thread()));
}

#[test]
fn a_task_that_unwinds_has_the_panic_to_itself() {
    struct Sends(midge::chan::Sender<bool>);
    impl Drop for Sends {
        fn drop(&mut self) {
            for _ in 0..10 {
                self.0.send(std::thread::panicking()).unwrap();
                task::yield_now();
                assert!(std::thread::panicking());
            }
        }
    }
    if cfg!(panic = "abort") {
        return;
    }
    std::panic::set_hook(Box::new(|_| ()));
    for &workers in WORKERS {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = build(Mode::Migrating, workers);
        let (s, r) = midge::chan::bounded(0);
        let unwinding: Vec<_> = (0..8)
            .map(|n| {
                let sends = Sends(s.clone());
                rt.spawn(move || {
                    let _sends = sends;
                    if n % 2 == 0 {
                        panic!("on purpose");
                    }
                    task::current();
                    std::panic::resume_unwind(Box::new("quietly"));
                })
            })
            .collect();
        drop(s);
        let calm: Vec<_> = (0..20)
            .map(|_| {
                rt.spawn(|| {
                    for _ in 0..100 {
                        assert!(!std::thread::panicking());
                        task::yield_now();
                    }
                })
            })
            .collect();
        let receiver = rt.spawn(move || {
            let mut count = 0;
            for panicking in r {
                assert!(panicking && !std::thread::panicking());
                count += 1;
            }
            count
        });
        calm.into_iter().for_each(join);
        assert!(unwinding.into_iter().all(|task| task.join().is_err()));
        assert_eq!(join(receiver), 80);
    }
}
