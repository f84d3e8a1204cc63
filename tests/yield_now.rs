//! Promise: `yield_now` lets every other runnable task have its turn. On one worker the turns go
//! round; on several, everybody goes forward.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds, stressed, wait_until, Mode};
use midge::task;

fn counters(count: usize) -> Arc<Vec<AtomicUsize>> {
    Arc::new((0..count).map(|_| AtomicUsize::new(0)).collect())
}

#[test]
fn turns_go_round_on_one_worker() {
    const TASKS: usize = 50;
    const TURNS: usize = 200;
    for_each_mode(&[1], |rt, mode| {
        let largest_lead = rt.run(|| {
            let (arrived, turns) = (Arc::new(AtomicUsize::new(0)), counters(TASKS));
            let handles: Vec<_> = (0..TASKS)
                .map(|place| {
                    let (arrived, turns) = (arrived.clone(), turns.clone());
                    midge::spawn(move || {
                        arrived.fetch_add(1, Ordering::SeqCst);
                        wait_until(|| arrived.load(Ordering::SeqCst) == TASKS);
                        let mut lead = 0;
                        for turn in 1..=TURNS {
                            turns[place].store(turn, Ordering::SeqCst);
                            let last = turns.iter().map(|t| t.load(Ordering::SeqCst)).min();
                            lead = lead.max(turn - last.unwrap());
                            task::yield_now();
                        }
                        lead
                    })
                })
                .collect();
            handles.into_iter().map(join).max().unwrap()
        });
        // Stress mode yields at random too, so that turns are lost there, and in the migrating
        // mode another thread may take over from a worker that is held up: there all must finish.
        if rt.workers() == 1 && mode != Mode::Migrating && !stressed() {
            assert!(largest_lead <= 3, "a task was {largest_lead} turns ahead of another");
        }
    });
}

#[test]
fn everybody_makes_progress() {
    const TASKS: usize = 40;
    let levels = rounds(100, 30);
    for_each_mode(&[1, 2, 8], |rt, _| {
        rt.run(|| {
            let reached = counters(TASKS);
            let handles: Vec<_> = (0..TASKS)
                .map(|place| {
                    let reached = reached.clone();
                    midge::spawn(move || {
                        for level in 1..=levels {
                            reached[place].store(level, Ordering::SeqCst);
                            // Only by yielding: nobody is parked, so all are always runnable.
                            wait_until(|| {
                                reached.iter().all(|other| other.load(Ordering::SeqCst) >= level)
                            });
                        }
                    })
                })
                .collect();
            handles.into_iter().for_each(join);
        });
    });
}

#[test]
fn a_yielding_loop_does_not_hold_up_fresh_or_woken_tasks() {
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| {
            let stop = Arc::new(AtomicUsize::new(0));
            let loops: Vec<_> = (0..4)
                .map(|_| {
                    let stop = stop.clone();
                    midge::spawn(move || wait_until(|| stop.load(Ordering::SeqCst) == 1))
                })
                .collect();
            for _ in 0..50 {
                let parked = midge::spawn(task::park);
                join(midge::spawn(|| ()));
                parked.task().unpark();
                join(parked);
            }
            stop.store(1, Ordering::SeqCst);
            loops.into_iter().for_each(join);
        });
    });
}

#[test]
fn yielding_is_harmless_when_nobody_waits_and_on_ordinary_threads() {
    task::yield_now();
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| (0..10_000).for_each(|_| task::yield_now()));
    });
}

/// A task that yields alone on its worker has nobody to go on with there. But others, woken elsewhere,
/// may wait for its window, and they are ready.
#[test]
fn a_lone_yielder_lets_those_go_on_who_wait_for_its_window() {
    const OTHERS: usize = 8;
    for _ in 0..rounds(100, 20) {
        let _watchdog = common::Watchdog::new("tasks that share two windows".into());
        let mut builder = common::builder();
        let rt = common::try_build(Mode::Migrating, builder.workers(2).windows(2)).unwrap();
        rt.run(|| {
            let state = counters(3);
            let [arrived, alone, done] = [0, 1, 2];
            let count = |what: usize| state[what].load(Ordering::SeqCst);
            let lone = state.clone();
            let lone = midge::spawn(move || {
                lone[arrived].fetch_add(1, Ordering::SeqCst);
                task::park();
                lone[alone].store(1, Ordering::SeqCst);
                wait_until(|| lone[done].load(Ordering::SeqCst) == OTHERS);
            });
            let others: Vec<_> = (0..OTHERS)
                .map(|_| {
                    let state = state.clone();
                    midge::spawn(move || {
                        state[arrived].fetch_add(1, Ordering::SeqCst);
                        task::park();
                        state[done].fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            wait_until(|| count(arrived) == OTHERS + 1);
            lone.task().unpark();
            // This worker is kept busy, so the other one takes it.
            while count(alone) == 0 {
                std::hint::spin_loop();
            }
            others.iter().for_each(|other| other.task().unpark());
            others.into_iter().for_each(join);
            join(lone);
        });
    }
}
