//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures midge beside Go, may, tokio, corosensei and Boost.Context.
#[derive(Parser)]
#[command(name = "benches/peers/run", bin_name = "benches/peers/run", version)]
pub struct Options {
    /// Smaller sizes and three rounds: under three minutes, once everything is built. Results of
    /// this kind are not kept with the project
    #[arg(long)]
    pub quick: bool,

    /// Only works whose name begins with this; may be repeated (`--list` has the names)
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,

    /// Only these systems
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub systems: Vec<String>,

    /// How often each system is run, in turn with the others [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: Option<u32>,

    /// How often a run that others disturbed is repeated [default: 5, with --quick 0]
    #[arg(long, value_name = "N")]
    pub repeats: Option<u32>,

    /// Lists works and systems
    #[arg(long)]
    pub list: bool,

    /// Measures nothing: makes the page and the plot anew from the kept results
    #[arg(long)]
    pub page: bool,

    /// The Go program; without it Go is left out
    #[arg(long, value_name = "FILE", hide = true)]
    pub go: Option<PathBuf>,
}

impl Options {
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    pub fn repeats(&self) -> u32 {
        self.repeats.unwrap_or(if self.quick { 0 } else { 5 })
    }

    /// Whether this run measures everything, and so replaces the kept results.
    pub fn everything(&self) -> bool {
        !self.quick && self.only.is_empty() && self.systems.is_empty() && self.rounds() >= 5
    }
}
