//! How long messages took: a histogram that many tasks write without waiting for each other.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Eight buckets for each power of two: a bucket is an eighth of its value wide.
const BUCKETS: usize = 62 * 8;

/// Counts of durations.
pub struct Latencies([AtomicU64; BUCKETS]);

/// The counts at one moment.
pub struct Counts(Vec<u64>);

impl Latencies {
    /// Nothing counted yet.
    pub const fn new() -> Latencies {
        Latencies([const { AtomicU64::new(0) }; BUCKETS])
    }

    /// Counts one.
    pub fn add(&self, latency: Duration) {
        let nanoseconds = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        // Relaxed, here and below: the counts stand for nothing but themselves.
        self.0[bucket(nanoseconds)].fetch_add(1, Relaxed);
    }

    /// The counts now.
    pub fn now(&self) -> Counts {
        Counts(self.0.iter().map(|count| count.load(Relaxed)).collect())
    }
}

impl Counts {
    /// What has been counted after `earlier`.
    pub fn since(&self, earlier: &Counts) -> Counts {
        Counts(self.0.iter().zip(&earlier.0).map(|(now, then)| now - then).collect())
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The duration that so many percent did not exceed, if there are any at all. It is the upper
    /// end of a bucket.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.total() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let index = self.0.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_nanos(upper_end(index)))
    }
}

/// Numbers below 8 have a bucket each; above, the highest four bits choose.
fn bucket(number: u64) -> usize {
    let shift = number.max(8).ilog2() - 3;
    shift as usize * 8 + (number >> shift) as usize
}

/// The first number beyond the bucket.
fn upper_end(index: usize) -> u64 {
    let shift = (index / 8).saturating_sub(1);
    let highest = (index - shift * 8 + 1) as u128;
    u64::try_from(highest << shift).unwrap_or(u64::MAX)
}
