//! The command line of the `growth` example: sizes with their suffixes, and which values make
//! sense.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// The last row stops a frame and this much above the limit: the runtime needs a few hundred bytes
/// of each stack for itself, and the calls that look at the clock and suspend need some, too.
const RESERVE: usize = 64 << 10;

/// Below this a limit leaves no doubling to look at.
const LEAST_LIMIT: usize = 256 << 10;

/// Takes one task from 2 KiB of stack to its limit and back, and tells what each doubling cost.
#[derive(Debug, Parser)]
#[command(name = "growth")]
pub struct Arguments {
    /// The stack's limit in bytes, such as 1000000000, 64MiB or 1GB [default: the runtime's own]
    #[arg(long, value_name = "BYTES", value_parser = limit, default_value_t = midge::stack::max())]
    pub limit: usize,

    /// How many bytes of stack one call uses, about
    #[arg(long, value_name = "BYTES", value_enum, default_value_t = Frame::Bytes128)]
    pub frame: Frame,

    /// Whether the deep part of the stack is made of huge pages
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Switch::On)]
    pub huge_pages: Switch,

    /// Draws the table into this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// A frame's size is fixed when the program is compiled, so these are the ones there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Frame {
    /// A few words
    #[value(name = "128")]
    Bytes128,
    /// A small buffer
    #[value(name = "512")]
    Bytes512,
    /// A buffer
    #[value(name = "2KiB", alias = "2048")]
    KiB2,
    /// A page or two
    #[value(name = "8KiB", alias = "8192")]
    KiB8,
    /// A large buffer: one call grows the stack
    #[value(name = "64KiB", alias = "65536")]
    KiB64,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Ask for them
    On,
    /// Do without
    Off,
}

impl Arguments {
    /// The depth of the last row.
    pub fn deepest(&self) -> usize {
        self.limit - RESERVE - self.frame.bytes()
    }
}

impl Frame {
    fn bytes(self) -> usize {
        match self {
            Frame::Bytes128 => 128,
            Frame::Bytes512 => 512,
            Frame::KiB2 => 2 << 10,
            Frame::KiB8 => 8 << 10,
            Frame::KiB64 => 64 << 10,
        }
    }
}

/// Reads `--limit` and checks its range.
fn limit(text: &str) -> Result<usize, String> {
    // What the largest window holds beside its guard.
    let most = match midge::stack::set_max(usize::MAX) {
        Ok(_) => usize::MAX,
        Err(error) => error.most(),
    };
    let range = || {
        format!(
            "a limit is from {LEAST_LIMIT} (256KiB) to {most} bytes, written as a whole number \
             with or without KiB, MiB, GiB, KB, MB or GB"
        )
    };
    match bytes(text) {
        Some(bytes) if (LEAST_LIMIT..=most).contains(&bytes) => Ok(bytes),
        Some(bytes) => Err(format!("{bytes} bytes is out of range: {}", range())),
        None => Err(range()),
    }
}

/// A number of bytes as people write it: `65536`, `64KiB`, `1 GB`.
fn bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(unit)
}
