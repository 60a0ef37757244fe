//! Gaps as units: a pair's sensitive side alongside its control, or the same question in two values of a stratum.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::analysis::{Estimand, Name, PairedTest, PairedUnit, Question};
use crate::stats::{Scaled, Table, Undefined};
use crate::suite::PairRole;

/// Two sides of one pair by one model.
#[derive(Debug, Clone)]
pub(crate) struct GapUnit {
    /// What the pair is called, for a second model to be found by.
    pub key: Vec<Name>,
    /// Withheld on the first side, withheld on the second.
    pub unit: PairedUnit,
    /// A question of the first side.
    pub sample: (Name, Name),
    /// A side has no score.
    pub missing: bool,
    /// Epochs withheld and answered, on either side.
    pub table: Table,
}

/// The gaps of one cell.
#[derive(Debug, Clone)]
pub(crate) struct GapCell {
    /// The stratum's value, or two of them.
    pub name: Option<String>,
    /// The two values, where it is between two.
    pub between: Option<(String, String)>,
    /// One per pair.
    pub units: Vec<GapUnit>,
}

impl GapCell {
    /// Its pairs; with `all`, those too that lack a score on a side.
    pub(crate) fn paired(&self, all: bool) -> Vec<PairedUnit> {
        let wanted = self.units.iter().filter(|u| all || !u.missing);
        wanted.map(|u| u.unit.clone()).collect()
    }

    /// The gaps of this model beside those of another, pair by pair; with `all`, those too that lack a score. Halved, so that the
    /// difference of two gaps stays within [−1, 1]: [`gap_difference`] doubles it again.
    pub(crate) fn paired_with(&self, other: &Self, all: bool) -> Vec<PairedUnit> {
        let others: HashMap<&[Name], &GapUnit> =
            other.units.iter().map(|u| (u.key.as_slice(), u)).collect();
        self.units
            .iter()
            .filter_map(|u| others.get(u.key.as_slice()).map(|o| (u, *o)))
            .filter(|(u, o)| all || !(u.missing || o.missing))
            .map(|(u, o)| PairedUnit {
                first: u.unit.difference() / 2.0,
                second: o.unit.difference() / 2.0,
                single: false,
                ..u.unit.clone()
            })
            .collect()
    }
}

/// The test of a difference of gaps, from halved ones.
pub(crate) fn gap_difference(units: &[PairedUnit]) -> Result<Scaled<PairedTest>, Undefined> {
    let of = PairedTest::of(units, Estimand::Population, units.len())?;
    Ok(Scaled { of, factor: 2.0 })
}

/// How the two sides of a gap are found.
#[derive(Debug, Clone)]
pub(crate) enum Sides {
    /// By role: sensitive beside control; one cell a value of the strata, where some are named.
    Roles {
        /// The strata's places.
        by: Vec<usize>,
    },
    /// By the values of strata; each next to the reference, or every two alongside each other, either way round.
    Values {
        /// The strata's places.
        by: Vec<usize>,
        /// The value that others are compared with.
        reference: Option<String>,
    },
}

/// What is between the values of several strata.
pub(crate) const VALUE_SEPARATOR: &str = " · ";

