//! Prints what each doubling cost, for people to read.

use crate::format::{grouped, size};
use crate::growth_arguments::Arguments;
use crate::measure::{per_kib, Copying, Descents};

/// Everything that the table tells, one entry for each row.
pub struct Report {
    /// The depths the rows stand for.
    pub depths: Vec<usize>,
    /// The two descents.
    pub descents: Descents,
    /// Freezing and thawing, or why not.
    pub copying: Vec<Result<Copying, String>>,
    /// Rows that were not even tried, and why.
    pub left_out: Option<String>,
}

/// Prints the report on standard output.
pub fn print(arguments: &Arguments, report: &Report) {
    println!(
        "one task, limit {} bytes, {} calls of {:.0} bytes each, huge pages {:?}",
        grouped(arguments.limit as u64),
        grouped(report.descents.frames),
        frame_bytes(&report.descents),
        arguments.huge_pages,
    );
    println!(
        "ns per KiB of stack: descents from the row above; freeze and thaw of the whole depth\n"
    );
    println!(
        "{:>13} {:>14} {:>7} {:>9} {:>9} {:>13} {:>9} {:>9}",
        "depth", "committed", "grown", "first", "second", "first freeze", "freeze", "thaw"
    );
    for (row, depth) in report.depths.iter().enumerate() {
        let Some(reached) = report.descents.first.get(row) else { continue };
        let copying = report.copying.get(row).and_then(|copying| copying.as_ref().ok());
        println!(
            "{:>13} {:>14} {:>7} {:>9} {:>9} {:>13} {:>9} {:>9}",
            size(*depth),
            grouped(reached.committed as u64),
            reached.growth_events,
            number(per_kib(&report.descents.first, row)),
            number(per_kib(&report.descents.second, row)),
            number(copying.map(|c| c.freeze_first)),
            number(copying.map(|c| c.freeze)),
            number(copying.map(|c| c.thaw)),
        );
    }
    println!();
    let deepest = report.descents.first.last().map_or(0, |reached| reached.depth);
    println!("deepest: {} bytes of stack in use", grouped(deepest as u64));
    for (depth, copying) in report.depths.iter().zip(&report.copying) {
        if let Err(why) = copying {
            println!("not frozen at {}: {why}", size(*depth));
        }
    }
    if let Some(why) = &report.left_out {
        println!("left out: {why}");
    }
}

/// What one call used, from the addresses.
fn frame_bytes(descents: &Descents) -> f64 {
    let deepest = descents.first.last().map_or(0, |reached| reached.depth);
    deepest as f64 / descents.frames as f64
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".to_string(), |value| format!("{value:.1}"))
}
