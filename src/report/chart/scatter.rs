//! Score against what it takes, a point per model; those that no other beats on both are joined.

use super::Chart;
use super::scale::Scale;
use super::svg::{Anchor, Svg, fit};
use crate::report::figures::percent;
use crate::report::table::Grid;

/// One model.
pub(in crate::report) struct Spot {
    pub label: String,
    /// What it takes: dollars or seconds, above 0.
    pub takes: f64,
    /// Its score, as a share.
    pub score: f64,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 180.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 12.0;
/// Values that are marked on an axis.
const MAX_MARKS: usize = 6;

/// Draws the spots; what it takes is on a logarithmic axis.
pub(in crate::report) fn scatter(caption: &str, takes: &str, mut spots: Vec<Spot>) -> Chart {
    spots.sort_by(|a, b| {
        let takes = a.takes.total_cmp(&b.takes);
        takes.then_with(|| b.score.total_cmp(&a.score))
    });
    let ends = |pick: fn(f64, f64) -> f64, of: fn(&Spot) -> f64, from: f64| {
        spots.iter().map(of).fold(from, pick)
    };
    let (least, most) = (
        ends(f64::min, |s| s.takes, f64::INFINITY) / 1.3,
        ends(f64::max, |s| s.takes, 0.0) * 1.3,
    );
    let low = (ends(f64::min, |s| s.score, 1.0) * 10.0 - 0.5)
        .floor()
        .max(0.0)
        / 10.0;
    let high = (ends(f64::max, |s| s.score, 0.0) * 10.0 + 0.5)
        .ceil()
        .min(10.0)
        / 10.0;
    let (low, high) = if high - low < 0.1 {
        (0.0, 1.0)
    } else {
        (low, high)
    };
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let across = Scale::logarithmic(least..most, [LEFT, right]);
    let up = Scale::linear(low..high, [bottom, TOP]);
    let (x, y) = (|v: f64| across.at(v), |v: f64| up.at(v));
    let mut svg = Svg::new(WIDTH, HEIGHT);
    for tick in up.marks(MAX_MARKS) {
        svg.line("guide", [LEFT, y(tick)], [right, y(tick)]);
        let label = format!("{:.0} %", tick * 100.0);
        svg.text(LEFT - 6.0, y(tick) + 4.0, Anchor::End, "soft", &label);
    }
    // Where all take about the same, no round power is between them.
    let mut ticks = across.marks(MAX_MARKS);
    if ticks.len() < 2 {
        ticks = Scale::linear(least..most, [LEFT, right]).marks(MAX_MARKS);
    }
    for tick in ticks {
        svg.line("guide", [x(tick), TOP], [x(tick), bottom]);
        svg.text(x(tick), bottom + 16.0, Anchor::Middle, "soft", &short(tick));
    }
    svg.text(
        f64::midpoint(LEFT, right),
        HEIGHT - 8.0,
        Anchor::Middle,
        "soft",
        takes,
    );
    let frontier = frontier(&spots);
    let path: Vec<[f64; 2]> = frontier.iter().map(|s| [x(s.takes), y(s.score)]).collect();
    svg.path("frontier", &path);
    let mut grid = Grid::new(&["Model", takes, "score %"], &[1, 2]);
    let mut last = f64::NEG_INFINITY;
    let mut by_height: Vec<&Spot> = spots.iter().collect();
    by_height.sort_by(|a, b| b.score.total_cmp(&a.score));
    for spot in by_height {
        let note = format!(
            "{}: {} %, {:.4}",
            spot.label,
            percent(spot.score),
            spot.takes
        );
        // A label moves down until it is clear of the one above.
        let label = (y(spot.score) + 4.0).max(last + 13.0);
        last = label;
        svg.group("", &note, None, |svg| {
            svg.circle("point", x(spot.takes), y(spot.score), 5.0);
            svg.text(
                x(spot.takes) + 9.0,
                label,
                Anchor::Start,
                "",
                &fit(&spot.label, WIDTH - x(spot.takes) - 12.0),
            );
        });
    }
    for spot in &spots {
        grid.rows.push(vec![
            spot.label.clone(),
            format!("{:.4}", spot.takes),
            percent(spot.score),
        ]);
    }
    let names: Vec<&str> = frontier.iter().map(|s| s.label.as_str()).collect();
    let description = format!("{caption}. Not beaten on both: {}", names.join(", "));
    Chart::new(caption.to_owned(), svg.finish(&description), grid)
}

/// A mark without the noise of its arithmetic.
fn short(mark: f64) -> String {
    let digits = format!("{mark:.6}");
    digits
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// Those that no other beats on both, from the cheapest.
fn frontier(sorted: &[Spot]) -> Vec<&Spot> {
    let mut best = f64::NEG_INFINITY;
    let better = |spot: &&Spot| {
        let better = spot.score > best;
        best = best.max(spot.score);
        better
    };
    sorted.iter().filter(better).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frontier_holds_only_what_nothing_beats() {
        let spot = |label: &str, takes, score| Spot {
            label: label.into(),
            takes,
            score,
        };
        let spots = [
            spot("cheap", 1.0, 0.4),
            spot("beaten", 2.0, 0.3),
            spot("dear", 3.0, 0.9),
        ];
        let names: Vec<&str> = frontier(&spots).iter().map(|s| s.label.as_str()).collect();
        assert_eq!(names, ["cheap", "dear"]);
    }
}
