//! Promise: one holder of a window at a time, who sees what the last one left; no waiter is lost;
//! waiters come off in the order they went on.
//!
//! The window's contents and what a task left behind when it was saved are loom cells: two accesses
//! to one of them that nothing orders fail a model.

use crate::source_ownership::{Asked, Ownership, Waiter, Waiters};
use crate::{check, check_bounded, join_all};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;
use std::collections::VecDeque;
use std::ptr::{self, NonNull};

struct Task {
    waiter: Waiter,
    /// How often it was handled. Only who has the task in hand touches it.
    saved: UnsafeCell<usize>,
}

impl Task {
    fn touch(&self) {
        // SAFETY: loom checks that no two threads do this at once.
        self.saved.with_mut(|saved| unsafe { *saved += 1 });
    }
}

struct Model {
    ownership: Ownership,
    /// The tasks that ran, in order. Only the window's holder touches it.
    contents: UnsafeCell<Vec<usize>>,
    tasks: Vec<Task>,
    /// See [`turn`](Model::turn).
    turns: AtomicUsize,
}

impl Model {
    /// A held window and some tasks.
    fn new(tasks: usize) -> Arc<Model> {
        let task = |_| Task { waiter: Waiter::new(), saved: UnsafeCell::new(0) };
        Arc::new(Model {
            ownership: Ownership::new_held(),
            contents: UnsafeCell::new(Vec::new()),
            tasks: (0..tasks).map(task).collect(),
            turns: AtomicUsize::new(0),
        })
    }

    /// A free window and some tasks.
    fn new_free(tasks: usize) -> Arc<Model> {
        let model = Model::new(tasks);
        assert!(model.ownership.release().next().is_none());
        model
    }

    /// Loom tries the two threads that call this in every order. It needs that where one of them
    /// only loads the word and the other loads it before it writes: loom then forgets about the
    /// first load. Relaxed: it orders nothing.
    fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    fn ask(&self, task: usize) -> Asked {
        self.tasks[task].touch();
        // SAFETY: the task is in the caller's hands, so on no list; tasks live as long as the
        // model.
        unsafe { self.ownership.acquire_or_wait(NonNull::from(&self.tasks[task].waiter)) }
    }

    /// The tasks behind the waiters, which are the caller's now.
    fn handed_out(&self, waiters: Waiters) -> Vec<usize> {
        let number = |waiter: NonNull<Waiter>| {
            let is_it = |task: &Task| ptr::eq(&task.waiter, waiter.as_ptr());
            let number = self.tasks.iter().position(is_it).unwrap();
            self.tasks[number].touch();
            number
        };
        waiters.map(number).collect()
    }

    fn contents<R>(&self, f: impl FnOnce(&mut Vec<usize>) -> R) -> R {
        // SAFETY: loom checks that no two threads do this at once.
        self.contents.with_mut(|contents| f(unsafe { &mut *contents }))
    }

    /// What a worker does with its ready tasks: each runs when it gets the window; who waited when
    /// it leaves is ready then.
    fn run(&self, task: usize) {
        let mut ready = VecDeque::from([task]);
        while let Some(task) = ready.pop_front() {
            if self.ask(task) == Asked::Acquired {
                self.contents(|contents| contents.push(task));
                ready.extend(self.handed_out(self.ownership.release()));
            }
        }
    }

    /// To be called when all threads have ended: the window is free, and nobody waits for it.
    fn assert_free(&self) {
        assert!(self.ownership.try_acquire(), "the window is held by nobody");
        assert!(self.ownership.release().next().is_none(), "a waiter was left behind");
    }
}

/// Fails with, in `acquire_or_wait`, Relaxed for the Acquire or for the Release; in `release`,
/// Acquire, Release or Relaxed for AcqRel, or a load of the list and a store of FREE in place of
/// the swap.
#[test]
fn contenders_exclude_each_other_and_none_is_lost() {
    check_bounded(3, || {
        let model = Model::new_free(3);
        let threads = [1, 2].map(|task| {
            let model = Arc::clone(&model);
            thread::spawn(move || model.run(task))
        });
        model.run(0);
        join_all(threads);
        let mut ran = model.contents(|contents| contents.clone());
        ran.sort_unstable();
        assert_eq!(ran, [0, 1, 2]);
        model.assert_free();
    });
}

/// A holder lets the waiters have a turn while it keeps the window, and then gives it up, while a
/// thread with two tasks comes. Each task is acquired for, or handed out once; the first is not
/// handed out after the second.
///
/// Fails with, in `take_waiters`, Relaxed for the Acquire, or FREE swapped in; in
/// `acquire_or_wait`, Relaxed for the Acquire or for the Release; in `release`, what is named
/// above; in `Waiters::new`, the list not turned round.
#[test]
fn waiters_are_handed_out_once_and_in_order() {
    check(|| {
        let model = Model::new(2);
        let comer = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let mut handled = Vec::new();
                for task in [0, 1] {
                    if model.ask(task) == Asked::Acquired {
                        model.contents(|contents| contents.push(task));
                        handled.push(task);
                        handled.extend(model.handed_out(model.ownership.release()));
                    }
                    model.turn();
                }
                handled
            })
        };
        model.turn();
        model.contents(|contents| assert!(contents.is_empty()));
        let mut handled = model.handed_out(model.ownership.take_waiters());
        model.turn();
        model.contents(|contents| assert!(contents.is_empty(), "we still hold it"));
        handled.extend(model.handed_out(model.ownership.release()));
        // What came too late to wait for us got the window itself.
        handled.extend(comer.join().unwrap());
        assert_eq!(handled, [0, 1]);
        model.assert_free();
    });
}

/// Choosing a window for a fresh task takes it only if it is free, and may give it up again.
///
/// Fails with, in `try_acquire`, Relaxed for the Acquire; and with the breakages that make the
/// first model fail.
#[test]
fn trying_excludes_like_waiting() {
    check(|| {
        let model = Model::new_free(3);
        let waiting = {
            let model = Arc::clone(&model);
            thread::spawn(move || model.run(0))
        };
        let mut tried = 0;
        for task in [1, 2] {
            if model.ownership.try_acquire() {
                tried += 1;
                model.contents(|contents| contents.push(task));
                for waiter in model.handed_out(model.ownership.release()) {
                    model.run(waiter);
                }
            }
        }
        waiting.join().unwrap();
        model.contents(|contents| {
            assert_eq!(contents.len(), 1 + tried);
            assert_eq!(contents.iter().filter(|task| **task == 0).count(), 1);
        });
        model.assert_free();
    });
}
