//! SVG charts, drawn with plotters. One file per kind of chart.

pub(super) mod heat_map;
pub(super) mod intervals;

use plotters::prelude::*;

use super::ReportError;
use crate::text::visible_line;

/// Font of charts.
const FONT: &str = "sans-serif";
/// Colour of text and axes.
const INK: RGBColor = RGBColor(0x1f, 0x29, 0x33);
/// Colour of guide lines.
const FAINT: RGBColor = RGBColor(0xd5, 0xda, 0xe1);
/// Colour of points and intervals.
const ACCENT: RGBColor = RGBColor(0x1b, 0x5e, 0x9c);

/// An error of plotters.
fn draw_error(error: &dyn std::fmt::Display) -> ReportError {
    ReportError::Render {
        part: "chart".into(),
        reason: error.to_string(),
    }
}

/// A label with control characters made visible, truncated to `most` characters.
fn fit(label: &str, most: usize) -> String {
    let label = visible_line(label);
    if label.chars().count() <= most {
        label.into_owned()
    } else {
        label
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect()
    }
}

/// Makes an SVG scale with the page, and describes it for screen readers.
fn responsive(svg: &str, description: &str) -> String {
    let (Some(start), Some(end)) = (
        svg.find("<svg "),
        svg.find('>').filter(|_| svg.starts_with("<svg")),
    ) else {
        return svg.to_owned();
    };
    let head = &svg[start..end];
    let attribute = |name: &str| {
        head.split(&format!("{name}=\""))
            .nth(1)
            .and_then(|r| r.split('"').next())
            .unwrap_or("0")
            .to_owned()
    };
    let (width, height) = (attribute("width"), attribute("height"));
    let escaped = visible_line(description)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;");
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" aria-label=\"{escaped}\" xmlns=\"http://www.w3.org/2000/svg\"{}",
        &svg[end..]
    )
}
