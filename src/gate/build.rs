//! From a rule to its checks.

use std::collections::BTreeMap;

use super::check::{Bound, Check, Figure, boxed};
use super::file::{Condition, GateFile, Rule};
use super::measure::{Measure, Summary};
use super::readings::{Readings, Source};
use super::{GateError, Side};
use crate::analysis::{
    BiasContext, BiasCounts, Estimand, MeanScore, MetricName, Name, PairedTest, PairedUnit, Pairs,
    Question,
};
use crate::score::{Aggregate, aggregate_of};
use crate::stats::{Exact, Undefined};

/// Maximum number of influential questions listed.
pub(super) const MAX_INFLUENTIAL: usize = 5;

/// Makes the checks of a gate.
pub(super) struct Builder<'a> {
    pub gate: &'a GateFile,
    pub candidate: Side<'a>,
    pub baseline: Option<Side<'a>>,
    pub readings: &'a Readings,
}

/// A rule's questions in one value of its stratum.
pub(super) type Cells<'a> = Vec<(Option<String>, Vec<&'a Question>)>;

impl<'a> Builder<'a> {
    /// Every check of every rule, in the file's order.
    pub(super) fn checks(&self) -> Result<Vec<Check>, GateError> {
        let mut checks = Vec::new();
        for (index, rule) in self.gate.rules.iter().enumerate() {
            let own = self.rule(index, rule)?;
            if own.is_empty() {
                return Err(nothing(rule, "it matches no question of the candidate"));
            }
            checks.extend(own);
        }
        Ok(checks)
    }

    fn rule(&self, index: usize, rule: &Rule) -> Result<Vec<Check>, GateError> {
        let own = self.questions(index, rule, false);
        let base = match (&rule.condition, self.baseline) {
            (Condition::NotWorseBy(_), None) => {
                return Err(GateError::NoBaseline {
                    rule: rule.name.clone(),
                });
            }
            (Condition::NotWorseBy(_), Some(_)) => self.questions(index, rule, true),
            _ => Vec::new(),
        };
        if rule.measure == Measure::Gap {
            return self.gaps(index, rule, &own, &base);
        }
        if let (Measure::Score { .. }, Source::Metrics(metrics)) =
            (&rule.measure, self.readings.of(index))
            && metrics
                .iter()
                .any(|m| aggregate_of(&m.scorer, &m.metric) != Aggregate::Mean)
        {
            return self.counted_checks(index, rule, metrics);
        }
        let cells = self.cells(rule, own);
        cells
            .into_iter()
            .map(|(cell, questions)| match &rule.condition {
                Condition::NotWorseBy(margin) => {
                    Ok(self.difference(index, rule, cell, &questions, &base, *margin))
                }
                Condition::AtLeast(limit) => {
                    let bound = Bound::Above {
                        limit: *limit,
                        difference: false,
                    };
                    self.level(index, rule, cell, &questions, bound)
                }
                Condition::AtMost(limit) => self.level(
                    index,
                    rule,
                    cell,
                    &questions,
                    Bound::Below {
                        limit: *limit,
                        difference: false,
                    },
                ),
                Condition::MustPass(ids) => Self::critical(index, rule, cell, &questions, ids),
            })
            .collect()
    }

