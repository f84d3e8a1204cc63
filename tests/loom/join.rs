//! Promise: who joins a task is either told that it is done or is woken by it, and then has the
//! result; the result is dropped by exactly one, the joiner, the handle or the task.

use crate::check;
use crate::parker::Parker;
use crate::source_state::{State, WakeJoiner};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

struct Task {
    state: State,
    result: UnsafeCell<Option<usize>>,
    /// Where the joiner leaves who is to be woken.
    joiner: UnsafeCell<Option<Arc<Parker>>>,
    /// How often the result was taken or dropped. Relaxed: it is read when all threads have ended.
    results_gone: AtomicUsize,
    joiners_woken: AtomicUsize,
}

impl Task {
    fn new() -> Arc<Task> {
        Arc::new(Task {
            state: State::new(),
            result: UnsafeCell::new(None),
            joiner: UnsafeCell::new(None),
            results_gone: AtomicUsize::new(0),
            joiners_woken: AtomicUsize::new(0),
        })
    }

    fn take_result(&self) {
        // SAFETY: loom checks that no other thread is at it.
        let result = self.result.with_mut(|result| unsafe { (*result).take() });
        assert_eq!(result, Some(7), "the result is not there");
        self.results_gone.fetch_add(1, Ordering::Relaxed);
    }

    fn take_joiner(&self) -> Arc<Parker> {
        // SAFETY: loom checks that no other thread is at it.
        let joiner = self.joiner.with_mut(|joiner| unsafe { (*joiner).take() });
        joiner.expect("the slot is empty")
    }

    /// The end of the task, as in `sched::unwind`.
    fn end(&self) {
        // SAFETY: loom checks that no other thread is at it.
        self.result.with_mut(|result| unsafe { *result = Some(7) });
        match self.state.complete() {
            Some(WakeJoiner(true)) => {
                self.joiners_woken.fetch_add(1, Ordering::Relaxed);
                self.take_joiner().unpark();
            }
            Some(WakeJoiner(false)) => {}
            None => {
                self.take_result();
                self.state.complete_detached();
            }
        }
    }

    /// As `JoinHandle::join`. Returns whether it was to be woken.
    fn join(&self) -> bool {
        let mut registered = false;
        if !self.state.is_done() {
            let parker = Arc::new(Parker::new());
            // SAFETY: loom checks that the task does not look at the slot yet.
            self.joiner.with_mut(|joiner| unsafe { *joiner = Some(Arc::clone(&parker)) });
            registered = self.state.register_joiner();
            if registered {
                while !self.state.is_done() {
                    parker.park();
                }
            } else {
                drop(self.take_joiner());
            }
        }
        self.take_result();
        registered
    }
}

fn start_task(task: &Arc<Task>) -> thread::JoinHandle<()> {
    let task = Arc::clone(task);
    thread::spawn(move || task.end())
}

/// Fails with Relaxed, Acquire or Release for AcqRel in `complete` or in `register_joiner`; Relaxed
/// for the Acquire in `is_done`; either of the first two as a load and a store.
#[test]
fn a_joiner_is_told_or_woken_and_gets_the_result() {
    check(|| {
        let task = Task::new();
        let running = start_task(&task);
        let registered = task.join();
        running.join().unwrap();
        let woken = task.joiners_woken.load(Ordering::Relaxed);
        assert_eq!(woken, usize::from(registered));
        assert_eq!(task.results_gone.load(Ordering::Relaxed), 1);
    });
}

/// Fails with Relaxed or Acquire for AcqRel in `complete`; Relaxed or Release for it in
/// `drop_handle`; either of them as a load and a store.
#[test]
fn a_detached_tasks_result_is_dropped_once() {
    check(|| {
        let task = Task::new();
        let running = start_task(&task);
        if task.state.drop_handle() {
            task.take_result();
        }
        running.join().unwrap();
        assert_eq!(task.results_gone.load(Ordering::Relaxed), 1);
    });
}
