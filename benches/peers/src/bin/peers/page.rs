//! `docs/benchmarks.md`: tables and plot from the results, and the notes of
//! `benches/peers/notes.md`.

use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::plot;
use crate::results::Results;
use crate::rows::{middle, range, remarks, sections, title};
use crate::systems;

/// The page's file name, and that of its plot.
pub const NAME: &str = "benchmarks.md";
const PLOT: &str = "benchmarks.svg";
const NOTES: &str = "benches/peers/notes.md";

/// Writes the page and its plot into `folder`. `root` is that of the repository.
pub fn write(results: &Results, root: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    plot::draw(results, &folder.join(PLOT))?;
    let mut page = String::new();
    head(&mut page, results)?;
    for section in sections(results) {
        writeln!(page, "\n## {}\n", section.title)?;
        let names: Vec<_> = section.systems.iter().map(|name| systems::title(name)).collect();
        writeln!(page, "| | unit | {} | others |", names.join(" | "))?;
        writeln!(page, "|---|---|{}---|", "---|".repeat(names.len()))?;
        for row in section.rows {
            let (name, unit) = title(row);
            write!(page, "| {name} | {unit} |")?;
            for system in &section.systems {
                let middle = middle(row, system).replace('*', "\\*");
                match row.systems.get(*system).and_then(range) {
                    Some(range) => write!(page, " {middle}<br>{range} |")?,
                    None => write!(page, " {middle} |")?,
                }
            }
            let taken = row.systems.values().map(|cell| cell.most_taken()).fold(0.0, f64::max);
            writeln!(page, " {:.0} % |", taken * 100.0)?;
        }
    }
    let remarks = remarks(results);
    if !remarks.is_empty() {
        writeln!(page, "\n\\* What the programs had to say:\n")?;
        for remark in remarks {
            writeln!(page, "- {remark}")?;
        }
    }
    page.push('\n');
    page.push_str(&fs::read_to_string(root.join(NOTES))?);
    Ok(fs::write(folder.join(NAME), page)?)
}

fn head(page: &mut String, results: &Results) -> Result<(), Box<dyn Error>> {
    let (machine, versions) = (&results.machine, &results.versions);
    let version = |name: &str| versions.get(name).map_or("left out", String::as_str);
    writeln!(
        page,
        "<!-- Made by benches/peers/run from its results.json and notes.md.\n\
         Do not edit: change the notes, then `benches/peers/run --page`. -->\n\n\
         # midge beside its peers\n\n\
         The same work in midge (migrating mode), Go, may and tokio, and for the bare switch also\n\
         in corosensei and Boost.Context. One command measures all of it and makes this page:\n\n\
         ```sh\n\
         benches/peers/run           # everything; needs a quiet machine\n\
         benches/peers/run --quick   # small sizes, under three minutes once it is built\n\
         benches/peers/run --only ping_pong\n\
         ```\n"
    )?;
    if results.quick {
        let warning = "Small sizes, not those of the rows' names, and few rounds: not for keeps.";
        writeln!(page, "**{warning}**\n")?;
    }
    writeln!(
        page,
        "Measured on {}, {} processors{}, {} GiB of memory, Linux {},\n\
         transparent huge pages: {}, `vm.max_map_count` {}.\n\
         {} rounds on {}: midge {}, {}, may {} (generator {}),\n\
         tokio {} (async-channel {}), corosensei {}, Boost.Context by context {}, {}.\n",
        machine.processor,
        machine.processors,
        if machine.virtual_machine { " of a virtual machine" } else { "" },
        machine.memory_gib,
        machine.kernel,
        machine.transparent_huge_pages,
        machine.max_map_count,
        results.rounds,
        results.date,
        version("midge"),
        version("go"),
        version("may"),
        version("generator"),
        version("tokio"),
        version("async-channel"),
        version("corosensei"),
        version("context"),
        version("rustc"),
    )?;
    writeln!(
        page,
        "![Bars: each work's time or memory as a multiple of Go's]({PLOT})\n\n\
         Each cell is the median of the rounds, in brackets what it is as a multiple of Go's, and\n\
         below it the least and the most. Every round is a process of its own, and the systems\n\
         take turns. *Others* is the most of all processors' time that other programs, or the\n\
         host of a virtual machine, took during a run of that row; a run from which they took\n\
         more than 3 % is repeated."
    )?;
    Ok(())
}
