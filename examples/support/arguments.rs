//! The command line of the `million` example: what each flag means and which values make sense.

use clap::Parser;

use crate::options::RuntimeOptions;

/// Spawns many tasks, parks each half-way, wakes them all, and tells what one task cost.
#[derive(Debug, Parser)]
#[command(name = "million")]
pub struct Arguments {
    /// How many tasks to spawn
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub tasks: u32,

    #[command(flatten)]
    pub runtime: RuntimeOptions,

    /// How many calls deep each task recurses in each half of its work
    #[arg(long, value_name = "LEVELS", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub depth: u32,
}

impl Arguments {
    /// Reads and checks the command line. A mistake is reported and ends the process with status 2.
    pub fn read() -> Arguments {
        let arguments = Arguments::parse();
        arguments.runtime.check_tasks::<Arguments>("--tasks", arguments.tasks, 0);
        arguments
    }
}
