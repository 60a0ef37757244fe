//! A gate's power, as a table.

use crate::gate::{Basis, RulePlan};
use crate::report::figures::{count, percent};
use crate::report::table::Grid;

/// One row per rule.
#[must_use]
pub fn plan_table(plans: &[RulePlan], power: f64, find_drop: Option<f64>) -> Grid {
    let needed = format!("n for {} %", short_percent(power));
    let seen = format!("drop detected with {} % power", short_percent(power));
    let found = find_drop.map(|d| format!("n to detect {} points", percent(d)));
    let mut heads = vec![
        "rule",
        "n",
        "epochs",
        "P(pass | no change)",
        &seen,
        &needed,
        "or epochs",
        "cost",
        "cost at that n",
    ];
    heads.extend(found.as_deref());
    let mut grid = Grid::new(&heads, &[1, 2, 3, 4, 5, 6, 7, 8, 9]).spare(&[
        "cost at that n",
        "or epochs",
        "cost",
        "epochs",
    ]);
    let dash = || "–".to_owned();
    let dollars = |cost: Option<f64>| cost.map_or_else(dash, |c| format!("${c:.2}"));
    for plan in plans {
        let cell = plan
            .cell
            .as_ref()
            .map(|c| format!(" ({c})"))
            .unwrap_or_default();
        let then = match (plan.cost_questions, plan.cost_epochs) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        grid.rows.push(vec![
            format!("{}{cell}", plan.name),
            plan.n.to_string(),
            plan.epochs.to_string(),
            plan.pass
                .map_or_else(dash, |p| format!("{} %", short_percent(p))),
            plan.detectable
                .map_or_else(dash, |d| format!("{} points", percent(d))),
            plan.questions_needed.map_or_else(dash, |n| n.to_string()),
            plan.epochs_needed.map_or_else(dash, |k| k.to_string()),
            dollars(plan.cost),
            dollars(then),
        ]);
        if let (Some(row), true) = (grid.rows.last_mut(), find_drop.is_some()) {
            row.push(plan.questions_to_find.map_or_else(dash, |n| n.to_string()));
        }
    }
    grid
}

/// The table's assumptions, and what it means for all rules together.
#[must_use]
pub fn plan_notes(plans: &[RulePlan]) -> Vec<String> {
    let mut notes: Vec<String> = plans
        .iter()
        .filter_map(|p| p.remark.as_ref().map(|r| format!("{}: {r}.", p.name)))
        .collect();
    let bases: Vec<(Basis, &str)> = vec![
        (Basis::Epochs, "the baseline's own epochs"),
        (
            Basis::Scores,
            "the baseline's scores, assuming that two fifths of their variance is within questions; a baseline with several epochs would measure it",
        ),
        (Basis::Pairs, "the baseline's own pairs"),
    ];
    for (basis, words) in bases {
        let names: Vec<&str> = plans
            .iter()
            .filter(|p| p.basis == basis)
            .map(|p| p.name.as_str())
            .collect();
        if !names.is_empty() {
            notes.push(format!("Variance from {words}: {}.", names.join(", ")));
        }
    }
    let chances: Vec<f64> = plans.iter().filter_map(|p| p.pass).collect();
    if chances.len() > 1 {
        notes.push(format!(
            "If the {} were independent, an unchanged model would pass all of them in about {} % of runs. A gate passes only if every rule passes: keep their number small.",
            count(chances.len(), "rule"),
            short_percent(chances.iter().product())
        ));
    }
    notes
}

fn short_percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}
