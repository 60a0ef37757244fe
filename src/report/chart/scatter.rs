//! Score against what it takes, a point per model; those that no other beats on both are joined.

use super::Chart;
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

/// Draws the spots; what it takes stands on a logarithmic axis.
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
    let x = |v: f64| LEFT + (v / least).ln() / (most / least).ln() * (right - LEFT);
    let y = |v: f64| bottom - (v - low) / (high - low) * (bottom - TOP);
    let mut svg = Svg::new(WIDTH, HEIGHT);
    let step = if high - low > 0.45 { 0.2 } else { 0.1 };
    let mut tick = low;
    while tick <= high + 1e-9 {
        svg.line("guide", [LEFT, y(tick)], [right, y(tick)]);
        let label = format!("{:.0} %", tick * 100.0);
        svg.text(LEFT - 6.0, y(tick) + 4.0, Anchor::End, "soft", &label);
        tick += step;
    }
    for tick in decades(least, most) {
        svg.line("guide", [x(tick), TOP], [x(tick), bottom]);
        svg.text(
            x(tick),
            bottom + 16.0,
            Anchor::Middle,
            "soft",
            &tick.to_string(),
        );
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

/// 1, 2 and 5 times powers of ten within a range.
fn decades(low: f64, high: f64) -> Vec<f64> {
    (-6..8)
        .flat_map(|power| [1.0, 2.0, 5.0].map(|m| (m, power)))
        .map(|(m, power): (f64, i32)| format!("{m}e{power}").parse().unwrap_or(m))
        .filter(|v| (low..=high).contains(v))
        .collect()
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
        assert_eq!(decades(0.9, 11.0), [1.0, 2.0, 5.0, 10.0]);
    }
}
