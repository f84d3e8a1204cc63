//! Very many tasks at once, each parked half-way with a number in its state, then woken.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use midge_peers::{job, process::held_bytes};
use tokio::sync::{Notify, Semaphore};

/// Tasks that have yet to park.
static MISSING: AtomicUsize = AtomicUsize::new(0);
static ALL_PARKED: Notify = Notify::const_new();
/// Without permits. Closing it wakes everybody.
static RELEASED: Semaphore = Semaphore::const_new(0);

async fn life(number: usize) -> usize {
    let number = black_box(number);
    if MISSING.fetch_sub(1, SeqCst) == 1 {
        ALL_PARKED.notify_one();
    }
    RELEASED.acquire().await.expect_err("there are no permits");
    number
}

pub async fn run([tasks]: [usize; 1]) {
    MISSING.store(tasks, SeqCst);
    let before = held_bytes();
    let start = Instant::now();
    let handles: Vec<_> = (0..tasks).map(|number| tokio::spawn(life(number))).collect();
    ALL_PARKED.notified().await;
    job::each("park", start.elapsed(), tasks);
    job::figure("bytes", (held_bytes() - before) / tasks as f64);

    let start = Instant::now();
    RELEASED.close();
    let mut sum = 0;
    for handle in handles {
        sum += handle.await.expect("nobody panics");
    }
    job::each("release", start.elapsed(), tasks);
    assert_eq!(sum, tasks * (tasks - 1) / 2);
}