    /// A rule's questions in each value of its stratum.
    pub(super) fn cells_of(&self, index: usize, rule: &Rule) -> Cells<'a> {
        self.cells(rule, self.questions(index, rule, false))
    }

    /// A side's questions that a rule is about.
    pub(super) fn questions(&self, index: usize, rule: &Rule, baseline: bool) -> Vec<&'a Question> {
        let side = if baseline {
            self.baseline
        } else {
            Some(self.candidate)
        };
        let (Some(asked), Some(side)) = (self.readings.asked(index, baseline), side) else {
            return Vec::new();
        };
        let only: Vec<(Option<usize>, &Vec<String>)> = rule
            .only
            .iter()
            .map(|(name, values)| (side.data.stratum(name).ok(), values))
            .collect();
        asked
            .all()
            .filter(|q| {
                only.iter().all(|(at, values)| {
                    at.and_then(|at| q.strata[at].as_deref())
                        .is_some_and(|value| values.iter().any(|v| v == value))
                })
            })
            .collect()
    }

    fn cells(&self, rule: &Rule, questions: Vec<&'a Question>) -> Cells<'a> {
        let Some(at) = self.stratum(rule) else {
            return if questions.is_empty() {
                Vec::new()
            } else {
                vec![(None, questions)]
            };
        };
        let mut cells: BTreeMap<&Name, Vec<&Question>> = BTreeMap::new();
        for question in questions {
            if let Some(value) = &question.strata[at] {
                cells.entry(value).or_default().push(question);
            }
        }
        cells
            .into_iter()
            .map(|(value, questions)| (Some(value.to_string()), questions))
            .collect()
    }

    pub(super) fn stratum(&self, rule: &Rule) -> Option<usize> {
        rule.by
            .as_ref()
            .and_then(|name| self.candidate.data.stratum(name).ok())
    }

    /// Candidate beside baseline on shared questions, oriented so that up is good.
    #[allow(clippy::cast_precision_loss)]
    fn difference(
        &self,
        index: usize,
        rule: &Rule,
        cell: Option<String>,
        own: &[&'a Question],
        base: &[&'a Question],
        margin: f64,
    ) -> Check {
        let up = rule.measure.up_is_good();
        let mut pairs = Pairs::between(own, base);
        let planned = pairs.shared.len() + pairs.missing.len();
        let oriented = |units: Vec<PairedUnit>| -> Vec<PairedUnit> {
            if up {
                units
            } else {
                units.into_iter().map(PairedUnit::swapped).collect()
            }
        };
        let test = |units: Vec<PairedUnit>| paired(&oriented(units), self.gate.estimand, planned);
        let units = pairs.units();
        let n = units.len() as f64;
        let rerun: Option<f64> = units.iter().map(|u| u.rerun_variance).sum();
        let epochs = own.iter().map(|q| q.epochs.len()).min().unwrap_or(1);
        let (worst, best) = if up {
            ((0.0, 1.0), (1.0, 0.0))
        } else {
            ((1.0, 0.0), (0.0, 1.0))
        };
        let extremes = (!pairs.missing.is_empty()).then(|| {
            (
                test(pairs.filled(worst.0, worst.1)),
                test(pairs.filled(best.0, best.1)),
            )
        });
        let sign = if up { 1.0 } else { -1.0 };
        let figure = PairedTest::of(&oriented(units), self.gate.estimand, planned);
        let method = figure.as_ref().map_or("", |t| t.method());
        let missing = pairs.missing.len();
        pairs.shared.sort_by(|(a, b), (c, d)| {
            (sign * (a.value - b.value)).total_cmp(&(sign * (c.value - d.value)))
        });
        Check {
            rule: index,
            cell,
            bound: Bound::Above {
                limit: -margin,
                difference: true,
            },
            figure: boxed(figure),
            extremes,
            missing,
            rerun: rerun.map(|sum| (sum / (n * n), epochs)),
            heaviest: pairs
                .shared
                .iter()
                .take(MAX_INFLUENTIAL)
                .filter(|(a, b)| sign * (a.value - b.value) < 0.0)
                .map(|(a, _)| (a.suite.to_string(), a.sample.to_string()))
                .collect(),
            method,
        }
    }

    /// The candidate alone, against a floor or a ceiling.
    fn level(
        &self,
        index: usize,
        rule: &Rule,
        cell: Option<String>,
        questions: &[&Question],
        bound: Bound,
    ) -> Result<Check, GateError> {
        let scored: Vec<&Question> = questions
            .iter()
            .copied()
            .filter(|q| !q.epochs.is_empty())
            .collect();
        let missing = questions.len() - scored.len();
        let planned = questions.len();
        let mut heaviest = scored.clone();
        let up = matches!(bound, Bound::Above { .. });
        heaviest.sort_by(|a, b| {
            if up {
                a.value.total_cmp(&b.value)
            } else {
                b.value.total_cmp(&a.value)
            }
        });
        let mut extremes = None;
        let (figure, method) = match &rule.measure {
            Measure::Trial(measure) if let Summary::Amount { of, method } = &measure.summary => {
                if scored.is_empty() {
                    return Err(nothing(rule, "no trial of the run records it"));
                }
                (of(&scored), *method)
            }
            _ => {
                if missing > 0 {
                    let filled = |value: f64| {
                        let all: Vec<Question> =
                            questions.iter().map(|q| q.filled(value)).collect();
                        let all: Vec<&Question> = all.iter().collect();
                        boxed(MeanScore::of(&all, Estimand::Population, planned))
                    };
                    let (worst, best) = if up { (0.0, 1.0) } else { (1.0, 0.0) };
                    extremes = Some((filled(worst), filled(best)));
                }
                (
                    boxed(MeanScore::of(&scored, self.gate.estimand, planned)),
                    "Wilson's interval on the effective sample size",
                )
            }
        };
        let heavy = |q: &&&Question| if up { q.value < 1.0 } else { q.value > 0.0 };
        Ok(Check {
            rule: index,
            cell,
            bound,
            figure,
            extremes,
            missing,
            rerun: None,
            heaviest: heaviest
                .iter()
                .filter(heavy)
                .take(MAX_INFLUENTIAL)
                .map(|q| (q.suite.to_string(), q.sample.to_string()))
                .collect(),
            method,
        })
    }

    /// Questions that must be right in every epoch.
    #[allow(clippy::cast_precision_loss)]
    fn critical(
        index: usize,
        rule: &Rule,
        cell: Option<String>,
        questions: &[&Question],
        ids: &[String],
    ) -> Result<Check, GateError> {
        let wanted: Vec<&&Question> = questions
            .iter()
            .filter(|q| ids.is_empty() || ids.iter().any(|id| **id == *q.sample))
            .collect();
        let absent: Vec<&str> = ids
            .iter()
            .filter(|id| questions.iter().all(|q| *q.sample != ***id))
            .map(String::as_str)
            .collect();
        if cell.is_none() && !absent.is_empty() {
            return Err(nothing(
                rule,
                &format!("the run has not asked {}", absent.join(", ")),
            ));
        }
        let n = wanted.len();
        let broken: Vec<&&&Question> = wanted
            .iter()
            .filter(|q| q.epochs.iter().any(|r| *r < 1.0))
            .collect();
        let missing = wanted.iter().filter(|q| q.epochs.is_empty()).count();
        let share = |broken: usize| -> Result<Figure, Undefined> {
            if n == 0 {
                return Err(Undefined::NoData);
            }
            let value = (n - broken) as f64 / n as f64;
            Ok(Box::new(Exact { value, n }))
        };
        Ok(Check {
            rule: index,
            cell,
            bound: Bound::Above {
                limit: 1.0,
                difference: false,
            },
            figure: share(broken.len()),
            extremes: (missing > 0).then(|| (share(broken.len() + missing), share(broken.len()))),
            missing,
            rerun: None,
            heaviest: broken
                .iter()
                .take(MAX_INFLUENTIAL)
                .map(|q| (q.suite.to_string(), q.sample.to_string()))
                .collect(),
            method: "all epochs counted",
        })
    }

    /// A metric that is made of counts, resampled over clusters.
    fn counted_checks(
        &self,
        index: usize,
        rule: &Rule,
        metrics: &[MetricName],
    ) -> Result<Vec<Check>, GateError> {
        let bound = match (&rule.condition, rule.by.is_some() || !rule.only.is_empty()) {
            (Condition::AtMost(limit), false) => Bound::Below {
                limit: *limit,
                difference: false,
            },
            (Condition::AtLeast(limit), false) => Bound::Above {
                limit: *limit,
                difference: false,
            },
            _ => {
                return Err(self.gate.at_metric(
                    rule,
                    "this metric is computed from counts over a whole suite",
                    "give it at_most or at_least, without by and where",
                ));
            }
        };
        let mut counts = BiasCounts::default();
        for metric in metrics {
            for labelled in self
                .candidate
                .data
                .labels(metric, Some(self.candidate.model), &[])?
            {
                counts.count(&labelled.cluster, &labelled.label);
            }
        }
        let ambiguous = metrics
            .iter()
            .any(|m| BiasContext::of(m) == Some(BiasContext::Ambiguous));
        let context = if ambiguous {
            BiasContext::Ambiguous
        } else {
            BiasContext::Disambiguated
        };
        Ok(vec![Check {
            rule: index,
            cell: None,
            bound,
            figure: boxed(counts.resampled(context)),
            extremes: None,
            missing: 0,
            rerun: None,
            heaviest: Vec::new(),
            method: "BCa bootstrap over clusters",
        }])
    }
}

pub(super) fn paired(
    units: &[PairedUnit],
    estimand: Estimand,
    planned: usize,
) -> Result<Figure, Undefined> {
    boxed(PairedTest::of(units, estimand, planned))
}

fn nothing(rule: &Rule, reason: &str) -> GateError {
    GateError::Nothing {
        rule: rule.name.clone(),
        reason: reason.into(),
    }
}
