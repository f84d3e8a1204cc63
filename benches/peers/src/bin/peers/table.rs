//! The table on the terminal.

use std::io::{self, Write};

use crate::results::Results;
use crate::rows::{middle, range, remarks, sections, title};
use crate::systems;

pub fn print(out: &mut impl Write, results: &Results) -> io::Result<()> {
    for section in sections(results) {
        writeln!(out, "\n{}: medians (multiples of Go's), least..most", section.title)?;
        let mut lines = vec![vec![String::new(), String::new()]];
        lines[0].extend(section.systems.iter().map(|name| systems::title(name).to_owned()));
        lines[0].push("others".into());
        for row in section.rows {
            let (name, unit) = title(row);
            let mut line = vec![name, unit.to_owned()];
            for system in &section.systems {
                let range = row.systems.get(*system).and_then(range);
                line.push(format!("{} {}", middle(row, system), range.unwrap_or_default()));
            }
            let taken = row.systems.values().map(|cell| cell.most_taken()).fold(0.0, f64::max);
            line.push(format!("{:.0} %", taken * 100.0));
            lines.push(line);
        }
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        for line in lines {
            let cells = line.iter().zip(&widths);
            let text: Vec<_> = cells.map(|(cell, &width)| format!("{cell:<width$}")).collect();
            writeln!(out, "{}", text.join("  ").trim_end())?;
        }
    }
    if results.quick {
        writeln!(out, "\nSmall sizes: not always those that the rows are named after.")?;
    }
    writeln!(out, "\nothers: the most of all processors' time that other programs took in a run")?;
    for remark in remarks(results) {
        writeln!(out, "* {remark}")?;
    }
    Ok(())
}
