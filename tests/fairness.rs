//! Promise: no ready task is shut out by others that are always ready, too: not by a pair that
//! wakes each other, not by tasks that yield in a loop; wherever it was queued. And those woken
//! on one processor run in the order in which they were woken, after the last one.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use common::{for_each_mode, join, repeated, rounds, stressed, wait_until};
use midge::chan::{bounded, Receiver, Sender};
use midge::{spawn, task, JoinHandle};

/// Go: `runqput` puts the one woken last into `runnext`, ahead of the queue (`runtime/proc.go`).
#[test]
fn woken_tasks_run_in_order_after_the_last_one() {
    const TASKS: usize = 100;
    if stressed() {
        return; // it yields at random
    }
    for_each_mode(&[1], |rt, _| {
        let order = Arc::new(Mutex::new(Vec::new()));
        rt.run(|| {
            let parked = Arc::new(AtomicUsize::new(0));
            let tasks: Vec<_> = (0..TASKS)
                .map(|n| {
                    let (order, parked) = (order.clone(), parked.clone());
                    spawn(move || {
                        parked.fetch_add(1, Ordering::SeqCst);
                        task::park();
                        order.lock().unwrap().push(n);
                    })
                })
                .collect();
            wait_until(|| parked.load(Ordering::SeqCst) == TASKS);
            task::yield_now(); // the last of them has parked, too
            tasks.iter().for_each(|task| task.task().unpark());
            tasks.into_iter().for_each(join);
        });
        let expected: Vec<_> = [TASKS - 1].into_iter().chain(0..TASKS - 1).collect();
        assert_eq!(*order.lock().unwrap(), expected);
    });
}

/// Keeps all workers busy until it is stopped.
struct Busy {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Busy {
    fn yielding(count: usize) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let one = |stop: Arc<AtomicBool>| {
            spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    task::yield_now();
                }
            })
        };
        Busy { tasks: (0..count).map(|_| one(stop.clone())).collect(), stop }
    }

    /// Pairs that hand each other a message all the time, so that one of each is always the one
    /// woken last.
    fn pairs(count: usize) -> Busy {
        let stop = Arc::new(AtomicBool::new(false));
        let side = |to: Sender<()>, from: Receiver<()>, stop: Option<Arc<AtomicBool>>| {
            spawn(move || {
                let stopped = || stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed));
                while !stopped() && from.recv().is_ok() && to.send(()).is_ok() {}
            })
        };
        let pair = |stop: Arc<AtomicBool>| {
            let ((to, there), (back, here)) = (bounded(1), bounded(1));
            to.send(()).unwrap();
            [side(to, here, Some(stop)), side(back, there, None)]
        };
        Busy { tasks: (0..count).flat_map(|_| pair(stop.clone())).collect(), stop }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.into_iter().for_each(join);
    }
}

fn beside_busy_tasks(check: impl Fn(&midge::Runtime)) {
    for busy in [Busy::yielding, Busy::pairs] {
        for_each_mode(&[1, 2], |rt, _| {
            let busy = join(rt.spawn(move || busy(4)));
            check(rt);
            busy.end();
        });
    }
}

#[test]
fn tasks_from_outside_start() {
    beside_busy_tasks(|rt| {
        for n in 0..rounds(200, 50) {
            assert_eq!(join(rt.spawn(move || n)), n);
        }
    });
}

#[test]
fn tasks_woken_from_outside_go_on() {
    beside_busy_tasks(|rt| {
        let (ask, asked) = bounded(0);
        let (answer, answers) = bounded(0);
        let task = rt.spawn(move || asked.iter().for_each(|n| answer.send(n).unwrap()));
        for n in 0..rounds(200, 50) {
            ask.send(n).unwrap();
            assert_eq!(answers.recv(), Ok(n));
        }
        drop(ask);
        join(task);
    });
}

#[test]
fn fresh_and_yielding_tasks_get_their_turn() {
    beside_busy_tasks(|rt| {
        rt.run(|| {
            for _ in 0..rounds(100, 20) {
                join(spawn(|| (0..10).for_each(|_| task::yield_now())));
            }
        });
    });
}

/// Those who only wait in the queue are not overtaken for ever by a chain of tasks each of which
/// wakes the next: the run-next slot is passed on, and still the queue gets its turn. (Go: the slot
/// inherits the time slice.)
#[test]
fn a_chain_of_wake_ups_does_not_hold_up_the_queue() {
    const RING: usize = 8;
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| {
            let stop = Arc::new(AtomicBool::new(false));
            let links: Vec<_> = (0..RING).map(|_| bounded::<()>(1)).collect();
            let ring: Vec<_> = (0..RING)
                .map(|n| {
                    let (from, to) = (links[n].1.clone(), links[(n + 1) % RING].0.clone());
                    let stop = stop.clone();
                    spawn(move || {
                        while from.recv().is_ok() {
                            let over = stop.load(Ordering::Relaxed);
                            let _ = to.send(());
                            if over {
                                return;
                            }
                        }
                    })
                })
                .collect();
            links[0].0.send(()).unwrap();
            drop(links);
            for _ in 0..rounds(200, 50) {
                join(spawn(task::yield_now));
            }
            stop.store(true, Ordering::Relaxed);
            ring.into_iter().for_each(join);
        });
    });
}

/// Nobody suspends `main`, and nobody needs to: what it spawns waits, or runs elsewhere.
#[test]
fn a_million_tasks_while_main_computes() {
    let tasks = repeated(rounds(1_000_000, 100_000));
    for_each_mode(&[1, 2], |rt, _| {
        let done = Arc::new(AtomicUsize::new(0));
        let sum = rt.run(|| {
            let mut sum = 0u64;
            for n in 0..tasks as u64 {
                let done = done.clone();
                drop(spawn(move || {
                    done.fetch_add(1, Ordering::Relaxed);
                }));
                sum = sum.wrapping_mul(31).wrapping_add(n);
            }
            sum
        });
        let expected = (0..tasks as u64).fold(0u64, |sum, n| sum.wrapping_mul(31).wrapping_add(n));
        assert_eq!(sum, expected);
        wait_until(|| done.load(Ordering::Relaxed) == tasks);
        wait_until(|| rt.metrics().tasks_live == 0);
    });
}
