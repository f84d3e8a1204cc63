//! What it costs to make a task: one that ends at once, and one that runs and then waits.
//!
//! All on one worker. The figures of `hundred_thousand_parked` are for all its tasks together; the
//! throughput that is printed with them is in tasks.
//!
//! Go's counterparts are `BenchmarkCreateGoroutines` of `proc_test.go` (`newproc` and `goexit0` of
//! `proc.go`).

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use midge::{task, JoinHandle, Runtime};

const PARKED_TASKS: usize = 100_000;
const BATCH: usize = 1_000;

/// Spawns and joins `count` tasks, each before the next is made.
fn one_at_a_time(count: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        midge::spawn(|| ()).join().expect("an empty task does not panic");
    }
    start.elapsed()
}

/// Spawns a thousand tasks, then joins them, `count` times.
fn in_batches(count: u64) -> Duration {
    let mut handles: Vec<JoinHandle<()>> = Vec::with_capacity(BATCH);
    let start = Instant::now();
    for _ in 0..count {
        handles.extend((0..BATCH).map(|_| midge::spawn(|| ())));
        for handle in handles.drain(..) {
            handle.join().expect("an empty task does not panic");
        }
    }
    start.elapsed()
}

/// What the tasks of one `until_parked` share.
#[derive(Default)]
struct Waiting {
    parked: AtomicUsize,
    released: AtomicBool,
}

/// The time from the first spawn until all tasks are parked; their end is not counted.
fn until_parked() -> Duration {
    let mut handles = Vec::with_capacity(PARKED_TASKS);
    let waiting = Arc::new(Waiting::default());
    let start = Instant::now();
    for _ in 0..PARKED_TASKS {
        let waiting = Arc::clone(&waiting);
        handles.push(midge::spawn(move || {
            waiting.parked.fetch_add(1, Ordering::SeqCst);
            while !waiting.released.load(Ordering::SeqCst) {
                task::park();
            }
        }));
    }
    while waiting.parked.load(Ordering::SeqCst) < PARKED_TASKS {
        task::yield_now();
    }
    let elapsed = start.elapsed();

    waiting.released.store(true, Ordering::SeqCst);
    for handle in &handles {
        handle.task().unpark();
    }
    for handle in handles {
        handle.join().expect("a waiting task does not panic");
    }
    elapsed
}

fn measure(criterion: &mut Criterion, mode: &str, runtime: &Runtime) {
    let mut group = criterion.benchmark_group(format!("spawn/{mode}"));
    group.bench_function("one_at_a_time", |bencher| {
        bencher.iter_custom(|iterations| runtime.run(|| one_at_a_time(iterations)))
    });
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("thousand_then_join", |bencher| {
        bencher.iter_custom(|iterations| runtime.run(|| in_batches(iterations)))
    });
    group.throughput(Throughput::Elements(PARKED_TASKS as u64));
    group.sample_size(10);
    group.bench_function("hundred_thousand_parked", |bencher| {
        bencher
            .iter_custom(|iterations| runtime.run(|| (0..iterations).map(|_| until_parked()).sum()))
    });
    group.finish();
}

fn spawns(criterion: &mut Criterion) {
    // SAFETY: a task here has an `Arc` on its stack when it suspends, and lends nobody a reference
    // to it.
    let copying = unsafe { Runtime::builder().workers(1).build_copying() };
    let copying = copying.expect("a runtime with one worker can be built");
    measure(criterion, "copying", &copying);
    drop(copying);

    // SAFETY: as above; and no task holds anything of its thread when it suspends.
    let migrating = unsafe { Runtime::builder().workers(1).build_migrating() };
    let migrating = migrating.expect("a runtime with one worker can be built");
    measure(criterion, "migrating", &migrating);
}

criterion_group!(benches, spawns);
criterion_main!(benches);
