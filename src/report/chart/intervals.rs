//! Points with their intervals, one row each (a forest plot), largest first.

use super::Chart;
use super::svg::{Anchor, Svg, fit, width_of};
use crate::report::address::Trials;
use crate::report::figures::{percent, points, signed};
use crate::report::table::Grid;
use crate::stats::Estimate;

/// One row.
pub(in crate::report) struct Bar {
    pub label: String,
    pub estimate: Estimate,
    /// Where its figures lead.
    pub trials: Option<Trials>,
}

/// The axis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Axis {
    /// Shares, from 0 to 100 %.
    Share,
    /// Differences in points, as far on both sides of 0 as the largest interval reaches.
    Difference,
}

const FIGURES: f64 = 190.0;
const MAX_LABEL: f64 = 330.0;
const TOP: f64 = 8.0;
/// A phone's width, less its margins.
const NARROW: f64 = 350.0;
const WIDE: f64 = 1140.0;

/// Where things stand: labels at the left of the bars and figures at their right, or, on a phone, both above them.
struct Layout {
    left: f64,
    right: f64,
    width: f64,
    row: f64,
    is_narrow: bool,
}

impl Layout {
    fn wide(bars: &[Bar]) -> Self {
        let label = bars.iter().map(|b| width_of(&b.label)).fold(60.0, f64::max);
        Self {
            left: label.min(MAX_LABEL) + 16.0,
            right: WIDE - FIGURES,
            width: WIDE,
            row: 22.0,
            is_narrow: false,
        }
    }

    fn narrow() -> Self {
        Self {
            left: 24.0,
            right: NARROW - 24.0,
            width: NARROW,
            row: 36.0,
            is_narrow: true,
        }
    }

    /// Writes a label and its figures, for a bar at a height.
    fn write(&self, svg: &mut Svg, y: f64, label: &str, figures: &str) {
        if self.is_narrow {
            let room = self.width - width_of(figures) - 12.0;
            svg.text(0.0, y - 9.0, Anchor::Start, "", &fit(label, room));
            svg.text(self.width, y - 9.0, Anchor::End, "", figures);
        } else {
            let label = fit(label, MAX_LABEL);
            svg.text(self.left - 10.0, y + 4.0, Anchor::End, "", &label);
            svg.text(self.right + 14.0, y + 4.0, Anchor::Start, "", figures);
        }
    }
}

impl Axis {
    /// The ends, and the distance of ticks, as shares.
    fn range(self, bars: &[Bar]) -> (f64, f64, f64) {
        match self {
            Self::Share => (0.0, 1.0, 0.25),
            Self::Difference => {
                let ends = |b: &Bar| b.estimate.interval.low.abs().max(b.estimate.interval.high);
                let most = bars.iter().map(ends).fold(0.01, f64::max);
                let steps = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5];
                let step = steps.into_iter().find(|s| most / s <= 4.0).unwrap_or(0.5);
                let end = (most / step).ceil() * step;
                (-end, end, step)
            }
        }
    }

    /// An estimate and the ends of its interval.
    fn figures(self, of: &Estimate) -> [String; 3] {
        [of.value, of.interval.low, of.interval.high].map(match self {
            Self::Share => percent,
            Self::Difference => points,
        })
    }
}

/// Draws shares or differences of shares.
pub(in crate::report) fn intervals(caption: &str, mut bars: Vec<Bar>, axis: Axis) -> Chart {
    bars.sort_by(|a, b| b.estimate.value.total_cmp(&a.estimate.value));
    let unit = match axis {
        Axis::Share => "percent",
        Axis::Difference => "points",
    };
    let mut grid = Grid::new(
        &["name", unit, "low", "high", "n", "clusters"],
        &[1, 2, 3, 4, 5],
    );
    for Bar {
        label, estimate, ..
    } in &bars
    {
        let [value, low, high] = axis.figures(estimate);
        let counts = [estimate.n.to_string(), estimate.clusters.to_string()];
        let cells = [label.clone(), value, low, high].into_iter().chain(counts);
        grid.rows.push(cells.collect());
    }
    let wide = draw(&bars, axis, &Layout::wide(&bars));
    let mut chart = Chart::new(caption.to_owned(), wide, grid);
    chart.narrow = Some(draw(&bars, axis, &Layout::narrow()));
    chart
}

fn draw(bars: &[Bar], axis: Axis, layout: &Layout) -> String {
    let (low, high, step) = axis.range(bars);
    let x = |value: f64| layout.left + (value - low) / (high - low) * (layout.right - layout.left);
    #[allow(clippy::cast_precision_loss)]
    let bottom = TOP + bars.len() as f64 * layout.row;
    let foot = if layout.is_narrow { 44.0 } else { 26.0 };
    let mut svg = Svg::new(layout.width, bottom + foot);
    let mut tick = low;
    while tick <= high + step / 2.0 {
        let is_zero = tick.abs() < step / 2.0 && axis == Axis::Difference;
        let class = if is_zero { "axis" } else { "guide" };
        svg.line(class, [x(tick), TOP - 4.0], [x(tick), bottom + 4.0]);
        let text = match axis {
            Axis::Share => format!("{:.0} %", tick * 100.0),
            Axis::Difference => signed(tick * 100.0, 0),
        };
        svg.text(x(tick), bottom + 18.0, Anchor::Middle, "soft", &text);
        tick += step;
    }
    if axis == Axis::Difference {
        let at = if layout.is_narrow {
            [8.0, bottom + 34.0]
        } else {
            [layout.right + 44.0, bottom + 14.0]
        };
        svg.group("apart", "", None, |svg| {
            svg.circle("point", at[0], at[1], 4.0);
        });
        let text = "interval excludes 0";
        svg.text(at[0] + 10.0, at[1] + 4.0, Anchor::Start, "soft", text);
    }
    let within = if layout.is_narrow { 10.0 } else { 0.0 };
    let mut y = TOP + layout.row / 2.0 + within;
    let mut described = Vec::new();
    for Bar {
        label,
        estimate,
        trials,
    } in bars
    {
        let [value, least, most] = axis.figures(estimate);
        let figures = format!("{value} [{least}, {most}]");
        let note = format!("{label}: {figures}, n = {}", estimate.n);
        let apart = axis == Axis::Difference && estimate.interval.excludes(0.0);
        let class = if apart { "apart" } else { "bar-of-chart" };
        svg.group(class, &note, trials.as_ref(), |svg| {
            layout.write(svg, y, label, &figures);
            let ends = [
                estimate.interval.low.max(low),
                estimate.interval.high.min(high),
            ];
            svg.line("span", [x(ends[0]), y], [x(ends[1]), y]);
            svg.circle("point", x(estimate.value), y, 5.0);
        });
        y += layout.row;
        described.push(note);
    }
    svg.finish(&described.join("; "))
}
