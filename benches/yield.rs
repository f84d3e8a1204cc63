//! What a yield costs, with few and with many tasks taking turns on one worker.
//!
//! All tasks wait at a gate until each has started, then yield the same number of times, then
//! park. So the time between the gate's opening and the last task's park holds switches only, no
//! spawn and no end of a task. With more tasks than windows every switch also freezes one task and
//! thaws another; with one task there is nobody to switch to.
//!
//! Go's counterpart is `runtime.Gosched` (`BenchmarkYield` style loops of `proc_test.go`).

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{criterion_group, criterion_main, BenchmarkId, Criterion};
use midge::task::{self, Task};
use midge::Runtime;

/// Yields of each task at the least: the turns at the two ends are counted as one yield, and this
/// keeps that one small beside the rest.
const FEWEST_ROUNDS: u64 = 8;

/// What the tasks of one measurement share.
struct Gate {
    main: Task,
    tasks: usize,
    started: AtomicUsize,
    done: AtomicUsize,
    open: AtomicBool,
    released: AtomicBool,
}

impl Gate {
    /// What each task does: wait, yield `rounds` times, wait to be let go.
    fn pass(&self, rounds: u64) {
        self.started.fetch_add(1, Ordering::SeqCst);
        while !self.open.load(Ordering::SeqCst) {
            task::yield_now();
        }
        for _ in 0..rounds {
            task::yield_now();
        }
        if self.done.fetch_add(1, Ordering::SeqCst) + 1 == self.tasks {
            self.main.unpark();
        }
        while !self.released.load(Ordering::SeqCst) {
            task::park();
        }
    }
}

/// The time that `rounds` yields of each of `tasks` tasks take. Called in a task.
fn take_turns(tasks: usize, rounds: u64) -> Duration {
    let gate = Arc::new(Gate {
        main: task::current(),
        tasks,
        started: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        open: AtomicBool::new(false),
        released: AtomicBool::new(false),
    });
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            let gate = Arc::clone(&gate);
            midge::spawn(move || gate.pass(rounds))
        })
        .collect();
    while gate.started.load(Ordering::SeqCst) < tasks {
        task::yield_now();
    }

    let start = Instant::now();
    gate.open.store(true, Ordering::SeqCst);
    while gate.done.load(Ordering::SeqCst) < tasks {
        task::park();
    }
    let elapsed = start.elapsed();

    gate.released.store(true, Ordering::SeqCst);
    for handle in handles {
        handle.task().unpark();
        handle.join().expect("a yielding task does not panic");
    }
    elapsed
}

fn measure(criterion: &mut Criterion, mode: &str, runtime: &Runtime) {
    let mut group = criterion.benchmark_group(format!("yield/{mode}"));
    for tasks in [1_usize, 64, 1_000, 100_000] {
        // Each sample of the largest group has its own hundred thousand tasks to make.
        group.sample_size(if tasks > 10_000 { 10 } else { 50 });
        group.bench_function(BenchmarkId::from_parameter(tasks), |bencher| {
            bencher.iter_custom(|iterations| {
                let rounds = iterations.div_ceil(tasks as u64).max(FEWEST_ROUNDS);
                let elapsed = runtime.run(|| take_turns(tasks, rounds));
                // One more turn than rounds: the task's arrival from the gate, and its park.
                let turns = (rounds + 1) as f64 * tasks as f64;
                elapsed.mul_f64(iterations as f64 / turns)
            })
        });
    }
    group.finish();
}

fn yields(criterion: &mut Criterion) {
    // SAFETY: a task here has an `Arc` and integers on its stack when it suspends, and lends
    // nobody a reference to them.
    let copying = unsafe { Runtime::builder().workers(1).build_copying() };
    let copying = copying.expect("a runtime with one worker can be built");
    measure(criterion, "copying", &copying);
    drop(copying);

    // SAFETY: as above; and no task holds anything of its thread when it suspends.
    let migrating = unsafe { Runtime::builder().workers(1).build_migrating() };
    let migrating = migrating.expect("a runtime with one worker can be built");
    measure(criterion, "migrating", &migrating);
}

criterion_group!(benches, yields);
criterion_main!(benches);
