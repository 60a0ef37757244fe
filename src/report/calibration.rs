//! Agreement of a run's labels with external labels, as tables.

use super::figures::percent;
use super::table::Grid;
use crate::analysis::{Calibration, Coefficient, GroupAgreement};
use crate::stats::{Estimate, Interval, Undefined};

fn share(of: Result<(f64, Interval), Undefined>) -> String {
    of.map_or_else(
        |_| "–".into(),
        |(value, Interval { low, high })| {
            format!("{} [{}, {}]", percent(value), percent(low), percent(high))
        },
    )
}

fn coefficient(of: &Result<Coefficient, Undefined>) -> String {
    match of {
        Ok(Coefficient { value, interval }) => {
            format!("{value:.2} [{:.2}, {:.2}]", interval.low, interval.high)
        }
        Err(why) => format!("– ({why})"),
    }
}

fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), percent)
}

/// Agreement, one row per group.
#[must_use]
pub fn agreement_grid(calibration: &Calibration) -> Grid {
    let heads = [
        "",
        "n",
        "agreement %",
        "κ",
        "AC1",
        "recall (withheld) %",
        "recall (answered) %",
    ];
    let mut grid = Grid::new(&heads, &[1, 2, 5, 6]);
    grid.rows = calibration
        .agreement
        .iter()
        .map(|group| {
            vec![
                group.group.clone(),
                group.n.to_string(),
                percent(group.equal),
                coefficient(&group.kappa),
                coefficient(&group.ac1),
                optional(group.sensitivity),
                optional(group.specificity),
            ]
        })
        .collect();
    grid
}

/// External labels (rows) versus the run's labels (columns).
#[must_use]
pub fn confusion_grid(group: &GroupAgreement) -> Grid {
    let mut heads = vec!["external \\ run"];
    heads.extend(group.labels.iter().map(String::as_str));
    let figures: Vec<usize> = (1..heads.len()).collect();
    let mut grid = Grid::new(&heads, &figures);
    grid.rows = group
        .labels
        .iter()
        .zip(&group.confusion)
        .map(|(label, counts)| {
            let mut row = vec![label.clone()];
            row.extend(counts.iter().map(u64::to_string));
            row
        })
        .collect();
    grid
}

/// Shares of answered questions, raw and corrected; one row per model and suite.
#[must_use]
pub fn rates_grid(calibration: &Calibration) -> Grid {
    let heads = [
        "suite",
        "model",
        "answered % (run's labels)",
        "n",
        "external labels only",
        "labels",
        "prediction-powered",
        "Rogan–Gladen",
    ];
    let mut grid = Grid::new(&heads, &[3, 5]);
    let n = |of: &Result<Estimate, Undefined>| of.as_ref().map_or(0, |e| e.n).to_string();
    let estimate = |of: &Result<Estimate, Undefined>| share(of.map(|e| (e.value, e.interval)));
    let corrected = |of: &Result<Coefficient, Undefined>| share(of.map(|c| (c.value, c.interval)));
    grid.rows = calibration
        .rates
        .iter()
        .map(|rate| {
            vec![
                rate.suite.clone(),
                rate.model.clone(),
                estimate(&rate.raw),
                n(&rate.raw),
                estimate(&rate.outside),
                n(&rate.outside),
                corrected(&rate.prediction_powered),
                if rate.contradicted {
                    "contradicted".into()
                } else {
                    corrected(&rate.rogan_gladen)
                },
            ]
        })
        .collect();
    grid
}

/// Notes below the tables.
#[must_use]
pub fn calibration_notes(calibration: &Calibration) -> Vec<String> {
    let mut notes = vec![format!(
        "{} labels compared. Intervals are 95 %; κ and AC1 over the labels, the shares over answered or withheld.",
        calibration.matched
    )];
    for (n, description) in [
        (
            calibration.unknown,
            "labels do not belong to a trial of this run",
        ),
        (
            calibration.disputed,
            "trials have conflicting labels without a majority and are excluded",
        ),
        (
            calibration.without_verdict,
            "labelled trials have no verdict on one side (unsure, unable, truncated, no label, an error) and are excluded from agreement",
        ),
        (
            calibration.no_label,
            "of them have no label from the run's judge, whose replies were not usable",
        ),
    ] {
        if n > 0 {
            notes.push(format!("{n} {description}."));
        }
    }
    notes.push(
        "Prediction-powered rates need at least 100 labels drawn at random from the model's answers, at least 10 of them on each side. Rogan–Gladen assumes that the error rates on other models' answers also hold for this model's."
            .into(),
    );
    if calibration.rates.iter().any(|r| r.contradicted) {
        notes.push(
            "contradicted: the raw rate is impossible under these error rates, so they do not apply to this model."
                .into(),
        );
    }
    notes
}
