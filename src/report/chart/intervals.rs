//! Points with their intervals, one row each (a forest plot).

use plotters::prelude::*;

use super::{ACCENT, FAINT, FONT, INK, draw_error, fit, responsive};
use crate::report::ReportError;
use crate::stats::Interval;

/// One row.
pub(in crate::report) struct Bar {
    pub label: String,
    pub value: f64,
    pub interval: Interval,
}

const ROW: i32 = 24;
const LEFT: i32 = 210;
const RIGHT: i32 = 60;
const WIDTH: i32 = 760;
const BOTTOM: i32 = 30;

/// Draws shares or differences of shares on a scale in percent; `reference` is a line to compare with.
pub(in crate::report) fn intervals(
    bars: &[Bar],
    scale: (f64, f64),
    reference: Option<f64>,
) -> Result<String, ReportError> {
    let rows = i32::try_from(bars.len()).unwrap_or(i32::MAX / ROW - 2);
    let height = rows * ROW + BOTTOM + 6;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH.unsigned_abs(), height.unsigned_abs()))
            .into_drawing_area();
        #[allow(clippy::cast_possible_truncation)]
        let x = |v: f64| {
            LEFT + ((v - scale.0) / (scale.1 - scale.0) * f64::from(WIDTH - LEFT - RIGHT)).round()
                as i32
        };
        let text = |size: i32| (FONT, size).into_font().color(&INK);
        for tick in 0..=4 {
            let value = scale.0 + (scale.1 - scale.0) * f64::from(tick) / 4.0;
            area.draw(&PathElement::new(
                vec![(x(value), 4), (x(value), rows * ROW + 4)],
                FAINT,
            ))
            .map_err(|e| draw_error(&e))?;
            let label = format!("{:.0} %", value * 100.0);
            area.draw(&Text::new(
                label,
                (x(value) - 12, rows * ROW + 10),
                text(12),
            ))
            .map_err(|e| draw_error(&e))?;
        }
        if let Some(reference) = reference {
            area.draw(&PathElement::new(
                vec![(x(reference), 2), (x(reference), rows * ROW + 6)],
                INK,
            ))
            .map_err(|e| draw_error(&e))?;
        }
        for (i, bar) in bars.iter().enumerate() {
            let y = i32::try_from(i).unwrap_or(0) * ROW + ROW / 2 + 4;
            area.draw(&Text::new(fit(&bar.label, 32), (4, y - 7), text(13)))
                .map_err(|e| draw_error(&e))?;
            area.draw(&PathElement::new(
                vec![(x(bar.interval.low), y), (x(bar.interval.high), y)],
                ACCENT.stroke_width(3),
            ))
            .map_err(|e| draw_error(&e))?;
            area.draw(&Circle::new((x(bar.value), y), 5, ACCENT.filled()))
                .map_err(|e| draw_error(&e))?;
            area.draw(&Text::new(
                format!("{:.1}", bar.value * 100.0),
                (WIDTH - RIGHT + 14, y - 7),
                text(13),
            ))
            .map_err(|e| draw_error(&e))?;
        }
        area.present().map_err(|e| draw_error(&e))?;
    }
    let labels: Vec<String> = bars
        .iter()
        .map(|b| {
            format!(
                "{}: {:.1} % [{:.1}, {:.1}]",
                b.label,
                b.value * 100.0,
                b.interval.low * 100.0,
                b.interval.high * 100.0
            )
        })
        .collect();
    Ok(responsive(&svg, &labels.join("; ")))
}
