//! Follows what Go's programs die of (`src/runtime/crash_test.go`, `test/closedchan.go`): a send on
//! a closed channel that nobody expects, a misused group, a panic that nobody recovers.
//!
//! In Go such a panic ends the process in whatever goroutine it happens. Here it ends the task;
//! where it is the main task's, or its joiner passes it on, it goes on in the caller of `run`, and
//! the process ends with a message if nobody catches it there.

use crate::common::{build, child_of, in_child, Mode};
use midge::chan::bounded;
use midge::spawn;
use midge::sync::Semaphore;

/// Runs the test of this name as a child; it must die with this message.
fn dies(test: &str, message: &str) {
    let output = child_of(&format!("runtime::unrecovered_panic::{test}"), "dies", &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "it goes on");
    assert!(stderr.contains(message), "it says: {stderr}");
}

#[test]
fn a_send_on_a_closed_channel_that_nobody_expects() {
    if in_child().is_none() {
        let test = "a_send_on_a_closed_channel_that_nobody_expects";
        return dies(test, "sending on a disconnected channel");
    }
    build(Mode::Pinned, 2).run(|| {
        let (s, r) = bounded(1);
        drop(r);
        s.send("to nobody").expect("sending on a disconnected channel");
    });
}

#[test]
fn a_task_whose_joiner_passes_its_panic_on() {
    if in_child().is_none() {
        return dies("a_task_whose_joiner_passes_its_panic_on", "the task's own words");
    }
    let task = build(Mode::Pinned, 2).run(|| spawn(|| panic!("the task's own words")).join());
    if let Err(payload) = task {
        std::panic::resume_unwind(payload);
    }
}

/// `sync: negative WaitGroup counter` and `unlock of unlocked mutex` cannot be written: a clone is
/// dropped once, and only a guard unlocks. What can be miscounted is a semaphore.
#[test]
fn a_semaphore_with_more_permits_than_there_can_be() {
    if in_child().is_none() {
        return dies("a_semaphore_with_more_permits_than_there_can_be", "more than MAX_PERMITS");
    }
    build(Mode::Pinned, 2).run(|| Semaphore::new(Semaphore::MAX_PERMITS).add_permits(1));
}
