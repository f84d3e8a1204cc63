//! Draws the table: nanoseconds for each KiB over the depth, both on logarithmic axes.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::measure::per_kib;
use crate::report::{size, Report};

/// One line of the picture.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

/// Writes the picture to `path`.
pub fn draw(path: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let lines = lines(report);
    let points = || lines.iter().flat_map(|(_, _, points)| points);
    let (left, right) = bounds(points().map(|point| point.0)).ok_or("nothing to draw")?;
    let (low, high) = bounds(points().map(|point| point.1)).ok_or("nothing to draw")?;

    let root = SVGBackend::new(path, (860, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("What a KiB of a task's stack costs", ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (left..right * 1.2).log_scale().base(2.0),
            (low * 0.7..high * 8.0).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("depth of the stack")
        .y_desc("ns per KiB")
        .x_labels(12)
        .x_label_formatter(&|depth| size(depth.round() as usize))
        .y_label_formatter(&|value| {
            if *value < 1.0 {
                format!("{value:.1}")
            } else {
                format!("{value:.0}")
            }
        })
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    for (name, colour, points) in lines {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(name)
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

fn lines(report: &Report) -> Vec<Line> {
    let descents = &report.descents;
    let line = |value: &dyn Fn(usize) -> Option<f64>| -> Vec<(f64, f64)> {
        let point = |(row, depth): (usize, &usize)| Some((*depth as f64, value(row)?));
        // A logarithm has no zero.
        report.depths.iter().enumerate().filter_map(point).filter(|point| point.1 > 0.0).collect()
    };
    let copying = |row: usize| report.copying.get(row)?.as_ref().ok();
    let lines = vec![
        ("first descent", RED, line(&|row| per_kib(&descents.first, row))),
        ("second descent", BLUE, line(&|row| per_kib(&descents.second, row))),
        ("first freeze", MAGENTA, line(&|row| Some(copying(row)?.freeze_first))),
        ("freeze", GREEN, line(&|row| Some(copying(row)?.freeze))),
        ("thaw", BLACK, line(&|row| Some(copying(row)?.thaw))),
    ];
    lines.into_iter().filter(|(_, _, points)| !points.is_empty()).collect()
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
