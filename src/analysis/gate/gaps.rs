//! Gaps as units: a pair's sensitive side beside its control, or the same question in two values of a stratum.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::{Name, PairedUnit, Question};

/// Two sides of one pair by one model.
#[derive(Debug, Clone)]
pub(super) struct GapUnit {
    /// What the pair is called, for a second model to be found by.
    pub key: Vec<Name>,
    /// Withheld on the first side, withheld on the second.
    pub unit: PairedUnit,
    /// A question of the first side.
    pub sample: (Name, Name),
    /// A side has no score.
    pub missing: bool,
}

/// The gaps of one cell.
pub(super) struct GapCell {
    /// The stratum's value, or two of them.
    pub name: Option<String>,
    /// One a pair.
    pub units: Vec<GapUnit>,
}

/// How the two sides of a gap are found.
pub(super) enum Sides<'a> {
    /// By role: sensitive beside control; one cell a value of the stratum, where one is named.
    Roles {
        /// The stratum's place.
        by: Option<usize>,
    },
    /// By the values of a stratum; each beside the reference, or every two beside each other, either way round.
    Values {
        /// The stratum's place.
        by: usize,
        /// The value that others are held against.
        reference: Option<&'a str>,
    },
}

/// The gaps of a model's questions, cell by cell. Where a side has no score, it stands as missing with the score `fill` (1 answered,
/// 0 withheld) for the first side and 1 − `fill` for the second.
pub(super) fn gap_cells(questions: &[&Question], sides: &Sides, fill: f64) -> Vec<GapCell> {
    match *sides {
        Sides::Roles { by } => {
            let mut cells: BTreeMap<Option<&Name>, Vec<&Question>> = BTreeMap::new();
            for question in questions {
                match by.map(|at| question.strata[at].as_ref()) {
                    Some(None) => {}
                    Some(value) => cells.entry(value).or_default().push(question),
                    None => cells.entry(None).or_default().push(question),
                }
            }
            cells
                .into_iter()
                .map(|(value, questions)| {
                    let side = |role: &str| {
                        grouped(
                            questions
                                .iter()
                                .filter(|q| q.role.as_deref() == Some(role))
                                .copied(),
                            None,
                        )
                    };
                    GapCell {
                        name: value.map(ToString::to_string),
                        units: units(&side("sensitive"), &side("control"), fill),
                    }
                })
                .filter(|cell| !cell.units.is_empty())
                .collect()
        }
        Sides::Values { by, reference } => {
            let values: BTreeSet<&Name> = questions
                .iter()
                .filter_map(|q| q.strata[by].as_ref())
                .collect();
            let side = |value: &Name| {
                grouped(
                    questions
                        .iter()
                        .filter(|q| q.strata[by].as_ref() == Some(value))
                        .copied(),
                    Some(by),
                )
            };
            let mut cells = Vec::new();
            for first in &values {
                for second in &values {
                    let wanted = match reference {
                        Some(reference) => &***second == reference,
                        None => true,
                    };
                    if first == second || !wanted {
                        continue;
                    }
                    let units = units(&side(first), &side(second), fill);
                    if !units.is_empty() {
                        cells.push(GapCell {
                            name: Some(format!("{first} − {second}")),
                            units,
                        });
                    }
                }
            }
            cells
        }
    }
}

/// Questions by pair and, beside a stratum, by the values of all others.
fn grouped<'a>(
    questions: impl Iterator<Item = &'a Question>,
    beside: Option<usize>,
) -> BTreeMap<Vec<Name>, Vec<&'a Question>> {
    let mut groups: BTreeMap<Vec<Name>, Vec<&Question>> = BTreeMap::new();
    for question in questions {
        let Some(pair) = &question.pair else { continue };
        let mut key = vec![Name::clone(pair)];
        if let Some(at) = beside {
            let others = question.strata.iter().enumerate().filter(|(i, _)| *i != at);
            key.extend(others.map(|(_, v)| v.clone().unwrap_or_else(|| Name::from(""))));
        }
        groups.entry(key).or_default().push(question);
    }
    groups
}

#[allow(clippy::cast_precision_loss)]
fn units(
    first: &BTreeMap<Vec<Name>, Vec<&Question>>,
    second: &BTreeMap<Vec<Name>, Vec<&Question>>,
    fill: f64,
) -> Vec<GapUnit> {
    let withheld = |questions: &[&Question], fill: f64| -> f64 {
        let score = |q: &&Question| if q.repeats.is_empty() { fill } else { q.value };
        1.0 - questions.iter().map(score).sum::<f64>() / questions.len() as f64
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
                    single: a.len() == 1 && b.len() == 1 && both().all(|q| q.repeats.len() < 2),
                    rerun_variance: variances.filter(|_| a.len() == 1 && b.len() == 1),
                    repeats: both().map(|q| q.repeats.len()).sum(),
                    order: both().map(|q| q.schedule_index).min().unwrap_or(0),
                },
                sample: (Name::clone(&a[0].suite), Name::clone(&a[0].sample)),
                missing: both().any(|q| q.repeats.is_empty()),
            }
        })
        .collect()
}
