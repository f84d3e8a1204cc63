//! Work that splits into tasks and waits for them, on one worker and on two.
//!
//! `fib` has tasks of a microsecond each, `leaves` has tasks that do nothing but split. Two workers
//! must never be slower than one on either: that is what the pairs of figures are for.
//!
//! A parent waits for its children in the middle of its own frames, so stacks of all depths are
//! parked at once. Go's counterpart is `BenchmarkCreateGoroutinesSingle` and the fork-join programs
//! of its `test/` folder.

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use midge::Runtime;

/// Below this, a number is computed without more tasks.
const SERIAL_BELOW: u64 = 12;
const FIB: u64 = 27;
const LEAVES: u64 = 1 << 16;

fn serial_fib(number: u64) -> u64 {
    if number < 2 {
        number
    } else {
        serial_fib(number - 1) + serial_fib(number - 2)
    }
}

fn fib(number: u64) -> u64 {
    if number <= SERIAL_BELOW {
        return serial_fib(black_box(number));
    }
    let larger = midge::spawn(move || fib(number - 1));
    let smaller = fib(number - 2);
    larger.join().expect("a task of the tree does not panic") + smaller
}

fn leaves(count: u64) -> u64 {
    if count <= 1 {
        return black_box(count);
    }
    let half = count / 2;
    let left = midge::spawn(move || leaves(half));
    let right = midge::spawn(move || leaves(count - half));
    left.join().expect("a task of the tree does not panic")
        + right.join().expect("a task of the tree does not panic")
}

fn measure(criterion: &mut Criterion, mode: &str, runtime: &Runtime) {
    let workers = runtime.workers();
    let mut group = criterion.benchmark_group(format!("join_tree/{mode}/{workers}_workers"));
    group.sample_size(20);
    group.bench_function("fib", |bencher| {
        bencher.iter(|| assert_eq!(runtime.run(|| fib(FIB)), 196_418));
    });
    group.bench_function("leaves", |bencher| {
        bencher.iter(|| assert_eq!(runtime.run(|| leaves(LEAVES)), LEAVES));
    });
    group.finish();
}

fn trees(criterion: &mut Criterion) {
    for workers in [1, 2] {
        // SAFETY: a task here has integers and handles on its stack when it suspends, and lends
        // nobody a reference to them.
        let copying = unsafe { Runtime::builder().workers(workers).build_copying() };
        measure(criterion, "copying", &copying.expect("a small runtime can be built"));

        // SAFETY: as above; and no task holds anything of its thread when it suspends.
        let migrating = unsafe { Runtime::builder().workers(workers).build_migrating() };
        measure(criterion, "migrating", &migrating.expect("a small runtime can be built"));
    }
}

criterion_group!(benches, trees);
criterion_main!(benches);
