//! Draws what was measured, if `STACK_GROWTH_PLOTS` names a directory: one SVG for each group, with
//! the medians of the samples on logarithmic axes.

#[path = "../../examples/support/chart.rs"]
mod chart;
#[path = "../../examples/support/format.rs"]
mod format;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use chart::Line;
use format::size;

/// What the samples of one group said: by strategy and size in bytes, nanoseconds each.
#[derive(Default)]
pub struct Samples(BTreeMap<&'static str, BTreeMap<usize, Vec<f64>>>);

impl Samples {
    /// Notes one sample of `iterations` runs and hands its time on.
    pub fn note(
        &mut self,
        strategy: &'static str,
        size: usize,
        iterations: u64,
        elapsed: Duration,
    ) -> Duration {
        let each = elapsed.as_nanos() as f64 / iterations as f64;
        self.0.entry(strategy).or_default().entry(size).or_default().push(each);
        elapsed
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The medians: a line of sizes and ns per KiB for each strategy.
    fn lines(&self) -> Vec<Line> {
        let median = |samples: &Vec<f64>| {
            let mut samples = samples.clone();
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        };
        let point = |(size, samples): (&usize, &Vec<f64>)| {
            (*size as f64, median(samples) / (*size as f64 / 1024.0))
        };
        self.0.iter().map(|(name, sizes)| (*name, sizes.iter().map(point).collect())).collect()
    }

    /// Writes `<directory>/<name>.svg`, and the same numbers to standard output.
    pub fn draw(&self, directory: &Path, name: &str, title: &str) -> Result<(), Box<dyn Error>> {
        let lines = self.lines();
        println!("\n{title}: medians in ns per KiB");
        for (strategy, points) in &lines {
            print!("  {strategy:<22}");
            points.iter().for_each(|(at, value)| print!(" {:>8} {value:>8.1}", size(*at as usize)));
            println!();
        }
        let path = directory.join(format!("{name}.svg"));
        chart::draw(&path, title, "bytes of stack", size, lines)
    }
}
