//! Draws what was measured, if `STACK_GROWTH_PLOTS` names a directory: one SVG for each group, with
//! the medians of the samples on logarithmic axes.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use plotters::prelude::*;

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

    /// The medians: a line of sizes and ns per KiB for each strategy.
    fn lines(&self) -> Vec<(&'static str, Vec<(f64, f64)>)> {
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
            points.iter().for_each(|(at, value)| print!(" {:>8} {value:>8.1}", label(*at)));
            println!();
        }
        let all = || lines.iter().flat_map(|(_, points)| points);
        let (left, right) = bounds(all().map(|point| point.0)).ok_or("nothing was measured")?;
        let (low, high) = bounds(all().map(|point| point.1)).ok_or("nothing was measured")?;

        let path = directory.join(format!("{name}.svg"));
        let root = SVGBackend::new(&path, (760, 460)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(title, ("sans-serif", 20))
            .margin(14)
            .x_label_area_size(48)
            .y_label_area_size(64)
            .build_cartesian_2d(
                (left..right * 1.2).log_scale().base(2.0),
                (low * 0.6..high * 4.0).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc("bytes of stack")
            .y_desc("ns per KiB")
            .x_label_formatter(&|bytes| label(*bytes))
            .y_label_formatter(&|value| format!("{value:.0}"))
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .light_line_style(WHITE.mix(0.0))
            .draw()?;
        let colours = [RED, BLUE, GREEN, MAGENTA, BLACK, CYAN];
        for ((strategy, points), colour) in lines.into_iter().zip(colours) {
            let style = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(points, style).point_size(3))?
                .label(strategy)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .label_font(("sans-serif", 14))
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

fn label(bytes: f64) -> String {
    match bytes.round() as usize {
        bytes if bytes >= 1 << 20 => format!("{} MiB", bytes >> 20),
        bytes if bytes >= 1 << 10 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} B"),
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