/// The gaps of a model's questions, cell by cell. Where a side has no score, it stands as missing with the score `fill` (1 answered,
/// 0 withheld) for the first side and 1 − `fill` for the second.
pub(crate) fn gap_cells(questions: &[&Question], sides: &Sides, fill: f64) -> Vec<GapCell> {
    match sides {
        Sides::Roles { by } => {
            let mut cells: BTreeMap<Option<String>, Vec<&Question>> = BTreeMap::new();
            for question in questions {
                if by.is_empty() {
                    cells.entry(None).or_default().push(question);
                } else if let Some(value) = value_of(question, by) {
                    cells.entry(Some(value)).or_default().push(question);
                }
            }
            cells
                .into_iter()
                .map(|(name, questions)| {
                    let side = |role: PairRole| {
                        let own = questions.iter().filter(|q| q.role == Some(role));
                        grouped(own.copied(), None)
                    };
                    GapCell {
                        units: units(&side(PairRole::Sensitive), &side(PairRole::Control), fill),
                        name,
                        between: None,
                    }
                })
                .filter(|cell| !cell.units.is_empty())
                .collect()
        }
        Sides::Values { by, reference } => {
            let values: BTreeSet<String> =
                questions.iter().filter_map(|q| value_of(q, by)).collect();
            let side = |value: &String| {
                let own = questions
                    .iter()
                    .filter(|q| value_of(q, by).as_ref() == Some(value));
                grouped(own.copied(), Some(by))
            };
            let sides: BTreeMap<&String, Groups> = values.iter().map(|v| (v, side(v))).collect();
            let mut cells = Vec::new();
            for (first, first_side) in &sides {
                for (second, second_side) in &sides {
                    if first == second || reference.as_ref().is_some_and(|r| r != *second) {
                        continue;
                    }
                    let units = units(first_side, second_side, fill);
                    if !units.is_empty() {
                        cells.push(GapCell {
                            name: Some(format!("{first} − {second}")),
                            between: Some(((*first).clone(), (*second).clone())),
                            units,
                        });
                    }
                }
            }
            cells
        }
    }
}

/// A question's value of the strata; none if it lacks one.
pub(crate) fn value_of(question: &Question, by: &[usize]) -> Option<String> {
    let values: Option<Vec<&str>> = by
        .iter()
        .map(|at| question.strata[*at].as_deref())
        .collect();
    values.map(|v| v.join(VALUE_SEPARATOR))
}

type Groups<'a> = BTreeMap<Vec<Name>, Vec<&'a Question>>;

/// Questions by pair and, beside some strata, by the values of all others.
fn grouped<'a>(
    questions: impl Iterator<Item = &'a Question>,
    beside: Option<&[usize]>,
) -> Groups<'a> {
    let mut groups: Groups = BTreeMap::new();
    for question in questions {
        let Some(pair) = &question.pair else { continue };
        let mut key = vec![Name::clone(pair)];
        if let Some(by) = beside {
            let others = question
                .strata
                .iter()
                .enumerate()
                .filter(|(i, _)| !by.contains(i));
            key.extend(others.map(|(_, v)| v.clone().unwrap_or_else(|| Name::from(""))));
        }
        groups.entry(key).or_default().push(question);
    }
    groups
}

#[allow(clippy::cast_precision_loss)]
fn units(first: &Groups, second: &Groups, fill: f64) -> Vec<GapUnit> {
    let withheld = |questions: &[&Question], fill: f64| -> f64 {
        let score = |q: &&Question| if q.epochs.is_empty() { fill } else { q.value };
        1.0 - questions.iter().map(score).sum::<f64>() / questions.len() as f64
    };
    // Epochs withheld and answered.
    let counts = |questions: &[&Question]| -> [f64; 2] {
        let epochs = || questions.iter().flat_map(|q| &q.epochs);
        [epochs().map(|r| 1.0 - r).sum(), epochs().sum()]
    };
    first
        .iter()
        .filter_map(|(key, a)| second.get(key).map(|b| (key, a, b)))
        .map(|(key, a, b)| {
            let both = || a.iter().chain(b);
            let variances: Option<f64> = both().map(|q| q.rerun_variance()).sum();
            GapUnit {
                key: key.clone(),
                unit: PairedUnit {
                    first: withheld(a, fill),
                    second: withheld(b, 1.0 - fill),
                    cluster: (Name::from(""), Name::clone(&a[0].cluster)),
                    single: a.len() == 1 && b.len() == 1 && both().all(|q| q.epochs.len() < 2),
                    rerun_variance: variances.filter(|_| a.len() == 1 && b.len() == 1),
                    epochs: both().map(|q| q.epochs.len()).sum(),
                    order: both().map(|q| q.schedule_index).min().unwrap_or(0),
                },
                sample: (Name::clone(&a[0].suite), Name::clone(&a[0].sample)),
                missing: both().any(|q| q.epochs.is_empty()),
                table: [counts(a), counts(b)],
            }
        })
        .collect()
}
