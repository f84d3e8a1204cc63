//! The flags that all examples have: which runtime runs them.

#![allow(dead_code)] // Each example uses a part of this.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use midge::{BuildError, Builder, Runtime};

/// Pinned tasks have one window each, and a window with its guard takes two of the mappings that
/// the system allows a process (65,530 of them by default): a little under 32,000 windows exist at
/// most, and some are left for the rest of the process. In a 32-bit process six pinned tasks have
/// room for windows of 256 MiB, and the main task is one of them.
const MOST_PINNED_TASKS: u32 = if cfg!(target_pointer_width = "64") { 30_000 } else { 5 };

/// What the command line says about the runtime.
#[derive(Args, Debug)]
pub struct RuntimeOptions {
    /// How many worker threads run the tasks [default: MIDGE_WORKERS, else one for each processor]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..))]
    pub workers: Option<u16>,

    /// What the tasks promise, and so where their stacks are while they wait
    #[arg(long, value_enum, default_value_t = Mode::Copying)]
    pub mode: Mode,
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

impl RuntimeOptions {
    /// Ends the process with a message if the `asked` tasks that `flag` of the command line `C`
    /// wants, and `others` that the program needs beside them, cannot all be started in this mode.
    pub fn check_tasks<C: CommandFactory>(&self, flag: &str, asked: u32, others: u32) {
        if self.mode != Mode::Pinned || asked.saturating_add(others) <= MOST_PINNED_TASKS {
            return;
        }
        let room = if cfg!(target_pointer_width = "64") {
            "about 32,000 (vm.max_map_count)"
        } else {
            "six (of 256 MiB, in 32 bits)"
        };
        let answer = match MOST_PINNED_TASKS.saturating_sub(others) {
            0 => "Use".to_string(),
            most => format!("Ask for {flag} {most} or fewer, or use"),
        };
        let message = format!(
            "{flag} {asked} does not fit in --mode pinned: each pinned task needs a window of its \
             own, and a process can have {room} of them.\n\
             {answer} --mode copying, where parked tasks share windows.",
        );
        C::command().error(ErrorKind::ValueValidation, message).exit();
    }

    /// Builds the runtime.
    ///
    /// # Safety
    ///
    /// The tasks of this runtime keep both promises of [`Runtime::migrating`]: across a suspension
    /// point they lend nothing of their stacks, and they hold nothing that is tied to their OS
    /// thread. (The pinned mode asks for neither, the copying mode for the first only.)
    pub unsafe fn build(&self) -> Result<Runtime, BuildError> {
        // SAFETY: passed on.
        unsafe { self.build_with(|_| ()) }
    }

    /// The same, with a builder that `configure` has changed.
    ///
    /// # Safety
    ///
    /// As [`build`](Self::build).
    pub unsafe fn build_with(
        &self,
        configure: impl FnOnce(&mut Builder),
    ) -> Result<Runtime, BuildError> {
        let mut builder = Runtime::builder();
        if let Some(workers) = self.workers {
            builder.workers(usize::from(workers));
        }
        configure(&mut builder);
        match self.mode {
            Mode::Pinned => builder.build_pinned(),
            // SAFETY: the first promise is among those that the caller makes.
            Mode::Copying => unsafe { builder.build_copying() },
            // SAFETY: the caller makes both.
            Mode::Migrating => unsafe { builder.build_migrating() },
        }
    }
}
