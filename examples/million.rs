//! A million tasks, each parked half-way through its work, and what they cost.
//!
//! ```text
//! cargo run --release --example million
//! cargo run --release --example million -- --tasks 10000000 --workers 1
//! cargo run --release --example million -- --tasks 20000 --mode pinned
//! ```
//!
//! Every task runs ordinary code on its own stack (it allocates, formats and recurses to
//! `--depth`), parks with its first result in a local variable, is woken by the main task, does
//! the same work again and returns both results, which the main task checks. The table that
//! follows gives the time and the memory of one task in each phase.
//!
//! In Go, this is a loop of `go func() { work(); <-gate; work(); done.Done() }()`.

#[path = "support/arguments.rs"]
mod arguments;
#[path = "support/burst.rs"]
mod burst;
#[path = "support/format.rs"]
mod format;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/options.rs"]
mod options;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/table.rs"]
mod table;

use std::process::ExitCode;

use arguments::Arguments;
use burst::{FINISHED, PARKED, SPAWNED};
use format::grouped;
use indicatif::ProgressBar;
use progress::Progress;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let at_start = memory::held();
    // SAFETY: the first promise. All that a task of this program has on its stack across its one
    // suspension point, the park in `burst::life`, is a handful of integers, and nobody else has a
    // reference to any of them. The second: a task holds no guard and no handle of its thread
    // across the park, and what uses thread-local storage (the allocator) does so inside calls that
    // return before it.
    let built = unsafe { arguments.runtime.build() };
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };

    // A task counts three times: when spawned, when parked and when finished.
    let progress = Progress::start(3 * u64::from(arguments.tasks), draw);
    let burst = runtime.run(|| burst::run(arguments.tasks, arguments.depth));
    progress.finish();

    let after_burst = memory::held();
    let at_end = runtime.metrics();
    let workers = runtime.workers();
    drop(runtime);
    let after_drop = memory::held();

    table::print(&table::Report {
        arguments: &arguments,
        workers,
        burst: &burst,
        at_start,
        after_burst,
        after_drop,
        at_end,
    });
    if burst.wrong > 0 {
        eprintln!("error: {} tasks returned a wrong result or panicked", burst.wrong);
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Moves the progress bar.
fn draw(bar: &ProgressBar) {
    let (spawned, parked, finished) = (SPAWNED.now(), PARKED.now(), FINISHED.now());
    bar.set_message(format!(
        "{} spawned, {} parked, {} finished",
        grouped(spawned),
        grouped(parked - finished.min(parked)),
        grouped(finished),
    ));
    bar.set_position(spawned + parked + finished);
}
