//! What a lock costs: free, and wanted by several tasks at once.
//!
//! In the contended groups each task locks, adds one to what the mutex guards, and unlocks, in a
//! loop, without ever suspending by itself. The figure is the time for each lock and unlock of all
//! tasks together. parking_lot's mutex, in as many OS threads as there are tasks, is there to
//! compare with.
//!
//! Go's counterparts are `BenchmarkMutex` and `BenchmarkRWMutex` (sync/mutex_test.go,
//! sync/rwmutex_test.go).

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion};
use midge::sync::{Mutex, RwLock, Semaphore, WaitGroup};
use midge::Runtime;

fn runtime(workers: usize) -> Runtime {
    // SAFETY: a task here shares what is in an `Arc` and lends nothing of its stack; and it holds
    // nothing of its thread when it suspends.
    let runtime = unsafe { Runtime::builder().workers(workers).build_migrating() };
    runtime.expect("a runtime with a few workers can be built")
}

/// One task, and nobody else.
fn free(criterion: &mut Criterion) {
    let runtime = runtime(1);
    let mut group = criterion.benchmark_group("locks/free");
    group.bench_function("mutex", |bencher| {
        let mutex = Mutex::new(0_u64);
        bencher.iter_custom(|rounds| timed(&runtime, rounds, || *mutex.lock() += 1));
    });
    group.bench_function("mutex/parking_lot", |bencher| {
        let mutex = parking_lot::Mutex::new(0_u64);
        bencher.iter_custom(|rounds| timed(&runtime, rounds, || *mutex.lock() += 1));
    });
    group.bench_function("rwlock/read", |bencher| {
        let lock = RwLock::new(0_u64);
        bencher.iter_custom(|rounds| timed(&runtime, rounds, || _ = black_box(*lock.read())));
    });
    group.bench_function("rwlock/write", |bencher| {
        let lock = RwLock::new(0_u64);
        bencher.iter_custom(|rounds| timed(&runtime, rounds, || *lock.write() += 1));
    });
    group.bench_function("semaphore", |bencher| {
        let semaphore = Semaphore::new(1);
        bencher.iter_custom(|rounds| timed(&runtime, rounds, || drop(semaphore.acquire())));
    });
    group.finish();
}

fn timed(runtime: &Runtime, rounds: u64, mut round: impl FnMut() + Send) -> Duration {
    runtime.run(|| {
        let start = Instant::now();
        (0..rounds).for_each(|_| round());
        start.elapsed()
    })
}

fn contended(criterion: &mut Criterion) {
    for workers in [1, 2] {
        let runtime = runtime(workers);
        let mut group = criterion.benchmark_group(format!("locks/contended/{workers}_workers"));
        for tasks in [4, 64] {
            group.bench_function(BenchmarkId::new("mutex", tasks), |bencher| {
                bencher.iter_custom(|rounds| {
                    in_tasks(&runtime, tasks, rounds, |mutex| *mutex.lock() += 1)
                });
            });
            group.bench_function(BenchmarkId::new("mutex_and_yield", tasks), |bencher| {
                bencher.iter_custom(|rounds| in_tasks(&runtime, tasks, rounds, count_and_yield));
            });
        }
        group.finish();
    }
    let mut group = criterion.benchmark_group("locks/contended/threads");
    for threads in [4, 64] {
        group.bench_function(BenchmarkId::new("parking_lot", threads), |bencher| {
            bencher.iter_custom(|rounds| in_threads(threads, rounds));
        });
    }
    group.finish();
}

/// The time for `rounds` rounds, shared out among so many tasks, each of which does one in `round`.
fn in_tasks(
    runtime: &Runtime,
    tasks: u64,
    rounds: u64,
    round: impl Fn(&Mutex<u64>) + Copy + Send + Sync + 'static,
) -> Duration {
    let each = rounds.div_ceil(tasks);
    let elapsed = runtime.run(|| {
        let (mutex, group) = (Arc::new(Mutex::new(0_u64)), WaitGroup::new());
        let start = Instant::now();
        for _ in 0..tasks {
            let (mutex, member) = (Arc::clone(&mutex), group.clone());
            midge::spawn(move || {
                (0..each).for_each(|_| round(&mutex));
                drop(member);
            });
        }
        group.wait();
        assert_eq!(*mutex.lock(), tasks * each);
        start.elapsed()
    });
    elapsed.mul_f64(rounds as f64 / (tasks * each) as f64)
}

/// Holds the mutex over a yield: everybody else waits and is woken.
fn count_and_yield(mutex: &Mutex<u64>) {
    let mut count = mutex.lock();
    midge::task::yield_now();
    *count += 1;
}

fn in_threads(threads: u64, rounds: u64) -> Duration {
    let each = rounds.div_ceil(threads);
    let mutex = parking_lot::Mutex::new(0_u64);
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..each).for_each(|_| *mutex.lock() += 1));
        }
    });
    start.elapsed().mul_f64(rounds as f64 / (threads * each) as f64)
}

criterion_group!(benches, free, contended);
criterion_main!(benches);
