//! Follows `src/sync/cond_test.go`: `TestCondSignal`, `TestCondSignalGenerations`,
//! `TestCondBroadcast`, `TestRace` and `TestCondSignalStealing`.
//!
//! Go's `Wait` returns only when it has been notified; a `Condvar` may also return without, so
//! conditions are looked at again.

use crate::common::{join, rounds};
use crate::{go, spawn_waiting, yields};
use midge::chan::unbounded;
use midge::spawn;
use midge::sync::{Condvar, Mutex};
use std::sync::Arc;

/// How many may pass, or the number that may.
#[derive(Default)]
struct Gate {
    state: Mutex<usize>,
    changed: Condvar,
}

impl Gate {
    /// Waits for a pass and takes it.
    fn pass(&self) {
        let mut passes = self.state.lock();
        self.changed.wait_while(&mut passes, |passes| *passes == 0);
        *passes -= 1;
    }
}

#[test]
fn each_signal_lets_one_go() {
    const TASKS: usize = 5;
    go(|| {
        let gate = Arc::new(Gate::default());
        let (s, awake) = unbounded();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| (gate.clone(), s.clone()))
            .map(|(gate, s)| {
                spawn_waiting(move || {
                    gate.pass();
                    s.send(()).unwrap();
                })
            })
            .collect();
        for _ in 0..TASKS {
            yields(5);
            assert!(awake.is_empty(), "more are awake than there were signals");
            *gate.state.lock() += 1;
            gate.changed.notify_one();
            awake.recv().unwrap();
        }
        tasks.into_iter().for_each(join);
        assert!(!gate.changed.notify_one(), "nobody waits any more");
    });
}

/// Who waits longer is woken earlier: each signal, with a new one coming to wait.
#[test]
fn signals_go_out_in_the_order_of_arrival() {
    let count = rounds(100, 15);
    go(|| {
        let gate = Arc::new((Mutex::new(()), Condvar::new()));
        let (s, awake) = unbounded();
        let come = |number: usize| {
            let (theirs, s) = (gate.clone(), s.clone());
            let (arriving, arrived) = unbounded();
            let task = spawn(move || {
                let mut guard = theirs.0.lock();
                arriving.send(()).unwrap();
                theirs.1.wait(&mut guard);
                s.send(number).unwrap();
            });
            arrived.recv().unwrap();
            drop(gate.0.lock()); // it has let go of the mutex: it waits
            task
        };
        let mut tasks = vec![come(0)];
        for number in 1..=count {
            tasks.push(come(number));
            assert!(gate.1.notify_one());
            assert_eq!(awake.recv(), Ok(number - 1));
        }
        assert!(gate.1.notify_one());
        tasks.into_iter().for_each(join);
    });
}

#[test]
fn a_broadcast_wakes_all() {
    const TASKS: usize = 50;
    let generations = rounds(20, 4);
    go(|| {
        let gate = Arc::new(Gate::default());
        let (s, awake) = unbounded();
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| (gate.clone(), s.clone()))
            .map(|(gate, s)| {
                spawn(move || {
                    for generation in 1..=generations {
                        let mut state = gate.state.lock();
                        gate.changed.wait_while(&mut state, |now| *now < generation);
                        drop(state);
                        s.send(generation).unwrap();
                    }
                })
            })
            .collect();
        for generation in 1..=generations {
            *gate.state.lock() = generation;
            gate.changed.notify_all();
            (0..TASKS).for_each(|_| assert_eq!(awake.recv(), Ok(generation)));
        }
        tasks.into_iter().for_each(join);
        assert_eq!(gate.changed.notify_all(), 0);
    });
}

/// Three tasks take turns by one condition variable: none is lost when signals meet different
/// waiters.
#[test]
fn three_stages() {
    let count = rounds(100, 20);
    go(|| {
        for _ in 0..count {
            let gate = Arc::new(Gate::default());
            let stage = |from: usize| {
                let gate = gate.clone();
                spawn(move || {
                    let mut state = gate.state.lock();
                    gate.changed.wait_while(&mut state, |now| *now != from);
                    *state = from + 1;
                    gate.changed.notify_all();
                })
            };
            let tasks = [stage(2), stage(1), stage(0)];
            tasks.into_iter().for_each(join);
            assert_eq!(*gate.state.lock(), 3);
        }
    });
}

/// A signal is for who waits when it is given; one that comes later and waits for something else
/// cannot take it.
#[test]
fn a_late_comer_does_not_steal_a_signal() {
    let count = rounds(500, 50);
    go(|| {
        for _ in 0..count {
            let shared = Arc::new((Mutex::new(false), Condvar::new()));
            let early = shared.clone();
            let (s, waits) = unbounded();
            let early = spawn(move || {
                let mut guard = early.0.lock();
                s.send(()).unwrap(); // with the mutex: who locks it after this finds us waiting
                early.1.wait(&mut guard);
            });
            waits.recv().unwrap();
            drop(shared.0.lock());
            assert!(shared.1.notify_one());
            let late = shared.clone();
            let late = spawn(move || late.1.wait_while(&mut late.0.lock(), |done| !*done));
            join(early);
            *shared.0.lock() = true;
            shared.1.notify_all();
            join(late);
        }
    });
}
