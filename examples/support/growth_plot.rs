//! Draws the table: nanoseconds for each KiB over the depth, both on logarithmic axes.

use std::error::Error;
use std::path::Path;

use crate::chart::{self, Line};
use crate::format::size;
use crate::measure::per_kib;
use crate::report::Report;

/// Writes the picture to `path`.
pub fn draw(path: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    chart::draw(
        path,
        "What a KiB of a task's stack costs",
        "depth of the stack",
        size,
        lines(report),
    )
}

fn lines(report: &Report) -> Vec<Line> {
    let descents = &report.descents;
    let line = |value: &dyn Fn(usize) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |(row, depth): (usize, &usize)| Some((*depth as f64, value(row)?));
        // A logarithm has no zero.
        report.depths.iter().enumerate().filter_map(point).filter(|point| point.1 > 0.0).collect()
    };
    let copying = |row: usize| report.copying.get(row)?.as_ref().ok();
    let lines = vec![
        ("first descent", line(&|row| per_kib(&descents.first, row))),
        ("second descent", line(&|row| per_kib(&descents.second, row))),
        ("first freeze", line(&|row| Some(copying(row)?.freeze_first))),
        ("freeze", line(&|row| Some(copying(row)?.freeze))),
        ("thaw", line(&|row| Some(copying(row)?.thaw))),
    ];
    lines.into_iter().filter(|(_, points)| !points.is_empty()).collect()
}
