//! Follows `TestPingPongHog` (`src/runtime/proc_test.go`): two tasks that hand each other the turn
//! all the time do not keep a third, which only yields, from running, although each of them is
//! always the one that was woken last.
//!
//! Go compares how often they had their turn with real preemption; here it is only said that the
//! third gets on.

use crate::common::{join, rounds, wait_until};
use crate::go;
use midge::chan::bounded;
use midge::{spawn, task};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

#[test]
fn a_pair_that_never_rests_does_not_keep_others_out() {
    let turns = rounds(2_000, 200);
    go(|| {
        let stop = Arc::new(AtomicBool::new(false));
        let (ping, pinged) = bounded(0);
        let (pong, ponged) = bounded(0);
        let answering = spawn(move || {
            while let Ok(n) = pinged.recv() {
                pong.send(n + 1).unwrap();
            }
        });
        let stopped = stop.clone();
        let asking = spawn(move || {
            let mut n = 0;
            while !stopped.load(Ordering::Relaxed) {
                ping.send(n).unwrap();
                n = ponged.recv().unwrap();
            }
        });
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        let third = spawn(move || {
            for _ in 0..turns {
                task::yield_now();
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        wait_until(|| done.load(Ordering::Relaxed) == turns);
        stop.store(true, Ordering::Relaxed);
        join(third);
        join(asking);
        join(answering);
    });
}
