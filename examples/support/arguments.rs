//! The command line of the `million` example: what each flag means and which values make sense.

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};

/// Pinned tasks have one window each, and a window with its guard takes two of the mappings that
/// the system allows a process (65,530 of them by default): a little under 32,000 windows exist at
/// most, and some are left for the rest of the process. In a 32-bit process six pinned tasks have room
/// for windows of 256 MiB, and the main task is one of them.
const MOST_PINNED_TASKS: u32 = if cfg!(target_pointer_width = "64") { 30_000 } else { 5 };

/// Spawns many tasks, parks each half-way, wakes them all, and tells what one task cost.
#[derive(Debug, Parser)]
#[command(name = "million")]
pub struct Arguments {
    /// How many tasks to spawn
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub tasks: u32,

    /// How many worker threads run them [default: MIDGE_WORKERS, else one for each processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,

    /// What the tasks promise, and so where their stacks are while they wait
    #[arg(long, value_enum, default_value_t = Mode::Copying)]
    pub mode: Mode,

    /// How many calls deep each task recurses in each half of its work
    #[arg(long, value_name = "LEVELS", default_value_t = 4,
          value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub depth: u32,
}

/// The three modes of a runtime, as the command line spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Every task keeps a window and a worker of its own
    Pinned,
    /// Tasks share windows; a started task stays on its worker
    Copying,
    /// Tasks share windows and move between workers
    Migrating,
}

impl Arguments {
    /// Reads and checks the command line. A mistake is reported and ends the process with status 2.
    pub fn read() -> Arguments {
        let arguments = Arguments::parse();
        if arguments.mode == Mode::Pinned && arguments.tasks > MOST_PINNED_TASKS {
            let message = format!(
                "--tasks {} does not fit in --mode pinned: each pinned task needs a window of its \
                 own, and a process can have {} of them.\n\
                 Ask for --tasks {MOST_PINNED_TASKS} or fewer, or use --mode copying, where \
                 parked tasks share windows.",
                arguments.tasks,
                if cfg!(target_pointer_width = "64") {
                    "about 32,000 (vm.max_map_count)"
                } else {
                    "six (of 256 MiB, in 32 bits)"
                },
            );
            Arguments::command().error(ErrorKind::ValueValidation, message).exit();
        }
        arguments
    }
}
