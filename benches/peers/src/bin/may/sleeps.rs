//! Tasks that each sleep once, for 1 to 100 ms.

use std::time::Instant;

use may::coroutine;
use midge_peers::{job, process::cpu_time, random};

use crate::{held, spawn};

pub fn run([tasks]: [usize; 1]) {
    let tasks = held(tasks);
    let (start, cpu) = (Instant::now(), cpu_time());
    let handles: Vec<_> = random::sleeps()
        .take(tasks)
        .map(|time| {
            spawn(move || {
                let start = Instant::now();
                coroutine::sleep(time);
                assert!(start.elapsed() >= time, "a sleep was too short");
            })
        })
        .collect();
    for handle in handles {
        handle.join().expect("nobody wakes early");
    }
    job::milliseconds("wall", start.elapsed());
    job::each("cpu", cpu_time() - cpu, tasks);
}
