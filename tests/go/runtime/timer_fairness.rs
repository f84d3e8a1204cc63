//! Follows `TestTimerFairness` and `TestTimerFairness2` (`src/runtime/proc_test.go`): tasks that
//! keep all workers busy, by yielding or by handing messages to each other, do not keep a timer
//! from being seen.
//!
//! Go's tasks do not suspend by themselves. Here they do: a task that never does is another matter,
//! in the modes where its worker's timers wait for it.

use crate::common::join;
use crate::go;
use midge::chan::{after, bounded, unbounded};
use midge::{select, spawn, task};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn tasks_that_yield() {
    go(|| {
        let done = after(SHORT);
        let (s, seen) = unbounded();
        let tasks: Vec<_> = (0..4)
            .map(|_| (seen.clone(), done.clone(), s.clone()))
            .map(|(seen, done, s)| {
                spawn(move || loop {
                    select! {
                        recv(done) -> due => {
                            due.unwrap();
                            (0..3).for_each(|_| s.send(()).unwrap()); // tell the others
                            return;
                        }
                        recv(seen) -> _ => return,
                        default => task::yield_now(),
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(join);
    });
}

#[test]
fn tasks_that_hand_each_other_messages() {
    go(|| {
        let (done, stop) = (after(SHORT), bounded::<()>(0));
        let pairs: Vec<_> = (0..4)
            .map(|_| stop.1.clone())
            .flat_map(|stop| {
                let (s, r) = bounded(0);
                let receiving = spawn(move || r.iter().for_each(drop));
                let sending = spawn(move || loop {
                    select! {
                        recv(stop) -> _ => return,
                        send(s, String::new()) -> sent => sent.unwrap(),
                    }
                });
                [receiving, sending]
            })
            .collect();
        done.recv().unwrap();
        task::sleep(SHORT);
        drop(stop);
        pairs.into_iter().for_each(join);
    });
}
