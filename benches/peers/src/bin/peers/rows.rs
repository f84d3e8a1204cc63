//! How results are read: the tables they make, and how numbers are written.

use crate::results::{Cell, Results, Row};
use crate::systems::SYSTEMS;
use crate::works::{by_name, SWITCH};

/// A table: a part of the rows, and the systems that have something in it.
pub struct Section<'a> {
    pub title: String,
    pub systems: Vec<&'static str>,
    pub rows: Vec<&'a Row>,
}

/// The tables: the bare switch, then a table for each number of workers.
pub fn sections(results: &Results) -> Vec<Section<'_>> {
    let mut workers: Vec<usize> = results.rows.iter().map(|row| row.workers).collect();
    workers.sort_unstable();
    workers.dedup();
    let all = || results.rows.iter();
    let switch: Vec<_> = all().filter(|row| row.work == SWITCH).collect();
    let mut sections = vec![section("The bare switch".into(), switch)];
    for count in workers {
        let title = if count == 1 { "One worker".into() } else { format!("{count} workers") };
        let rows = all().filter(|row| row.work != SWITCH && row.workers == count).collect();
        sections.push(section(title, rows));
    }
    sections.retain(|section| !section.rows.is_empty());
    sections
}

fn section(title: String, rows: Vec<&Row>) -> Section<'_> {
    let there = |name: &&str| rows.iter().any(|row| row.systems.contains_key(*name));
    let systems = SYSTEMS.iter().map(|system| system.name).filter(there).collect();
    Section { title, systems, rows }
}

/// What a row is called, and its unit.
pub fn title(row: &Row) -> (String, &'static str) {
    let work = by_name(&row.work);
    let figure = work.and_then(|work| work.figures.iter().find(|figure| figure.key == row.figure));
    match (work, figure) {
        (Some(work), Some(figure)) => (format!("{}{}", work.title, figure.title), figure.unit),
        _ => (format!("{} {}", row.work, row.figure), ""),
    }
}

/// A number with three digits that count, and commas.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size < 9.995 => format!("{value:.2}"),
        size if size < 99.95 => format!("{value:.1}"),
        _ => {
            let digits = format!("{value:.0}");
            let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
            String::from_utf8_lossy(&groups.join(&b',')).into_owned()
        }
    }
}

/// The middle, and what it is to Go's.
pub fn middle(row: &Row, system: &str) -> String {
    let Some(cell) = row.systems.get(system) else { return "-".into() };
    let Some(median) = cell.median else { return "failed".into() };
    let mark = if cell.note.is_some() { "*" } else { "" };
    match row.ratio(system) {
        Some(ratio) if system != crate::systems::GO => {
            format!("{}{mark} ({})", number(median), number(ratio))
        }
        _ => format!("{}{mark}", number(median)),
    }
}

/// The least and the most.
pub fn range(cell: &Cell) -> Option<String> {
    cell.median.map(|_| format!("{}..{}", number(cell.min()), number(cell.max())))
}

/// What the programs said about their figures, and why some have none: each once.
pub fn remarks(results: &Results) -> Vec<String> {
    let mut remarks: Vec<String> = results.left_out.clone();
    for row in &results.rows {
        let work = by_name(&row.work).map_or(row.work.as_str(), |work| work.title);
        for (system, cell) in &row.systems {
            let system = crate::systems::title(system);
            let said = cell.failed.as_ref().or(cell.note.as_ref());
            let remark = said.map(|said| format!("{system}, {work}: {said}"));
            remarks.extend(remark.filter(|remark| !remarks.contains(remark)));
        }
    }
    remarks
}
