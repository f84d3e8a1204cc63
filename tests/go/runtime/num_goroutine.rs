//! Follows `TestNumGoroutine` (`src/runtime/proc_test.go`): the number of tasks that live is the
//! number of those that were started and have not ended; the runtime has none of its own.

use crate::common::{join, wait_until};
use crate::{go, spawn_waiting};
use midge::chan::bounded;
use midge::runtime::metrics;
use midge::spawn;

#[test]
fn all_tasks_are_counted() {
    go(|| {
        assert_eq!(metrics().tasks_live, 1); // the main task
        let (stop, stopped) = bounded::<()>(0);
        let tasks: Vec<_> = (0..10)
            .map(|_| stopped.clone())
            .map(|stopped| spawn(move || assert!(stopped.recv().is_err())))
            .collect();
        let more = spawn_waiting(move || assert!(stopped.recv().is_err()));
        assert_eq!(metrics().tasks_live, 12);
        drop(stop);
        tasks.into_iter().for_each(join);
        join(more);
        // A task is joined when its result is there, and ends a moment later.
        wait_until(|| metrics().tasks_live == 1);
    });
}
