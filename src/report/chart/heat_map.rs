//! A table of shares as colours, with the number in each field; undefined fields are hatched and uncoloured.

use super::Chart;
use super::svg::{Anchor, Svg, fit, width_of};
use crate::report::address::Trials;
use crate::report::figures::{percent, points, signed};
use crate::report::table::Grid;
use crate::stats::{Estimate, Undefined};

/// Shares in rows and columns.
pub(in crate::report) struct HeatMap {
    pub caption: String,
    pub rows: Vec<String>,
    pub columns: Vec<String>,
    pub fields: Vec<Vec<Field>>,
    pub scale: Scale,
}

/// One field: a row in a column.
#[derive(Debug, Clone)]
pub(in crate::report) enum Field {
    /// Not asked.
    Empty,
    /// Too few questions or pairs for an estimate: their number.
    Undefined(usize),
    /// An estimate, and the trials behind it.
    Estimate(Estimate, Trials),
}

impl Field {
    /// The estimate, or else the number of questions or pairs, which were too few for one.
    pub(in crate::report) fn of(
        estimate: Result<Estimate, Undefined>,
        n: usize,
        trials: Trials,
    ) -> Self {
        match estimate {
            Ok(estimate) => Self::Estimate(estimate, trials),
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

const ROW: f64 = 24.0;
const LEGEND: f64 = 44.0;
const LEGEND_WIDTH: f64 = 350.0;
/// What a field may be wide.
const FIELD: [f64; 2] = [44.0, 90.0];

/// How much room names and fields may take.
struct Room {
    width: f64,
    label: f64,
    head: f64,
    /// Whether the legend begins below the fields, not below the names.
    indented: bool,
}

const WIDE: Room = Room {
    width: 1120.0,
    label: 300.0,
    head: 190.0,
    indented: true,
};
/// A phone's, so that fields are seen beside their names.
const NARROW: Room = Room {
    width: 350.0,
    label: 130.0,
    head: 110.0,
    indented: false,
};

impl Scale {
    fn figure(self, value: f64) -> String {
        match self {
            Self::Share => percent(value),
            Self::Difference => points(value),
        }
    }
}

/// Draws the map: white is 0, dark is 100 %; differences below 0 are blue.
pub(in crate::report) fn heat_map(map: HeatMap) -> Chart {
    let heads = ["row", "column", "value", "low", "high", "n"];
    let mut grid = Grid::new(&heads, &[2, 3, 4, 5]);
    for (name, fields) in map.rows.iter().zip(&map.fields) {
        for (value, column) in fields.iter().zip(&map.columns) {
            grid.rows.extend(figures(&map, value, [name, column]));
        }
    }
    let (wide, narrow) = (drawing(&map, &WIDE), drawing(&map, &NARROW));
    let mut chart = Chart::new(map.caption, wide, grid);
    chart.narrow = Some(narrow);
    chart
}

fn drawing(map: &HeatMap, room: &Room) -> String {
    #[allow(clippy::cast_precision_loss)]
    let count = |n: usize| n as f64;
    let widest = |names: &[String]| names.iter().map(|n| width_of(n)).fold(40.0, f64::max);
    let columns = count(map.columns.len()).max(1.0);
    // Names take what the smallest fields leave.
    let spare = (room.width - columns * FIELD[0] - 40.0).min(WIDE.label);
    let left = widest(&map.rows).min(room.label.max(spare)) + 14.0;
    let head = widest(&map.columns).min(room.head) * 0.66 + 20.0;
    let field = ((room.width - left - head) / columns).clamp(FIELD[0], FIELD[1]);
    let bottom = head + count(map.rows.len()) * ROW;
    let legend_at = if room.indented { left } else { 0.0 };
    let width = (left + columns * field + head).max(legend_at + LEGEND_WIDTH);
    let mut svg = Svg::new(width, bottom + LEGEND);
    for (j, name) in map.columns.iter().enumerate() {
        let x = left + (count(j) + 0.5) * field;
        svg.slanted(x - 2.0, head - 8.0, &fit(name, room.head));
    }
    for (i, name) in map.rows.iter().enumerate() {
        let top = head + count(i) * ROW;
        let label = fit(name, left - 14.0);
        svg.text(left - 8.0, top + 15.0, Anchor::End, "", &label);
        for (j, (value, column)) in map.fields[i].iter().zip(&map.columns).enumerate() {
            let corner = [left + count(j) * field, top];
            draw(&mut svg, map, corner, field, value, [name, column]);
        }
    }
    legend(&mut svg, map.scale, legend_at, bottom + 14.0);
    let description = format!("{}; the same figures are in the table below", map.caption);
    svg.finish(&description)
}

fn draw(
    svg: &mut Svg,
    map: &HeatMap,
    [left, top]: [f64; 2],
    field: f64,
    value: &Field,
    [row, column]: [&str; 2],
) {
    let place = format!("{row}, {column}");
    let (width, height) = (field - 2.0, ROW - 2.0);
    let middle = [left + width / 2.0, top + 15.0];
    match value {
        Field::Estimate(estimate, trials) => {
            let figure = match map.scale {
                Scale::Share => format!("{:.0}", estimate.value * 100.0),
                Scale::Difference => signed(estimate.value * 100.0, 0),
            };
            let note = format!(
                "{place}: {} [{}, {}], n = {}",
                map.scale.figure(estimate.value),
                map.scale.figure(estimate.interval.low),
                map.scale.figure(estimate.interval.high),
                estimate.n
            );
            svg.group(&class(estimate.value), &note, Some(trials), |svg| {
                svg.rect([left, top], width, height);
                svg.text(middle[0], middle[1], Anchor::Middle, "", &figure);
            });
        }
        Field::Undefined(n) => {
            let note = format!("{place}: undefined, n = {n}");
            svg.group("undefined", &note, None, |svg| {
                svg.rect([left, top], width, height);
                hatch(svg, [left, top], width, height);
                svg.text(middle[0], middle[1], Anchor::Middle, "", &format!("n {n}"));
            });
        }
        Field::Empty => svg.group("empty", &format!("{place}: not asked"), None, |svg| {
            svg.rect([left, top], width, height);
        }),
    }
}

fn figures(map: &HeatMap, value: &Field, [row, column]: [&str; 2]) -> Option<Vec<String>> {
    let names = [row.to_owned(), column.to_owned()];
    let figures = match value {
        Field::Empty => return None,
        Field::Undefined(n) => [
            "undefined".into(),
            String::new(),
            String::new(),
            n.to_string(),
        ],
        Field::Estimate(estimate, _) => [
            map.scale.figure(estimate.value),
            map.scale.figure(estimate.interval.low),
            map.scale.figure(estimate.interval.high),
            estimate.n.to_string(),
        ],
    };
    Some(names.into_iter().chain(figures).collect())
}

/// What the colours mean.
fn legend(svg: &mut Svg, scale: Scale, left: f64, top: f64) {
    const BOX: f64 = 26.0;
    const STEP: f64 = 44.0;
    let steps: Vec<f64> = match scale {
        Scale::Share => vec![0.0, 0.25, 0.5, 0.75, 1.0],
        Scale::Difference => vec![-1.0, -0.5, 0.0, 0.5, 1.0],
    };
    let mut x = left;
    for step in steps {
        svg.group(&class(step), "", None, |svg| {
            svg.rect([x, top], STEP, 20.0);
            let figure = match scale {
                Scale::Share => format!("{:.0} %", step * 100.0),
                Scale::Difference => signed(step * 100.0, 0),
            };
            svg.text(x + STEP / 2.0, top + 14.0, Anchor::Middle, "", &figure);
        });
        x += STEP;
    }
    x += 14.0;
    svg.group("undefined", "", None, |svg| {
        svg.rect([x, top], BOX, 20.0);
        hatch(svg, [x, top], BOX, 20.0);
    });
    svg.text(
        x + BOX + 6.0,
        top + 14.0,
        Anchor::Start,
        "soft",
        "undefined",
    );
}

/// Diagonal lines across a field.
fn hatch(svg: &mut Svg, [left, top]: [f64; 2], width: f64, height: f64) {
    let mut x = left;
    while x < left + width - height {
        svg.line("hatch", [x, top + height], [x + height, top]);
        x += 12.0;
    }
}

/// The colour's class: `w0` to `w10` from nothing to all, `c1` to `c10` below zero.
fn class(value: f64) -> String {
    let step = (value.abs().clamp(0.0, 1.0) * 10.0).round();
    if value < 0.0 && step > 0.0 {
        format!("c{step:.0}")
    } else {
        format!("w{step:.0}")
    }
}
