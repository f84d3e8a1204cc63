//! Very many tasks at once, each parked half-way with a number on its stack, then woken.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::OnceLock;
use std::time::Instant;

use midge::task::{self, Task};
use midge::JoinHandle;
use midge_peers::{job, process::held_bytes};

static MAIN: OnceLock<Task> = OnceLock::new();
/// Tasks that have yet to park.
static MISSING: AtomicUsize = AtomicUsize::new(0);
static RELEASED: AtomicBool = AtomicBool::new(false);

fn life(number: usize) -> usize {
    let number = black_box(number);
    if MISSING.fetch_sub(1, SeqCst) == 1 {
        MAIN.get().expect("it was set first").unpark();
    }
    while !RELEASED.load(SeqCst) {
        task::park();
    }
    number
}

pub fn run([tasks]: [usize; 1]) {
    MAIN.get_or_init(task::current);
    MISSING.store(tasks, SeqCst);
    let before = held_bytes();
    let start = Instant::now();
    let handles: Vec<_> = (0..tasks).map(|number| midge::spawn(move || life(number))).collect();
    while MISSING.load(SeqCst) > 0 {
        task::park();
    }
    job::each("park", start.elapsed(), tasks);
    job::figure("bytes", (held_bytes() - before) / tasks as f64);

    let start = Instant::now();
    RELEASED.store(true, SeqCst);
    for handle in &handles {
        handle.task().unpark();
    }
    let join = |handle: JoinHandle<usize>| handle.join().expect("nobody panics");
    let sum: usize = handles.into_iter().map(join).sum();
    job::each("release", start.elapsed(), tasks);
    assert_eq!(sum, tasks * (tasks - 1) / 2);
}
