//! A table of shares as colours, with the number in each field; undefined fields are hatched and uncoloured.

use plotters::prelude::*;

use super::{FAINT, FONT, INK, draw_error, fit, responsive};
use crate::report::ReportError;
use crate::report::figures::signed;
use crate::stats::{Estimate, Undefined};

/// Shares in rows and columns.
pub(in crate::report) struct HeatMap {
    pub rows: Vec<String>,
    pub columns: Vec<String>,
    pub fields: Vec<Vec<Field>>,
    pub scale: Scale,
}

/// One field: a row in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::report) enum Field {
    /// Not asked.
    Empty,
    /// Too few questions or pairs for an estimate: their number.
    Undefined(usize),
    /// An estimate.
    Estimate(f64),
}

impl Field {
    /// The estimate, or else the number of questions or pairs, which were too few for one.
    pub(in crate::report) fn of(
        estimate: &Result<Estimate, Undefined>,
        n: usize,
        value: fn(f64) -> f64,
    ) -> Self {
        match estimate {
            Ok(estimate) => Self::Estimate(value(estimate.value)),
            Err(_) if n == 0 => Self::Empty,
            Err(_) => Self::Undefined(n),
        }
    }
}

/// The range of the colours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Scale {
    /// From 0 to 100 %.
    Share,
    /// From −100 over 0 to +100 points.
    Difference,
}

const ROW: i32 = 22;
const LEFT: i32 = 250;
const HEAD: i32 = 130;

/// Draws the map: white is 0, dark is 100 %; differences below 0 are blue.
pub(in crate::report) fn heat_map(map: &HeatMap) -> Result<String, ReportError> {
    let count = |n: usize| i32::try_from(n).unwrap_or(1000);
    let (rows, columns) = (count(map.rows.len()), count(map.columns.len()));
    let field = (900 / columns.max(1)).clamp(34, 90);
    let (width, height) = (LEFT + columns * field + 90, HEAD + rows * ROW + 8);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width.unsigned_abs(), height.unsigned_abs()))
            .into_drawing_area();
        for (j, name) in map.columns.iter().enumerate() {
            // Slanted heads would need a rotation that plotters' SVG text lacks; these are rotated by 90 degrees.
            let style = (FONT, 12)
                .into_font()
                .transform(FontTransform::Rotate270)
                .color(&INK);
            area.draw(&Text::new(
                fit(name, 22),
                (LEFT + count(j) * field + field / 2 - 6, HEAD - 6),
                style,
            ))
            .map_err(|e| draw_error(&e))?;
        }
        for (i, name) in map.rows.iter().enumerate() {
            let top = HEAD + count(i) * ROW;
            area.draw(&Text::new(
                fit(name, 38),
                (4, top + 4),
                (FONT, 12).into_font().color(&INK),
            ))
            .map_err(|e| draw_error(&e))?;
            for (j, value) in map.fields[i].iter().enumerate() {
                let left = LEFT + count(j) * field;
                let corners = [(left, top), (left + field - 2, top + ROW - 2)];
                match value {
                    Field::Estimate(share) => {
                        area.draw(&Rectangle::new(corners, colour(*share).filled()))
                            .map_err(|e| draw_error(&e))?;
                        let ink = if share.abs() > 0.55 { WHITE } else { INK };
                        let figure = match map.scale {
                            Scale::Share => format!("{:.0}", share * 100.0),
                            Scale::Difference => signed(share * 100.0, 0),
                        };
                        area.draw(&Text::new(
                            figure,
                            (left + field / 2 - 8, top + 4),
                            (FONT, 12).into_font().color(&ink),
                        ))
                        .map_err(|e| draw_error(&e))?;
                    }
                    Field::Undefined(n) => {
                        for line in hatching(corners) {
                            area.draw(&PathElement::new(line.to_vec(), FAINT))
                                .map_err(|e| draw_error(&e))?;
                        }
                        area.draw(&Rectangle::new(corners, FAINT.stroke_width(1)))
                            .map_err(|e| draw_error(&e))?;
                        area.draw(&Text::new(
                            format!("n {n}"),
                            (left + field / 2 - 10, top + 5),
                            (FONT, 10).into_font().color(&INK),
                        ))
                        .map_err(|e| draw_error(&e))?;
                    }
                    Field::Empty => {
                        area.draw(&Rectangle::new(corners, FAINT.stroke_width(1)))
                            .map_err(|e| draw_error(&e))?;
                    }
                }
            }
        }
        area.present().map_err(|e| draw_error(&e))?;
    }
    let shown = match map.scale {
        Scale::Share => {
            "Share of questions not answered in full, by model and group; hatched fields have too few questions"
        }
        Scale::Difference => {
            "Gap of each model in each group, in points; hatched fields are undefined; the same figures are in the table below"
        }
    };
    Ok(responsive(&svg, shown))
}

/// Diagonal lines across a field.
fn hatching([(left, top), (right, bottom)]: [(i32, i32); 2]) -> Vec<[(i32, i32); 2]> {
    let height = bottom - top;
    (left..right - height)
        .step_by(8)
        .map(|x| [(x, bottom), (x + height, top)])
        .collect()
}

/// From near white to a deep red-brown, below zero to a deep blue; lightness falls evenly, so that it also reads in greyscale.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn colour(value: f64) -> RGBColor {
    let share = value.abs().clamp(0.0, 1.0);
    let mix = |from: f64, to: f64| (from + (to - from) * share).round() as u8;
    if value < 0.0 {
        return RGBColor(mix(247.0, 20.0), mix(243.0, 60.0), mix(238.0, 122.0));
    }
    RGBColor(mix(247.0, 122.0), mix(243.0, 28.0), mix(238.0, 20.0))
}
