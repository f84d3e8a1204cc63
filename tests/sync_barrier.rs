//! Promise: nobody passes a barrier before all are there, one of each round is its leader, and the
//! barrier serves the next round at once.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use common::{for_each_mode, join, rounds};
use midge::sync::Barrier;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn round_after_round_among_tasks_and_threads() {
    const MEMBERS: usize = 9;
    let laps = rounds(300, 60);
    for_each_mode(WORKERS, |rt, _| {
        let barrier = Arc::new(Barrier::new(MEMBERS));
        let arrived = Arc::new(AtomicUsize::new(0));
        let work = || {
            let (barrier, arrived) = (barrier.clone(), arrived.clone());
            move || {
                let mut led = 0;
                for lap in 1..=laps {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    led += usize::from(barrier.wait().is_leader());
                    // All of this lap are here, and none is two laps ahead.
                    let seen = arrived.load(Ordering::SeqCst);
                    assert!((lap * MEMBERS..(lap + 1) * MEMBERS).contains(&seen));
                }
                led
            }
        };
        let tasks: Vec<_> = (0..MEMBERS - 2).map(|_| rt.spawn(work())).collect();
        let threads: Vec<_> = (0..2).map(|_| std::thread::spawn(work())).collect();
        let led = tasks.into_iter().map(join).sum::<usize>()
            + threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>();
        assert_eq!(led, laps);
    });
}

#[test]
fn of_none_or_one() {
    assert!(Barrier::new(0).wait().is_leader());
    let one = Barrier::new(1);
    assert!(one.wait().is_leader());
    assert!(one.wait().is_leader());
}
