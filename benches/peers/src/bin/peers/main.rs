//! Runs the same work in midge and its peers, in turn, and shows the medians: as a table, as JSON,
//! and as a page with a plot.
//!
//! `benches/peers/run` builds everything and calls this.

mod child;
mod load;
mod machine;
mod measure;
mod options;
mod page;
mod plot;
mod results;
mod rows;
mod systems;
mod table;
mod warm;
mod works;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use clap::Parser;
use options::Options;
use results::Results;

/// What is made from results that are worth keeping, and where, from the root of the repository.
const JSON: &str = "benches/peers/results.json";
const DOCS: &str = "docs";
/// Where everything else goes.
const CACHE: &str = "benches/peers/.cache";

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.list {
        works::WORKS.iter().for_each(|work| println!("{:<16}{}", work.name, work.title));
        systems::SYSTEMS.iter().for_each(|system| println!("{:<16}{}", system.name, system.title));
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    if options.page {
        let text = fs::read_to_string(root.join(JSON))?;
        return page::write(&serde_json::from_str(&text)?, &root, &root.join(DOCS));
    }
    let results = measure::all(options)?;
    table::print(&mut io::stdout().lock(), &results)?;
    let (json, docs) = if options.everything() {
        (root.join(JSON), root.join(DOCS))
    } else {
        (root.join(CACHE).join("results.json"), root.join(CACHE))
    };
    keep(&results, &json)?;
    page::write(&results, &root, &docs)?;
    println!("\nwritten: {} and {}", json.display(), docs.join(page::NAME).display());
    Ok(())
}

fn keep(results: &Results, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    fs::create_dir_all(path.parent().ok_or("no folder for the results")?)?;
    Ok(fs::write(path, text)?)
}
