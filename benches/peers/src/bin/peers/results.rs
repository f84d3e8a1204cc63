//! What was measured, as it is kept in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;

#[derive(Serialize, Deserialize)]
pub struct Results {
    pub date: String,
    /// Whether the sizes were the small ones.
    pub quick: bool,
    pub rounds: u32,
    pub machine: Machine,
    pub versions: BTreeMap<String, String>,
    /// Why a system is missing from all rows.
    pub left_out: Vec<String>,
    pub rows: Vec<Row>,
}

/// One figure of one work.
#[derive(Serialize, Deserialize)]
pub struct Row {
    pub work: String,
    pub figure: String,
    pub workers: usize,
    pub systems: BTreeMap<String, Cell>,
}

/// What one system has shown.
#[derive(Serialize, Deserialize, Default)]
pub struct Cell {
    pub median: Option<f64>,
    /// The figure of each round.
    pub values: Vec<f64>,
    /// What share of the processors others took in each round.
    pub taken: Vec<f64>,
    /// The load average before each round.
    pub load_average: Vec<f64>,
    /// Runs that were thrown away because others took too much.
    pub repeated: u32,
    /// What the program wants said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why there is no figure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Cell {
    pub fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    pub fn max(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The most that others took in a round.
    pub fn most_taken(&self) -> f64 {
        self.taken.iter().copied().fold(0.0, f64::max)
    }
}

impl Row {
    /// A system's median as a multiple of Go's.
    pub fn ratio(&self, system: &str) -> Option<f64> {
        let median = |name: &str| self.systems.get(name)?.median;
        Some(median(system)? / median(crate::systems::GO)?)
    }
}

/// The middle one of some values, or the mean of the middle two.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}
