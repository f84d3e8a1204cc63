//! Follows `TestGoroutineParallelism` (`src/runtime/proc_test.go`): as many tasks as there are
//! workers run at the same time. Each in turn takes a step of a handshake and never suspends, so
//! that it needs all of them on threads of their own.

use crate::common::{for_each_mode, join, rounds, PATIENCE};
use midge::chan::bounded;
use midge::spawn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

#[test]
fn as_many_tasks_as_workers_run_at_once() {
    let (tasks, steps) = (4, rounds(10, 4));
    for_each_mode(&[tasks + 1], |rt, _| {
        // The main task keeps a worker of its own only while it runs: it is parked at the channel.
        rt.run(|| {
            let (done, all) = bounded(tasks);
            let step = Arc::new(AtomicUsize::new(0));
            let handles: Vec<_> = (0..tasks)
                .map(|number| {
                    let (done, step) = (done.clone(), step.clone());
                    spawn(move || {
                        let deadline = Instant::now() + PATIENCE;
                        for round in 0..steps {
                            while step.load(Ordering::SeqCst) != round * tasks + number {
                                assert!(Instant::now() < deadline, "another task does not run");
                                std::thread::yield_now(); // the thread's turn, not the task's
                            }
                            step.fetch_add(1, Ordering::SeqCst);
                        }
                        done.send(()).unwrap();
                    })
                })
                .collect();
            (0..tasks).for_each(|_| all.recv().unwrap());
            handles.into_iter().for_each(join);
        });
    });
}
