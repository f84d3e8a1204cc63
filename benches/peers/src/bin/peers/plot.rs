//! The plot: how each system's median compares to Go's, as bars on a logarithmic scale.

use std::error::Error;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::results::Results;
use crate::rows::{number, sections, title, Section};
use crate::systems::{self, GO};

/// What the axis covers, in multiples of Go's. Bars end there, with their number beside them.
const LEAST: f64 = 0.01;
const MOST: f64 = 30.0;
/// Pixels.
const BAR: i32 = 11;
const GAP: i32 = 9;
const NAMES: i32 = 300;
const WIDTH: i32 = 900;
const HEAD: i32 = 36;

pub fn draw(results: &Results, path: &Path) -> Result<(), Box<dyn Error>> {
    let sections = sections(results);
    let height: i32 = sections.iter().map(section_height).sum::<i32>() + HEAD;
    let root = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    root.fill(&WHITE)?;
    let font = ("sans-serif", 15).into_font();
    root.draw_text(
        "midge and its peers, as multiples of Go's time or memory: left of Go is better",
        &font.color(&BLACK),
        (12, 12),
    )?;
    let mut top = HEAD;
    for section in &sections {
        bars(&root, section, top)?;
        top += section_height(section);
    }
    root.present()?;
    Ok(())
}

fn shown<'a>(section: &'a Section<'_>) -> impl Iterator<Item = &'static str> + 'a {
    section.systems.iter().copied().filter(|name| *name != GO)
}

fn row_height(section: &Section<'_>) -> i32 {
    shown(section).count() as i32 * BAR + GAP
}

fn section_height(section: &Section<'_>) -> i32 {
    HEAD + section.rows.len() as i32 * row_height(section) + 24
}

/// The pixel at which a multiple lies.
fn across(ratio: f64) -> i32 {
    let part = (ratio.clamp(LEAST, MOST) / LEAST).ln() / (MOST / LEAST).ln();
    NAMES + (part * f64::from(WIDTH - NAMES - 60)) as i32
}

fn colour(system: &str) -> RGBColor {
    match system {
        "midge" => RGBColor(0, 104, 139),
        "may" => RGBColor(205, 133, 0),
        "tokio" => RGBColor(139, 137, 137),
        "corosensei" => RGBColor(107, 142, 35),
        _ => RGBColor(139, 71, 137),
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn bars(root: &Area<'_>, section: &Section<'_>, top: i32) -> Result<(), Box<dyn Error>> {
    let small = ("sans-serif", 12).into_font().color(&BLACK);
    let left = small.pos(Pos::new(HPos::Left, VPos::Center));
    let right = small.pos(Pos::new(HPos::Right, VPos::Center));
    let bold = ("sans-serif", 14, FontStyle::Bold).into_font().color(&BLACK);
    root.draw_text(&section.title, &bold, (12, top + 8))?;
    let mut at = NAMES;
    for system in shown(section) {
        let square = [(at, top + 10), (at + 12, top + 20)];
        root.draw(&Rectangle::new(square, colour(system).filled()))?;
        root.draw_text(systems::title(system), &left, (at + 17, top + 15))?;
        at += 110;
    }

    let first = top + HEAD - 6;
    let last = first + section.rows.len() as i32 * row_height(section);
    for mark in [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0] {
        let x = across(mark);
        let line = if mark == 1.0 { BLACK.stroke_width(2) } else { BLACK.mix(0.15).into() };
        root.draw(&PathElement::new([(x, first), (x, last)], line))?;
        let label = if mark == 1.0 { "Go".to_owned() } else { format!("{mark}") };
        let centre = small.pos(Pos::new(HPos::Center, VPos::Top));
        root.draw_text(&label, &centre, (x, last + 3))?;
    }
    for (index, row) in section.rows.iter().enumerate() {
        let mut y = first + index as i32 * row_height(section) + GAP / 2;
        let middle = y + (row_height(section) - GAP) / 2;
        root.draw_text(&title(row).0, &right, (NAMES - 8, middle))?;
        for system in shown(section) {
            if let Some(ratio) = row.ratio(system) {
                let (from, to) = (across(1.0), across(ratio));
                let bar = [(from.min(to), y), (from.max(to), y + BAR - 1)];
                root.draw(&Rectangle::new(bar, colour(system).filled()))?;
                let (place, x) = if ratio < 1.0 { (&right, to - 3) } else { (&left, to + 3) };
                root.draw_text(&number(ratio), place, (x, y + BAR / 2))?;
            }
            y += BAR;
        }
    }
    Ok(())
}
