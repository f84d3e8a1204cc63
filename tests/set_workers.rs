//! Promise: the number of workers changes while tasks run, and no task is lost.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{build, for_each_mode, join, os_thread, wait_until, Mode, Random, Watchdog};
use midge::{runtime, spawn, task};

#[test]
fn up_and_down_while_tasks_come_and_go() {
    for_each_mode(&[1, 2, 8], |rt, _| {
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicUsize::new(0));
        let spawners: Vec<_> = (0..4)
            .map(|_| {
                let (stop, done) = (stop.clone(), done.clone());
                rt.spawn(move || {
                    let mut spawned = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let done = done.clone();
                        let child = spawn(move || {
                            task::yield_now();
                            done.fetch_add(1, Ordering::Relaxed);
                        });
                        spawned += 1;
                        if spawned % 8 == 0 {
                            join(child);
                        }
                        task::yield_now();
                    }
                    spawned
                })
            })
            .collect();
        let mut random = Random::new(7);
        for _ in 0..50 {
            let before = rt.workers();
            let workers = 1 + random.below(8);
            assert_eq!(rt.set_workers(workers), before);
            assert_eq!(rt.workers(), workers);
            // Under each number something happens.
            let now = done.load(Ordering::Relaxed);
            wait_until(|| done.load(Ordering::Relaxed) > now);
        }
        stop.store(true, Ordering::Relaxed);
        let spawned = spawners.into_iter().map(join).sum();
        wait_until(|| done.load(Ordering::Relaxed) == spawned);
    });
}

#[test]
fn from_several_threads_at_once() {
    for _ in 0..20 {
        let rt = build(Mode::Pinned, 2);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let down = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    rt.set_workers(1);
                }
            });
            (0..20).for_each(|_| _ = rt.set_workers(32));
            done.store(true, Ordering::Relaxed);
            down.join().expect("no number of workers panics");
        });
        join(rt.spawn(|| ()));
    }
}

#[test]
fn more_workers_run_more_at_a_time() {
    for_each_mode(&[1], |rt, _| {
        assert_eq!(rt.run(|| runtime::set_workers(4)), 1);
        // Each waits, without suspending, until all four run: on four threads.
        let running = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let running = running.clone();
                rt.spawn(move || {
                    running.fetch_add(1, Ordering::Relaxed);
                    wait_on_the_thread(|| running.load(Ordering::Relaxed) == 4);
                    os_thread()
                })
            })
            .collect();
        let threads: HashSet<_> = tasks.into_iter().map(join).collect();
        assert_eq!(threads.len(), 4);
    });
}

#[test]
fn fewer_workers_run_fewer_at_a_time() {
    let _watchdog = Watchdog::new("fewer workers".to_string());
    let rt = build(Mode::Migrating, 4);
    // All four work, and are then told.
    let stop = Arc::new(AtomicBool::new(false));
    let busy: Vec<_> = (0..16)
        .map(|_| {
            let stop = stop.clone();
            rt.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    task::yield_now();
                }
            })
        })
        .collect();
    rt.set_workers(1);
    // In the end all that run in a while do so on one thread. (The monitor calls others if this
    // thread is held up for long, so it may take a few rounds.)
    let seen_in_a_round = || {
        let looks: Vec<_> = (0..20)
            .map(|_| {
                rt.spawn(|| {
                    task::yield_now();
                    os_thread()
                })
            })
            .collect();
        looks.into_iter().map(join).collect::<HashSet<_>>().len()
    };
    wait_until(|| seen_in_a_round() == 1);
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(join);
}

#[test]
#[should_panic(expected = "a runtime needs at least 1 worker, not 0")]
fn none_is_too_few() {
    build(Mode::Pinned, 1).set_workers(0);
}

/// Holds up the thread until the condition is true.
fn wait_on_the_thread(condition: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + common::PATIENCE;
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "not in {:?}", common::PATIENCE);
        std::thread::yield_now();
    }
}
