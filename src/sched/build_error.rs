//! What can be wrong with the configuration of a runtime, and what to do about it.
//!
//! Go: nothing; a wrong `GOMAXPROCS` is ignored, and a runtime that cannot start throws.

use super::config::MOST_WORKERS;
use std::fmt;
use std::io;

/// Why a runtime could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// [`Builder::workers`](crate::Builder::workers) was given 0.
    ZeroWorkers,
    /// [`Builder::max_blocking_threads`](crate::Builder::max_blocking_threads) was given 0.
    ZeroBlockingThreads,
    /// The environment variable `MIDGE_WORKERS` is not a number from 1 to 65,535.
    InvalidWorkers {
        /// What it is.
        value: String,
    },
    /// The environment variable `MIDGE_STRESS` is not a number.
    InvalidStress {
        /// What it is.
        value: String,
    },
    /// The stack limit is not within what a window can hold.
    MaxStack {
        /// The limit that was asked for, in bytes.
        asked: usize,
        /// The smallest possible one.
        least: usize,
        /// The largest possible one.
        most: usize,
    },
    /// There is no room for the least number of windows: two.
    Windows {
        /// The addresses each needs, in bytes.
        size: usize,
        /// What the system said.
        error: io::Error,
    },
    /// A worker thread could not be started.
    Thread(io::Error),
    /// The signal of [`Builder::preempt_signal`](crate::Builder::preempt_signal) cannot be had.
    PreemptSignal {
        /// Which one was asked for.
        signal: i32,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::ZeroWorkers => write!(f, "a runtime needs at least 1 worker, not 0"),
            BuildError::ZeroBlockingThreads => {
                write!(f, "a runtime needs at least 1 blocking thread, not 0")
            }
            BuildError::InvalidWorkers { value } => write!(
                f,
                "MIDGE_WORKERS is {value:?}; set it to a number from 1 to {MOST_WORKERS}, or unset it"
            ),
            BuildError::InvalidStress { value } => {
                write!(f, "MIDGE_STRESS is {value:?}; set it to a seed (a whole number), or unset it")
            }
            BuildError::MaxStack { asked, least, most } => write!(
                f,
                "a stack limit of {asked} bytes is not possible: a window holds from {least} to \
                 {most} bytes"
            ),
            BuildError::Windows { size, error } => write!(
                f,
                "cannot reserve two stack windows of {size} bytes of addresses each ({error}); raise the \
                 limit on address space (ulimit -v) or lower Builder::max_stack"
            ),
            BuildError::Thread(error) => write!(f, "cannot start a worker thread: {error}"),
            BuildError::PreemptSignal { signal, error } => write!(
                f,
                "windows cannot be preempted by signal {signal} ({error}); give \
                 Builder::preempt_signal one that may be caught and that the program does not use, \
                 such as SIGURG, SIGUSR1, or a real-time signal"
            ),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::Windows { error, .. }
            | BuildError::Thread(error)
            | BuildError::PreemptSignal { error, .. } => Some(error),
            _ => None,
        }
    }
}
