//! Checks of gaps: against a ceiling, or against the baseline's gaps pair by pair.

use super::GateError;
use super::build::{Builder, MAX_INFLUENTIAL, paired};
use super::check::{Bound, Check, boxed};
use super::file::{Condition, Rule};
use crate::analysis::{
    GapCell, GapUnit, PairedTest, PairedUnit, Question, Sides, gap_cells, gap_difference,
};

impl Builder<'_> {
    /// The cell with the fewest pairs, and the gap of each of them.
    pub(super) fn smallest_gap(
        &self,
        index: usize,
        rule: &Rule,
    ) -> Result<(Option<String>, Vec<f64>), GateError> {
        let own = self.questions(index, rule, false);
        let cells = gap_cells(&own, &self.sides(rule, &own)?, 0.0);
        let smallest = cells.into_iter().min_by_key(|c| c.units.len());
        Ok(smallest.map_or((None, Vec::new()), |cell| {
            let gaps = cell.units.iter().map(|u| u.unit.difference()).collect();
            (cell.name, gaps)
        }))
    }

    /// Gaps of the candidate, or their difference to the baseline's.
    pub(super) fn gaps(
        &self,
        index: usize,
        rule: &Rule,
        own: &[&Question],
        base: &[&Question],
    ) -> Result<Vec<Check>, GateError> {
        let sides = self.sides(rule, own)?;
        let base_by: Vec<usize> = self
            .baseline
            .zip(rule.by.as_ref())
            .and_then(|(b, name)| b.data.stratum(name).ok())
            .into_iter()
            .collect();
        let base_sides = match &sides {
            Sides::Roles { .. } => Sides::Roles { by: base_by },
            Sides::Values { reference, .. } => Sides::Values {
                by: base_by,
                reference: reference.clone(),
            },
        };
        // Worst for the candidate: what is missing on the first side counts as withheld, on the second as answered.
        let (worst, best) = (gap_cells(own, &sides, 0.0), gap_cells(own, &sides, 1.0));
        let base_cells = gap_cells(base, &base_sides, 1.0);
        Ok(worst
            .iter()
            .zip(&best)
            .map(|(worst, best)| match &rule.condition {
                Condition::NotWorseBy(margin) => {
                    let base = base_cells.iter().find(|c| c.name == worst.name);
                    Self::gap_difference(index, worst, best, base, *margin)
                }
                Condition::AtLeast(limit) => self.gap(
                    index,
                    (worst, best),
                    Bound::Above {
                        limit: *limit,
                        difference: false,
                    },
                ),
                Condition::AtMost(limit) => self.gap(
                    index,
                    (worst, best),
                    Bound::Below {
                        limit: *limit,
                        difference: false,
                    },
                ),
                Condition::MustPass(_) => self.gap(
                    index,
                    (worst, best),
                    Bound::Below {
                        limit: 0.0,
                        difference: false,
                    },
                ),
            })
            .collect())
    }

    /// How the two sides of a rule's gaps are found.
    fn sides(&self, rule: &Rule, own: &[&Question]) -> Result<Sides, GateError> {
        let roles = own.iter().any(|q| q.role.is_some());
        match (roles, self.stratum(rule)) {
            (true, by) => Ok(Sides::Roles {
                by: by.into_iter().collect(),
            }),
            (false, Some(by)) => Ok(Sides::Values {
                by: vec![by],
                reference: rule.reference.clone(),
            }),
            (false, None) => Err(self.gate.at_metric(
                rule,
                "these questions have no matched controls",
                "name a stratum with by = … to compute gaps between its values, paired by question",
            )),
        }
    }

    fn gap(&self, index: usize, (worst, best): (&GapCell, &GapCell), bound: Bound) -> Check {
        let missing = worst.units.iter().filter(|u| u.missing).count();
        let planned = worst.units.len();
        let test = |units: Vec<PairedUnit>| paired(&units, self.gate.estimand, planned);
        let figure = PairedTest::of(&worst.paired(false), self.gate.estimand, planned);
        Check {
            rule: index,
            cell: worst.name.clone(),
            bound,
            method: figure.as_ref().map_or("", |t| t.method()),
            figure: boxed(figure),
            extremes: (missing > 0).then(|| (test(worst.paired(true)), test(best.paired(true)))),
            missing,
            rerun: None,
            heaviest: heaviest(&worst.units),
        }
    }

    /// Candidate's gap − baseline's, pair by pair: positive where the candidate withholds more.
    fn gap_difference(
        index: usize,
        worst: &GapCell,
        best: &GapCell,
        base: Option<&GapCell>,
        margin: f64,
    ) -> Check {
        let beside =
            |cell: &GapCell, all| base.map_or_else(Vec::new, |base| cell.paired_with(base, all));
        let test = |units: Vec<PairedUnit>| boxed(gap_difference(&units));
        let (shared, all) = (beside(worst, false), beside(worst, true));
        let missing = all.len() - shared.len();
        Check {
            rule: index,
            cell: worst.name.clone(),
            bound: Bound::Below {
                limit: margin,
                difference: true,
            },
            figure: test(shared),
            extremes: (missing > 0).then(|| (test(all), test(beside(best, true)))),
            missing,
            rerun: None,
            heaviest: heaviest(&worst.units),
            method: "adjusted clustered t interval for differences of gaps",
        }
    }
}

fn heaviest(units: &[GapUnit]) -> Vec<(String, String)> {
    let mut sorted: Vec<&GapUnit> = units.iter().filter(|u| u.unit.difference() > 0.0).collect();
    sorted.sort_by(|a, b| b.unit.difference().total_cmp(&a.unit.difference()));
    sorted
        .iter()
        .take(MAX_INFLUENTIAL)
        .map(|u| (u.sample.0.to_string(), u.sample.1.to_string()))
        .collect()
}
