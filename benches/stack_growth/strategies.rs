//! The strategies side by side, in groups.

mod copying;
mod fixed;
#[path = "midge.rs"]
mod midge_windows;
mod plot;
mod recursion;
mod segments;

use std::path::PathBuf;
use std::time::Duration;

use criterion::{criterion_group, BenchmarkId, Criterion};

use plot::Samples;
use recursion::{levels, DEPTHS};
use segments::Left;

/// A first and a second descent to a depth, in bytes and in levels.
type Descents = fn(usize, usize) -> (Duration, Duration);

const STRATEGIES: [(&str, Descents); 6] = [
    ("midge", |_, levels| midge_windows::descents(levels)),
    ("thread, fixed stack", fixed::descents),
    ("doubling copy (sim.)", copying::descents),
    ("segments, kept", |_, levels| segments::descents(Left::Kept, levels)),
    ("segments, freed", |_, levels| segments::descents(Left::Freed, levels)),
    ("stacker", |_, levels| segments::stacker_descents(levels)),
];

fn first_and_second(criterion: &mut Criterion) {
    for (name, title, second) in [
        ("stack-first", "First descent on a new stack", false),
        ("stack-second", "Second descent on the same stack", true),
    ] {
        let mut samples = Samples::default();
        let mut group = criterion.benchmark_group(name);
        for (strategy, descents) in STRATEGIES {
            for (bytes, size) in DEPTHS {
                group.sample_size(size);
                group.bench_function(BenchmarkId::new(strategy, bytes >> 10), |bencher| {
                    bencher.iter_custom(|iterations| {
                        let each = (0..iterations).map(|_| descents(bytes, levels(bytes)));
                        let elapsed = each.map(|both| if second { both.1 } else { both.0 }).sum();
                        samples.note(strategy, bytes, iterations, elapsed)
                    })
                });
            }
        }
        group.finish();
        draw(&samples, name, title);
    }
}

fn hot_split(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stack-hot-split");
    let mut calls = |name: &str, calls: fn(u64) -> Duration| {
        group.bench_function(name, |bencher| bencher.iter_custom(calls));
    };
    calls("no boundary", segments::no_split);
    calls("no boundary, in a task", |calls| {
        let runtime = midge::Runtime::builder().workers(1).build_pinned();
        runtime.expect("one worker can be had").run(|| segments::no_split(calls))
    });
    calls("segments, kept", |calls| segments::hot_split(Left::Kept, calls));
    calls("segments, freed", |calls| segments::hot_split(Left::Freed, calls));
    calls("stacker", segments::stacker_hot_split);
    group.finish();
}

fn freeze_and_thaw(criterion: &mut Criterion) {
    let mut samples = Samples::default();
    let mut group = criterion.benchmark_group("stack-freeze-thaw");
    for bytes in (6..=26).step_by(2).map(|power| 1_usize << power) {
        group.sample_size(10);
        group.bench_function(BenchmarkId::from_parameter(bytes), |bencher| {
            bencher.iter_custom(|iterations| {
                let elapsed = midge_windows::freeze_and_thaw(bytes, iterations);
                samples.note("freeze and thaw", bytes, iterations, elapsed)
            })
        });
    }
    group.finish();
    draw(&samples, "stack-freeze-thaw", "Freezing a parked stack and thawing it");
}

fn window_reuse(criterion: &mut Criterion) {
    let mut samples = Samples::default();
    let mut group = criterion.benchmark_group("stack-window");
    for (bytes, size) in DEPTHS {
        group.sample_size(size);
        group.bench_function(BenchmarkId::new("new window", bytes >> 10), |bencher| {
            bencher.iter_custom(|iterations| {
                let descents = (0..iterations).map(|_| midge_windows::descents(levels(bytes)).0);
                samples.note("new window", bytes, iterations, descents.sum())
            })
        });
        group.bench_function(BenchmarkId::new("reused window", bytes >> 10), |bencher| {
            bencher.iter_custom(|iterations| {
                let elapsed = midge_windows::reused(levels(bytes), iterations);
                samples.note("reused window", bytes, iterations, elapsed)
            })
        });
    }
    group.finish();
    draw(&samples, "stack-window", "A fresh task's first descent: new window and reused one");
}

/// Draws a group where the environment says.
fn draw(samples: &Samples, name: &str, title: &str) {
    let Some(directory) = std::env::var_os("STACK_GROWTH_PLOTS").map(PathBuf::from) else { return };
    // A filter on the command line may have left the group out.
    if samples.is_empty() {
        return;
    }
    if let Err(error) = samples.draw(&directory, name, title) {
        eprintln!("cannot draw {name}.svg in {}: {error}", directory.display());
        std::process::exit(1);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(600));
    targets = first_and_second, hot_split, freeze_and_thaw, window_reuse
}
