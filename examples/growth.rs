//! One task's stack from 2 KiB to 1,000,000,000 bytes and back, and what each doubling costs.
//!
//! ```text
//! cargo run --release --example growth
//! cargo run --release --example growth -- --limit 64MiB --frame 8KiB
//! cargo run --release --example growth -- --huge-pages off --plot growth.svg
//! ```
//!
//! The task calls itself until its stack is full and looks at the clock whenever its depth has
//! doubled, then does the same again in the window that has grown. A third descent happens in a
//! window that two tasks share: at each doubling the stack is copied out and back. Every frame is
//! written to on the way down and checked on the way back.
//!
//! In Go, this is a recursive function in a fresh goroutine: `docs/stack-growth.md` compares them.

#[path = "support/chart.rs"]
mod chart;
#[path = "support/descent.rs"]
mod descent;
#[path = "support/format.rs"]
mod format;
#[path = "support/growth_arguments.rs"]
mod growth_arguments;
#[path = "support/growth_plot.rs"]
mod growth_plot;
#[path = "support/measure.rs"]
mod measure;
#[path = "support/memory.rs"]
mod memory;
#[path = "support/report.rs"]
mod report;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use indicatif::ProgressBar;

use format::grouped;
use growth_arguments::Arguments;
use report::Report;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let report = match measure(&arguments) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    report::print(&arguments, &report);
    if let Some(path) = &arguments.plot {
        if let Err(error) = growth_plot::draw(path, &report) {
            eprintln!("error: cannot draw {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("drawn: {}", path.display());
    }
    ExitCode::SUCCESS
}

/// Takes all the measurements that there is memory for.
fn measure(arguments: &Arguments) -> Result<Report, String> {
    let (deepest, left_out) = deepest(arguments.deepest())?;
    let depths = descent::depths(deepest);
    let unbuilt = |error| format!("the runtime could not be started: {error}");

    // Drawn on standard error by a thread of its own, and only if that is a terminal.
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner.set_message("going down twice");
    let descents = measure::descents(arguments, &depths).map_err(unbuilt)?;
    spinner.set_message("freezing and thawing");
    let copying = measure::copying(arguments, &depths).map_err(unbuilt)?;
    spinner.finish_and_clear();
    Ok(Report { depths, descents, copying, left_out })
}

/// How deep there is memory to go, `wanted` at most, and what is left out if that is less.
fn deepest(wanted: usize) -> Result<(usize, Option<String>), String> {
    let Some(available) = memory::available().filter(|bytes| *bytes < wanted as u64) else {
        return Ok((wanted, None));
    };
    let why = format!(
        "a stack of {} bytes, since {} bytes of memory are available",
        grouped(wanted as u64),
        grouped(available),
    );
    match available as usize {
        fits if fits > 2 * descent::SHALLOWEST => Ok((fits, Some(why))),
        _ => Err(why),
    }
}
