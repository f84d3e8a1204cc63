//! The burst itself: what one task does, and the main task that spawns, wakes and joins them all.
//!
//! The stack that is alive while a task waits decides what a million of them cost. So the work
//! happens in functions that have returned before the park, and [`life`] keeps three integers.
//! The main task's own bookkeeping is one handle for each task.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use midge::runtime::Metrics;
use midge::{stack, task, JoinHandle};

use crate::memory;

/// A counter that all workers add to, on cache lines of its own.
#[repr(align(128))]
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Counter {
        Counter(AtomicU64::new(0))
    }

    fn add(&self, amount: u64) {
        // Release: pairs with the acquire in `now`, so whoever sees that a task is counted here
        // sees what it counted elsewhere before.
        self.0.fetch_add(amount, Ordering::Release);
    }

    /// What has been counted by now.
    pub fn now(&self) -> u64 {
        // Acquire: pairs with the release in `add`.
        self.0.load(Ordering::Acquire)
    }
}

/// Tasks that exist.
pub static SPAWNED: Counter = Counter::new();
/// Tasks that have done their first half and are at their park.
pub static PARKED: Counter = Counter::new();
/// Tasks that have done their second half.
pub static FINISHED: Counter = Counter::new();
/// The sum of what the tasks had on their stacks just before they parked.
static LIVE_BYTES: Counter = Counter::new();
/// Whether tasks may go on: a park may end early, and a task that is not meant yet parks again.
static AWAKE: AtomicBool = AtomicBool::new(false);

/// What the main task measured.
pub struct Burst {
    /// From the first spawn until the last task was at its park.
    pub until_parked: Duration,
    /// From the first wake-up until the last task had finished.
    pub until_done: Duration,
    /// Joining every task and checking its result.
    pub joining: Duration,
    /// What the process held before the first spawn, with the runtime already started.
    pub held_before: Option<u64>,
    /// What it held while all tasks were parked.
    pub held_parked: Option<u64>,
    /// What it held when all had finished and none was joined.
    pub held_done: Option<u64>,
    /// The live bytes of all parked tasks together.
    pub live_bytes: u64,
    /// The runtime's counts while all tasks were parked.
    pub when_parked: Metrics,
    /// Tasks that panicked or returned something wrong.
    pub wrong: u64,
}

/// Runs the burst. Called in the main task.
pub fn run(tasks: u32, depth: u32) -> Burst {
    let mut handles: Vec<JoinHandle<u64>> = Vec::with_capacity(tasks as usize);
    let held_before = memory::held();

    let start = Instant::now();
    for index in 0..tasks {
        handles.push(midge::spawn(move || life(index, depth)));
        SPAWNED.add(1);
    }
    yield_until(&PARKED, tasks);
    let until_parked = start.elapsed();
    let (held_parked, when_parked) = (memory::held(), midge::runtime::metrics());

    let start = Instant::now();
    // Release: pairs with the acquire load in `life`.
    AWAKE.store(true, Ordering::Release);
    for handle in &handles {
        handle.task().unpark();
    }
    yield_until(&FINISHED, tasks);
    let until_done = start.elapsed();
    let held_done = memory::held();

    let start = Instant::now();
    let mut wrong = 0;
    for (index, handle) in (0..tasks).zip(handles) {
        if handle.join().ok() != Some(2 * expected(index, depth)) {
            wrong += 1;
        }
    }
    let joining = start.elapsed();

    Burst {
        until_parked,
        until_done,
        joining,
        held_before,
        held_parked,
        held_done,
        live_bytes: LIVE_BYTES.now(),
        when_parked,
        wrong,
    }
}

/// Lets the others run until `counter` has counted every task.
fn yield_until(counter: &Counter, tasks: u32) {
    while counter.now() < u64::from(tasks) {
        task::yield_now();
    }
}

/// All that one task does. Only `index`, `depth` and `first` live across the park.
fn life(index: u32, depth: u32) -> u64 {
    let first = work(index, depth);
    LIVE_BYTES.add(stack::live_bytes() as u64);
    PARKED.add(1);
    // Acquire: pairs with the release store in `run`.
    while !AWAKE.load(Ordering::Acquire) {
        task::park();
    }
    let second = work(index, depth);
    FINISHED.add(1);
    first + second
}

/// Half of a task's work: in each of the nested calls, writes a sentence into a fresh allocation
/// and adds up the numbers found in it. Kept out of line so that its stack is gone when it returns.
#[inline(never)]
fn work(index: u32, level: u32) -> u64 {
    let sentence = format!("task {index} is at level {level}");
    let numbers = sentence.split(' ').filter_map(|word| word.parse::<u64>().ok());
    let sum: u64 = numbers.sum();
    if level == 0 {
        sum
    } else {
        sum + work(index, level - 1)
    }
}

/// What [`work`] must return: `index` once for every level, and every level.
fn expected(index: u32, depth: u32) -> u64 {
    let (index, depth) = (u64::from(index), u64::from(depth));
    index * (depth + 1) + depth * (depth + 1) / 2
}
