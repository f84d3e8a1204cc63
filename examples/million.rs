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
#[path = "support/memory.rs"]
mod memory;
#[path = "support/progress.rs"]
mod progress;
#[path = "support/table.rs"]
mod table;

use std::process::ExitCode;

use arguments::{Arguments, Mode};
use midge::Runtime;
use progress::Progress;

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let at_start = memory::held();
    let runtime = match build(&arguments) {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };

    let progress = Progress::start(arguments.tasks);
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

/// Builds the runtime that the command line asks for.
fn build(arguments: &Arguments) -> Result<Runtime, midge::BuildError> {
    let mut builder = Runtime::builder();
    if let Some(workers) = arguments.workers {
        builder.workers(usize::from(workers));
    }
    match arguments.mode {
        Mode::Pinned => builder.build_pinned(),
        // SAFETY: the first promise. All that a task of this program has on its stack across its
        // one suspension point, the park in `burst::life`, is a handful of integers, and nobody
        // else has a reference to any of them.
        Mode::Copying => unsafe { builder.build_copying() },
        // SAFETY: the first promise as above. The second: a task holds no guard and no handle of
        // its thread across the park, and what uses thread-local storage (the allocator) does so
        // inside calls that return before it.
        Mode::Migrating => unsafe { builder.build_migrating() },
    }
}
