//! A picture of times over sizes: both axes are logarithmic.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

/// A name, and points of bytes and ns per KiB.
pub type Line = (&'static str, Vec<(f64, f64)>);

/// Draws an SVG to `path`. `sizes` says what the bytes are of, and `size` writes them.
pub fn draw(
    path: &Path,
    title: &str,
    sizes: &str,
    size: impl Fn(usize) -> String,
    lines: Vec<Line>,
) -> Result<(), Box<dyn Error>> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let (left, right) = bounds(points().map(|point| point.0)).ok_or("nothing to draw")?;
    let (low, high) = bounds(points().map(|point| point.1)).ok_or("nothing to draw")?;

    let root = SVGBackend::new(path, (860, 520)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (left..right * 1.2).log_scale().base(2.0),
            (low * 0.7..high * 8.0).log_scale(), // with room for the names
        )?;
    chart
        .configure_mesh()
        .x_desc(sizes)
        .y_desc("ns per KiB")
        .x_labels(12)
        .x_label_formatter(&|bytes| size(bytes.round() as usize))
        .y_label_formatter(&|value| format!("{value:.*}", usize::from(*value < 1.0)))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(WHITE.mix(0.0))
        .draw()?;
    let colours = [RED, BLUE, MAGENTA, GREEN, BLACK, CYAN];
    for ((name, points), colour) in lines.into_iter().zip(colours) {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points, style).point_size(3))?
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

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|value| (value, value)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
