//! Promise: one holder of a window at a time, also where a task was paused in it and comes back; and
//! nobody who waits, or claims the window, is forgotten.

use crate::atomic::time_passes;
use crate::source_ownership::{Asked, Handed, Ownership, Waiter, Waiters};
use crate::source_turns::Turns;
use crate::{check_bounded, join_all};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use std::ptr::{self, NonNull};

struct Model {
    ownership: Ownership,
    turns: Turns,
    handed: Handed,
    /// Only the window's holder touches it.
    contents: UnsafeCell<usize>,
    waiters: Vec<Waiter>,
}

// SAFETY: the cells in it are the holder's, and loom watches `contents` in their stead.
unsafe impl Sync for Model {}
// SAFETY: as above.
unsafe impl Send for Model {}

impl Model {
    /// A held window, and so many tasks.
    fn new(tasks: usize) -> Arc<Model> {
        Arc::new(Model {
            ownership: Ownership::new_held(),
            turns: Turns::new(),
            handed: Handed::new(),
            contents: UnsafeCell::new(0),
            waiters: (0..tasks).map(|_| Waiter::new()).collect(),
        })
    }

    /// Somebody stands on the window.
    fn stand(&self) {
        // SAFETY: loom checks that no two threads do this at once.
        self.contents.with_mut(|contents| unsafe { *contents += 1 });
    }

    /// A task comes to its end, and others that have waited for it, too.
    fn run(&self, task: usize) {
        let mut ready = vec![task];
        while let Some(task) = ready.pop() {
            // SAFETY: on no list; it lives as long as the model.
            let asked =
                unsafe { self.ownership.acquire_or_wait(NonNull::from(&self.waiters[task])) };
            if asked == Asked::Acquired {
                self.stand();
                self.leave(&mut ready);
            }
        }
    }

    /// What a worker does that leaves the window.
    fn leave(&self, ready: &mut Vec<usize>) {
        self.turns.end_turn();
        let waiters = self.turns.give_up(&self.ownership, 0);
        time_passes();
        self.note(waiters, ready);
    }

    fn note(&self, waiters: Waiters, ready: &mut Vec<usize>) {
        let number = |waiter: NonNull<Waiter>| {
            self.waiters.iter().position(|one| ptr::eq(one, waiter.as_ptr())).unwrap()
        };
        ready.extend(waiters.map(number));
    }

    /// What a holder does that is interrupted by the signal, and what it does when it is back.
    fn pause(&self) {
        self.stand();
        self.turns.go_away(&self.ownership, 0);
        self.handed.put(self.turns.give_up(&self.ownership, 0));
        time_passes();
        self.turns.come_back(&self.ownership, || 0);
        self.stand();
        let mut ready = Vec::new();
        self.leave(&mut ready);
        ready.into_iter().for_each(|task| self.run(task));
    }

    /// What the monitor does.
    fn monitor(&self) {
        let mut ready = Vec::new();
        self.note(self.handed.take(), &mut ready);
        ready.into_iter().for_each(|task| self.run(task));
    }

    /// To be called when all threads have ended, with how often somebody should have stood there.
    fn assert_over(&self, stood: usize) {
        self.monitor();
        assert!(self.ownership.try_acquire(), "the window is held by nobody");
        assert!(self.ownership.release().next().is_none(), "a waiter was left behind");
        assert!(!self.turns.anybody_away());
        // SAFETY: all other threads have ended.
        self.contents.with_mut(|contents| assert_eq!(unsafe { *contents }, stood));
    }
}

/// A task is paused, and two others want its window, while the monitor looks.
///
/// Fails with, in `come_back`, Relaxed for the Acquire, or a load for the swap; in `give_up`, Relaxed
/// for the Release, or the window released as well as granted; in `Handed`, Relaxed for the Release or
/// for the Acquire.
#[test]
fn one_that_was_paused_and_others_take_turns() {
    check_bounded(2, || {
        let model = Model::new(2);
        let tasks = [0, 1].map(|task| {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                model.run(task);
                model.monitor();
            })
        });
        model.pause();
        join_all(tasks);
        model.assert_over(4);
    });
}

/// Two are paused one after the other, and both come back.
///
/// Fails with what makes the first model fail, and without the store to `served`.
#[test]
fn two_that_were_paused_both_come_back() {
    check_bounded(3, || {
        let model = Model::new(1);
        let other = {
            let model = Arc::clone(&model);
            thread::spawn(move || {
                let comes = model.ownership.try_acquire();
                if comes {
                    model.pause();
                }
                comes
            })
        };
        model.pause();
        let comes = other.join().unwrap();
        model.assert_over(if comes { 4 } else { 2 });
    });
}
