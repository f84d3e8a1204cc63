//! Promise: one holder of a window at a time, who sees what the last one left; no waiter is lost; waiters come
//! off in the order they went on.
//!
//! The window's contents and what a task left behind when it was saved are loom cells: two accesses to one
//! of them that nothing orders fail a model.

use crate::source_ownership::{Asked, Ownership, Waiter, Waiters};
use crate::{check, check_bounded, join_all};
use loom::cell::UnsafeCell;
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
}

impl Model {
    /// A held window and some tasks.
    fn new(tasks: usize) -> Arc<Model> {
        let task = |_| Task { waiter: Waiter::new(), saved: UnsafeCell::new(0) };
        Arc::new(Model {
            ownership: Ownership::new_held(),
            contents: UnsafeCell::new(Vec::new()),
            tasks: (0..tasks).map(task).collect(),
        })
    }

    /// A free window and some tasks.
    fn new_free(tasks: usize) -> Arc<Model> {
        let model = Model::new(tasks);
        assert!(model.ownership.release().next().is_none());
        model
    }

    fn ask(&self, task: usize) -> Asked {
        self.tasks[task].touch();
        // SAFETY: the task is in the caller's hands, so on no list; tasks live as long as the model.
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

    /// What a worker does with its ready tasks: each runs when it gets the window; who waited when it leaves is
    /// ready then.
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

/// Fails with, in `acquire_or_wait`, Relaxed for the Acquire or for the Release; in `release`, Acquire, Release or
/// Relaxed for AcqRel, or a load of the list and a store of FREE in place of the swap.
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

/// A holder lets the waiters have a turn while it keeps the window, and then gives it up, while others come:
/// one with two tasks, one with one. Each task is acquired for, or handed out once; one thread's tasks
/// come in its order.
///
/// Fails with, in `take_waiters`, Relaxed for the Acquire, or FREE swapped in; in `acquire_or_wait`, Relaxed for
/// the Release; in `release`, Release or Relaxed for AcqRel; in `Waiters::new`, the list not turned round.
#[test]
fn waiters_are_handed_out_once_and_in_order() {
    check_bounded(3, || {
        let model = Model::new(3);
        let comers = [vec![0, 1], vec![2]].map(|tasks| {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let mut handled = Vec::new();
                for task in tasks {
                    if model.ask(task) == Asked::Acquired {
                        model.contents(|contents| contents.push(task));
                        handled.push(task);
                        handled.extend(model.handed_out(model.ownership.release()));
                    }
                }
                handled
            })
        });
        model.contents(|contents| assert!(contents.is_empty()));
        let mut handled = model.handed_out(model.ownership.take_waiters());
        model.contents(|contents| assert!(contents.is_empty(), "we still hold it"));
        handled.extend(model.handed_out(model.ownership.release()));

        let place = |list: &[usize], task| list.iter().position(|other| *other == task);
        let check_order = |list: &[usize]| {
            if let (Some(first), Some(second)) = (place(list, 0), place(list, 1)) {
                assert!(first < second, "the younger waiter came first: {list:?}");
            }
        };
        check_order(&handled);
        for comer in comers {
            let more = comer.join().unwrap();
            check_order(&more);
            handled.extend(more);
        }
        handled.sort_unstable();
        assert_eq!(handled, [0, 1, 2]);
        model.assert_free();
    });
}

/// Choosing a window for a fresh task takes it only if it is free, and may give it up again.
///
/// Fails with, in `try_acquire`, Relaxed for the Acquire; in `release`, Acquire or Relaxed for AcqRel.
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
