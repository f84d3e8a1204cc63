//! Promise: of those who race to wake a parked task exactly one makes it ready; a notification that
//! comes before the park is not lost, and two are one; a cancelled task gets to unwind, and may
//! park while it does; what was written before the waking is seen after it.
//!
//! A task here is a function that is called anew after every park, by whoever was told to make it
//! ready: that one stands for the worker that runs it then. Its stack is a loom cell, so that two
//! who run it at once, or one who does not see it saved, fail the model.

use crate::parker::Parker;
use crate::source_state::State;
use crate::{check, check_bounded, join_all};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

#[derive(Default)]
struct Stack {
    /// How often the task was resumed.
    resumed: usize,
    unwinding: bool,
    ended: bool,
}

struct Task {
    state: State,
    stack: UnsafeCell<Stack>,
    /// What each waker writes before it wakes. Relaxed: the state has to order it.
    told: [AtomicUsize; 2],
    /// The same where loom shall see whether it is ordered.
    message: UnsafeCell<usize>,
    body: fn(&Task, &mut Stack) -> Next,
}

/// What the body of a task wants.
enum Next {
    Park,
    End,
}

impl Task {
    fn new(body: fn(&Task, &mut Stack) -> Next) -> Arc<Task> {
        Arc::new(Task {
            state: State::new(),
            stack: UnsafeCell::new(Stack::default()),
            told: [AtomicUsize::new(0), AtomicUsize::new(0)],
            message: UnsafeCell::new(0),
            body,
        })
    }

    fn is_told(&self, waker: usize) -> bool {
        self.told[waker].load(Ordering::Relaxed) != 0
    }

    fn stack<R>(&self, f: impl FnOnce(&mut Stack) -> R) -> R {
        // SAFETY: loom checks that no two threads do this at once.
        self.stack.with_mut(|stack| f(unsafe { &mut *stack }))
    }

    /// Runs the task until it is parked or has ended.
    fn run(&self) {
        loop {
            let next = self.stack(|stack| {
                stack.resumed += 1;
                (self.body)(self, stack)
            });
            match next {
                Next::Park => {
                    if !self.state.take_notification() && self.state.publish_parked(true) {
                        return; // and not a step further: it may run elsewhere
                    }
                }
                Next::End => {
                    self.stack(|stack| {
                        assert!(!stack.ended, "it ended twice");
                        stack.ended = true;
                    });
                    assert!(self.state.complete().is_some(), "its handle is there");
                    return;
                }
            }
        }
    }

    fn tell_and_unpark(&self, waker: usize) {
        self.told[waker].store(1, Ordering::Relaxed);
        if self.state.unpark() {
            self.run();
        }
    }

    fn cancel(&self) {
        if self.state.cancel() {
            self.run();
        }
    }

    /// To be called when all threads have ended.
    fn assert_ended(&self) {
        assert!(self.stack(|stack| stack.ended), "nobody woke the task");
        assert!(self.state.is_done());
    }
}

/// A thread of the model.
fn start(task: &Arc<Task>, f: impl FnOnce(&Task) + 'static) -> thread::JoinHandle<()> {
    let task = Arc::clone(task);
    thread::spawn(move || f(&task))
}

/// Two wakers, and a task that parks until it has seen the words of both.
///
/// Fails with Relaxed, Acquire or Release for AcqRel in `publish_parked` or in `unpark`; Relaxed
/// for the Acquire in `take_notification`; `unpark` leaving out the exchange when NOTIFIED is set
/// already, or leaving PARKED set; `publish_parked` not heeding NOTIFIED.
#[test]
fn no_unpark_is_lost_and_one_makes_ready() {
    check_bounded(3, || {
        let task = Task::new(|task, _| match task.is_told(0) && task.is_told(1) {
            true => Next::End,
            false => Next::Park,
        });
        let wakers = [0, 1].map(|waker| start(&task, move |task| task.tell_and_unpark(waker)));
        task.run();
        join_all(wakers);
        task.assert_ended();
    });
}

/// One waker and one park: it returns once, and the message is there.
///
/// Fails with Relaxed, Acquire or Release for AcqRel in `publish_parked` or `unpark`;
/// `publish_parked` not heeding NOTIFIED.
#[test]
fn what_was_written_before_an_unpark_is_seen_after_the_park() {
    check(|| {
        let task = Task::new(|task, stack| {
            if stack.resumed == 1 {
                return Next::Park;
            }
            // SAFETY: loom checks that the waker's write is over.
            assert_eq!(task.message.with(|message| unsafe { *message }), 7);
            Next::End
        });
        let waker = start(&task, |task| {
            // SAFETY: loom checks that nobody reads it yet.
            task.message.with_mut(|message| unsafe { *message = 7 });
            task.tell_and_unpark(0);
        });
        task.run();
        waker.join().unwrap();
        task.assert_ended();
    });
}

/// The task waits to be cancelled; then it unwinds, and a destructor parks until it is told
/// something: the unpark may come at any time.
///
/// Fails with Relaxed or Release for AcqRel in `cancel`; `publish_parked` not heeding CANCELLED, or
/// taking it away; `begin_unwinding` as a load and a store; `cancel` always returning true, or
/// leaving PARKED set.
#[test]
fn a_cancelled_task_unwinds_and_may_park_again() {
    check_bounded(3, || {
        let task = Task::new(|task, stack| {
            if !stack.unwinding {
                if !task.state.is_cancelled() {
                    return Next::Park;
                }
                task.state.begin_unwinding();
                stack.unwinding = true;
            }
            match task.is_told(0) {
                true => Next::End,
                false => Next::Park,
            }
        });
        let waker = start(&task, |task| task.tell_and_unpark(0));
        let canceller = start(&task, Task::cancel);
        task.run();
        waker.join().unwrap();
        canceller.join().unwrap();
        task.assert_ended();
    });
}

/// Two who cancel: one of them makes the task ready.
///
/// Fails with Relaxed or Release for AcqRel in `cancel`, and with Relaxed or Acquire for it in
/// `publish_parked`; `publish_parked` not heeding CANCELLED; `cancel` always returning true.
#[test]
fn one_of_two_cancellers_makes_ready() {
    check_bounded(3, || {
        let task = Task::new(|task, _| match task.state.is_cancelled() {
            true => Next::End,
            false => Next::Park,
        });
        let cancellers = [0, 1].map(|_| start(&task, Task::cancel));
        task.run();
        join_all(cancellers);
        task.assert_ended();
    });
}

/// An ordinary thread parks by itself, on the state of its stand-in (`context::park_thread`).
///
/// Fails with Relaxed for the Acquire in `is_parked`; Relaxed or Release for AcqRel in
/// `publish_parked`; Relaxed or Acquire for it in `unpark`; `unpark` leaving PARKED set.
#[test]
fn a_thread_parks_on_its_stand_in() {
    check(|| {
        let task = Task::new(|_, _| unreachable!("it has no body"));
        let parker = Arc::new(Parker::new());
        let waker = {
            let parker = Arc::clone(&parker);
            start(&task, move |task| {
                // SAFETY: loom checks that nobody reads it yet.
                task.message.with_mut(|message| unsafe { *message = 7 });
                if task.state.unpark() {
                    parker.unpark();
                }
            })
        };
        if !task.state.take_notification() && task.state.publish_parked(true) {
            while task.state.is_parked() {
                parker.park();
            }
        }
        // SAFETY: loom checks that the waker's write is over.
        assert_eq!(task.message.with(|message| unsafe { *message }), 7);
        waker.join().unwrap();
    });
}
