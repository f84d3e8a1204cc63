//! Promise: a task that suspends in a destructor, while it unwinds, holds up nobody on its thread
//! for good: neighbours are cancelled, started and scheduled as ever.
#![cfg(panic = "unwind")]

mod common;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, park_until_woken, wait_until, Tally};
use midge::{task, JoinHandle};

const WORKERS: &[usize] = &[1, 2, 4];

/// Ends its task when it goes, and waits for that.
struct EndsChild(Option<JoinHandle<()>>);

impl Drop for EndsChild {
    fn drop(&mut self) {
        let child = self.0.take().expect("dropped once");
        child.cancel();
        assert!(child.join().is_err());
    }
}

fn parent_and_child(tally: &Tally) -> JoinHandle<()> {
    let (parents, childrens) = (tally.guard(), tally.guard());
    midge::spawn(move || {
        let _parents = parents;
        let child = midge::spawn(move || {
            let _childrens = childrens;
            loop {
                task::park();
            }
        });
        let _ends = EndsChild(Some(child));
        loop {
            task::park();
        }
    })
}

#[test]
fn a_cancelled_parent_cancels_and_joins_its_child() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        rt.run(|| {
            let parents: Vec<_> = (0..20).map(|_| parent_and_child(&tally)).collect();
            (0..5).for_each(|_| task::yield_now());
            parents.iter().for_each(JoinHandle::cancel);
            for parent in parents {
                assert!(parent.join().unwrap_err().is::<task::Cancelled>());
            }
        });
        wait_until(|| tally.count() == 40);
    });
}

#[test]
fn so_does_the_drop_of_the_runtime() {
    let tally = Tally::default();
    let mut expected = 0;
    let modes = std::cell::Cell::new(0);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            (0..20).for_each(|_| drop(parent_and_child(&tally)));
            (0..5).for_each(|_| task::yield_now());
        });
        modes.set(modes.get() + 1);
    });
    expected += modes.get() * 40;
    assert_eq!(tally.count(), expected);
}

#[test]
fn neighbours_that_yield_do_not_shut_out_a_fresh_task() {
    struct WaitsForFresh;
    impl Drop for WaitsForFresh {
        fn drop(&mut self) {
            park_until_woken(); // by a task that it spawns
        }
    }
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let done = Arc::new(AtomicBool::new(false));
            let unwinding: Vec<_> = (0..8)
                .map(|_| {
                    midge::spawn(|| {
                        let _waits = WaitsForFresh;
                        resume_unwind(Box::new(1));
                    })
                })
                .collect();
            let yielding: Vec<_> = (0..8)
                .map(|_| {
                    let done = done.clone();
                    midge::spawn(move || {
                        while !done.load(Ordering::SeqCst) {
                            task::yield_now();
                        }
                    })
                })
                .collect();
            for task in unwinding {
                assert_eq!(*task.join().unwrap_err().downcast_ref::<i32>().unwrap(), 1);
            }
            done.store(true, Ordering::SeqCst);
            yielding.into_iter().for_each(join);
        });
    });
}

#[test]
fn a_cancelled_joiner_leaves_nothing_in_the_slot() {
    const ROUNDS: usize = 100_000;
    let rt = midge::Runtime::builder().workers(1).build_pinned().unwrap();
    rt.run(|| {
        let round = || {
            let stop = Arc::new(AtomicBool::new(false));
            let seen = stop.clone();
            let waited_for = midge::spawn(move || {
                while !seen.load(Ordering::SeqCst) {
                    task::park();
                }
            });
            let waker = waited_for.task().clone();
            let joiner = midge::spawn(move || drop(waited_for.join()));
            task::yield_now();
            task::yield_now();
            joiner.cancel();
            drop(joiner.join());
            stop.store(true, Ordering::SeqCst);
            waker.unpark();
            task::yield_now();
        };
        (0..1000).for_each(|_| round());
        let before = midge::runtime::metrics().slab_bytes;
        (0..ROUNDS).for_each(|_| round());
        let grown = midge::runtime::metrics().slab_bytes.saturating_sub(before);
        // A task is at least 96 bytes. The other tests of this file use the same slabs.
        assert!(grown < 96 * ROUNDS as u64 / 2, "{grown} bytes more");
    });
}
