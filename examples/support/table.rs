//! Prints what the burst cost, for people to read.

use std::time::Duration;

use midge::runtime::Metrics;

use crate::arguments::Arguments;
use crate::burst::Burst;
use crate::format::{grouped, row};
use crate::memory;

/// Everything that the table tells.
pub struct Report<'a> {
    /// What was asked for.
    pub arguments: &'a Arguments,
    /// How many workers there were in the end.
    pub workers: usize,
    /// What the main task measured.
    pub burst: &'a Burst,
    /// What the process held before there was a runtime.
    pub at_start: Option<u64>,
    /// What it held after the burst, with the runtime still there.
    pub after_burst: Option<u64>,
    /// What it held when the runtime was gone.
    pub after_drop: Option<u64>,
    /// The runtime's counts after the burst.
    pub at_end: Metrics,
}

/// Prints the whole report on standard output.
pub fn print(report: &Report) {
    let burst = report.burst;
    let tasks = u64::from(report.arguments.tasks);
    println!(
        "{} tasks, {:?} mode, {} {}, {} deep",
        grouped(tasks),
        report.arguments.runtime.mode,
        report.workers,
        if report.workers == 1 { "worker" } else { "workers" },
        report.arguments.depth,
    );
    println!();

    println!("{:<28}{:>12}{:>16}{:>18}", "phase", "total", "time per task", "memory per task");
    let per_task = |held: Option<u64>| {
        let growth = held?.saturating_sub(burst.held_before?);
        Some(format!("{} B", grouped(growth / tasks)))
    };
    let phase = |name: &str, took: Duration, memory: Option<String>| {
        let nanoseconds = took.as_nanos() / u128::from(tasks);
        println!(
            "{name:<28}{:>12}{:>16}{:>18}",
            format!("{:.3} s", took.as_secs_f64()),
            format!("{nanoseconds} ns"),
            memory.unwrap_or_else(|| "-".to_string()),
        );
    };
    phase("spawn until parked", burst.until_parked, per_task(burst.held_parked));
    phase("wake until done", burst.until_done, per_task(burst.held_done));
    phase("join and check", burst.joining, None);
    println!();

    let parked = &burst.when_parked;
    println!("while all were parked");
    row("live stack bytes per task", grouped(burst.live_bytes / tasks));
    row("block bytes per task", grouped(parked.block_bytes / tasks));
    row("block bytes", bytes(Some(parked.block_bytes)));
    row("windows used", grouped(parked.windows));
    row("the process held", bytes(burst.held_parked));
    println!();

    let end = &report.at_end;
    println!("in the whole burst");
    row("freezes", counted(end.freezes, end.bytes_frozen));
    row("thaws", counted(end.thaws, end.bytes_thawed));
    row("growth events", grouped(end.growth_events));
    row("tasks stolen", grouped(end.steals));
    row("migrations", grouped(end.migrations));
    row("most memory ever resident", bytes(memory::most_resident()));
    println!();

    println!("what the process holds");
    row("at its start", bytes(report.at_start));
    row("with the runtime started", bytes(burst.held_before));
    row("after the burst", bytes(report.after_burst));
    row("after the runtime's drop", bytes(report.after_drop));
}

/// A count of copies and how long one was on average.
fn counted(copies: u64, total: u64) -> String {
    match total.checked_div(copies) {
        Some(average) => format!("{} of {} B", grouped(copies), grouped(average)),
        None => "0".to_string(),
    }
}

/// Bytes in the unit that people expect at that size.
fn bytes(amount: Option<u64>) -> String {
    match amount {
        Some(amount) => format!("{:.1} MiB", amount as f64 / f64::from(1 << 20)),
        None => "unknown".to_string(),
    }
}
