//! Promise: a task beside which another one is suspended in the middle of its unwinding, on the
//! same thread, is cancelled and timed out as ever, and never while it unwinds itself.
#![cfg(panic = "unwind")]

mod common;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{build, child_of, in_child, join, wait_until, Watchdog, MODES};
use midge::{spawn, task, time, JoinHandle};

/// Holds up a task in a destructor.
#[derive(Default)]
struct Gate {
    reached: AtomicBool,
    open: AtomicBool,
}

impl Gate {
    /// Waits until the task is there.
    fn wait_for_task(&self) {
        wait_until(|| self.reached.load(Ordering::SeqCst));
    }

    /// Lets the task go on.
    fn open<T>(&self, task: &JoinHandle<T>) {
        self.open.store(true, Ordering::SeqCst);
        task.task().unpark();
    }
}

/// Waits, wherever it is dropped, until the gate is open.
struct Waits(Arc<Gate>);

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.reached.store(true, Ordering::SeqCst);
        while !self.0.open.load(Ordering::SeqCst) {
            task::park();
        }
    }
}

fn yield_some() {
    (0..10).for_each(|_| task::yield_now());
}

/// A task that unwinds, and is suspended meanwhile at the gate.
fn unwinding(gate: &Arc<Gate>) -> JoinHandle<()> {
    let waits = Waits(gate.clone());
    let task = spawn(move || {
        let _waits = waits;
        resume_unwind(Box::new(1));
    });
    gate.wait_for_task();
    task
}

/// Runs a test that kills its process when it fails, in each mode, with one worker.
fn in_a_process_of_its_own(name: &str, test: impl Fn() + Send + Sync) {
    if in_child().is_none() {
        let output = child_of(name, "beside", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("{name}, {mode:?}"));
        build(mode, 1).run(&test);
    }
}

#[test]
fn one_timeout_after_the_other_ends() {
    for mode in MODES {
        let _watchdog = Watchdog::new(format!("timeouts, {mode:?}"));
        let rt = build(mode, 1);
        let rounds = Arc::new(AtomicUsize::new(0));
        let count = rounds.clone();
        join(rt.spawn(move || {
            let end = Arc::<Gate>::default();
            let neighbour = unwinding(&end);
            let task = spawn(move || {
                for _ in 0..3 {
                    let endless = || loop {
                        task::park();
                    };
                    let over: Result<(), _> = time::timeout(Duration::from_millis(1), endless);
                    assert!(over.is_err());
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
            join(task);
            end.open(&neighbour);
            assert!(neighbour.join().is_err());
        }));
        assert_eq!(rounds.load(Ordering::SeqCst), 3);
    }
}

#[test]
fn one_that_panicked_beside_it_and_ended_is_forgotten() {
    in_a_process_of_its_own("one_that_panicked_beside_it_and_ended_is_forgotten", || {
        let (end, other) = (Arc::<Gate>::default(), Arc::<Gate>::default());
        let neighbour = unwinding(&end);
        assert!(spawn(|| panic!("as it should")).join().is_err());
        end.open(&neighbour);
        assert!(neighbour.join().is_err());
        // Now all is quiet, and a task that unwinds without a message is known to do so.
        let task = unwinding(&other);
        task.cancel();
        yield_some();
        other.open(&task);
        assert!(task.join().unwrap_err().is::<i32>());
    });
}

#[test]
fn a_panic_that_has_waited_for_a_scope_is_known() {
    in_a_process_of_its_own("a_panic_that_has_waited_for_a_scope_is_known", || {
        let (end, parents) = (Arc::<Gate>::default(), Arc::<Gate>::default());
        let childs = Arc::new(AtomicBool::new(false));
        let (ends, waits) = (childs.clone(), Waits(parents.clone()));
        let parent = task::Builder::new().pinned(true).spawn(move || {
            let _waits = waits;
            midge::scope(|scope| {
                scope.spawn(move || {
                    while !ends.load(Ordering::SeqCst) {
                        task::yield_now();
                    }
                });
                panic!("as it should");
            })
        });
        yield_some();
        let neighbour = unwinding(&end);
        childs.store(true, Ordering::SeqCst);
        parents.wait_for_task();
        parent.cancel();
        yield_some();
        parents.open(&parent);
        assert!(parent.join().unwrap_err().is::<&str>());
        end.open(&neighbour);
        assert!(neighbour.join().is_err());
    });
}
