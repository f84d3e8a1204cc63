//! The command line of the `pipeline` example.

use std::path::PathBuf;

use clap::Parser;

use crate::options::RuntimeOptions;

/// Counts the words of all text files in a directory tree, with one task for each file.
#[derive(Debug, Parser)]
#[command(name = "pipeline")]
pub struct Arguments {
    /// The directory, or a single file [default: midge's own source]
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/src"), hide_default_value = true,
          value_parser = existing)]
    pub path: PathBuf,

    /// How many of the most frequent words to print
    #[arg(long, value_name = "WORDS", default_value_t = 20)]
    pub top: usize,

    /// How many files may be open, or read and not yet tokenised, at one time
    #[arg(long, value_name = "COUNT", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub open_files: u16,

    /// How many tasks tokenise
    #[arg(long, value_name = "COUNT", default_value_t = 8,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub tokenisers: u16,

    /// How many items each channel holds; 0 is a rendezvous
    #[arg(long, value_name = "ITEMS", default_value_t = 16)]
    pub capacity: u16,

    /// Count again without tasks, and compare
    #[arg(long)]
    pub check: bool,

    #[command(flatten)]
    pub runtime: RuntimeOptions,
}

/// Refuses a path where nothing is.
fn existing(path: &str) -> Result<PathBuf, String> {
    std::fs::metadata(path).map(|_| path.into()).map_err(|error| error.to_string())
}

impl Arguments {
    /// Reads and checks the command line. A mistake is reported and ends the process with status 2.
    pub fn read() -> Arguments {
        let arguments = Arguments::parse();
        // Beside them one that walks, one that spawns, and one that reads a file.
        let tokenisers = u32::from(arguments.tokenisers);
        arguments.runtime.check_tasks::<Arguments>("--tokenisers", tokenisers, 3);
        arguments
    }
}
