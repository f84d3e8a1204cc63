//! Who runs when: for each work and number of workers the systems in turn (A B C, A B C ...), so
//! that what changes on the machine meanwhile changes for all of them.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::child::{self, Line, Output};
use crate::load::{Moment, Taken};
use crate::machine::{self, Machine};
use crate::options::Options;
use crate::results::{median, Cell, Results, Row};
use crate::systems::{System, SYSTEMS};
use crate::warm;
use crate::works::{Work, WORKS};

pub fn all(options: &Options) -> Result<Results, Box<dyn Error>> {
    let begins = |name: &str, only: &[String]| {
        only.is_empty() || only.iter().any(|only| name.starts_with(only.as_str()))
    };
    let works: Vec<&Work> = WORKS.iter().filter(|work| begins(work.name, &options.only)).collect();
    let systems: Vec<&'static System> =
        SYSTEMS.iter().filter(|system| begins(system.name, &options.systems)).collect();
    if works.is_empty() || systems.is_empty() {
        return Err("no such work or system; --list has them".into());
    }
    let mut left_out = Vec::new();
    if options.go.is_none() {
        left_out.push("Go: it could not be had".to_owned());
    }
    let mut rows = Vec::new();
    for work in works {
        for &workers in work.workers {
            rows.extend(measure(options, work, workers, &systems));
        }
    }
    Ok(Results {
        date: machine::today(),
        quick: options.quick,
        rounds: options.rounds(),
        machine: Machine::this(),
        versions: machine::versions(options.go.as_deref()),
        left_out,
        rows,
    })
}

/// What one system does in one work.
struct Turn {
    system: &'static System,
    program: PathBuf,
    /// A cell for each figure of the work.
    cells: Vec<Cell>,
    failed: bool,
}

/// The rows of one work with so many workers.
fn measure(
    options: &Options,
    work: &Work,
    workers: usize,
    systems: &[&'static System],
) -> Vec<Row> {
    let start = Instant::now();
    let mut turns: Vec<Turn> = systems
        .iter()
        .filter_map(|system| {
            let program = system.program(work.name, options.go.as_deref())?;
            let cells = work.figures.iter().map(|_| Cell::default()).collect();
            Some(Turn { system, program, cells, failed: false })
        })
        .collect();
    let numbers = if options.quick { work.quick } else { work.numbers };
    let mut arguments = vec![work.program.to_owned(), workers.to_string()];
    arguments.extend(numbers.iter().map(usize::to_string));
    eprint!("{}, workers: {workers} ...", work.name);
    for _ in 0..options.rounds() {
        for turn in turns.iter_mut().filter(|turn| !turn.failed) {
            take(turn, work, &arguments, options);
        }
    }
    eprintln!(" {:.0} s", start.elapsed().as_secs_f64());

    let mut rows: Vec<Row> = work
        .figures
        .iter()
        .map(|figure| Row {
            work: work.name.into(),
            figure: figure.key.into(),
            workers,
            systems: Default::default(),
        })
        .collect();
    for turn in turns {
        for (row, mut cell) in rows.iter_mut().zip(turn.cells) {
            cell.median = median(&cell.values);
            row.systems.insert(turn.system.name.into(), cell);
        }
    }
    rows
}

/// One round of one system: the least disturbed of the runs that it took.
fn take(turn: &mut Turn, work: &Work, arguments: &[String], options: &Options) {
    let limit = Duration::from_secs(if options.quick { 20 } else { 120 });
    let load_average = load_average();
    let mut best: Option<(Output, Taken)> = None;
    let mut repeated = 0;
    loop {
        // It takes longer than most small works. The recursion is about nothing but fresh memory.
        if !options.quick || work.program == "recursion" {
            warm::memory(work.touches);
        }
        let before = Moment::now();
        let output = match child::run(&turn.program, arguments, limit) {
            Ok(output) => output,
            Err(why) => {
                eprintln!("\n  {}: {why}", turn.system.title);
                turn.failed = true;
                turn.cells.iter_mut().for_each(|cell| cell.failed = Some(why.clone()));
                return;
            }
        };
        let taken = before.taken(output.cpu);
        if best.as_ref().is_none_or(|(_, least)| taken.share < least.share) {
            best = Some((output, taken));
        }
        if !taken.disturbed() || repeated == options.repeats() {
            break;
        }
        repeated += 1;
    }
    let (output, taken) = best.expect("there was a run");
    for (figure, cell) in work.figures.iter().zip(&mut turn.cells) {
        cell.taken.push((taken.share * 1000.0).round() / 1000.0);
        cell.load_average.push(load_average);
        cell.repeated += repeated;
        for line in &output.lines {
            match line {
                Line::Figure { figure: key, value } if key == figure.key => {
                    cell.values.push(*value)
                }
                Line::Figure { .. } => {}
                Line::Note { note } => cell.note = Some(note.clone()),
            }
        }
    }
}

fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}
