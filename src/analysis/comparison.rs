//! A model alongside a baseline on the questions both were asked.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use serde::{Serialize, Serializer};

use super::paired::{adjusted, estimate_and_p};
use super::{Asked, Estimand, LEVEL, Measure, PairedTest, PairedUnit, Question};
use crate::stats::{Estimate, Inference, TwoGroups, Undefined, newcombe_hybrid, normal_quantile};

/// The difference of a model to a baseline.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The model.
    pub model: String,
    /// The baseline.
    pub baseline: String,
    /// The suite; none over several.
    pub suite: Option<String>,
    /// What the difference is of.
    pub measure: Measure,
    /// Model − baseline of that measure, with its 95 % interval.
    #[serde(serialize_with = "or_undefined")]
    pub difference: Result<Estimate, Undefined>,
    /// Two-sided p of no difference, from the same statistic.
    pub p: Option<f64>,
    /// How the interval was made.
    pub method: &'static str,
    /// Questions that both have a score for.
    pub shared: usize,
    /// Questions that only one of the two was asked.
    pub unshared: usize,
    /// Questions that both were asked and one or both have no score for.
    pub missing: usize,
    /// The same with every missing score of the model at 0 and of the baseline at 1; none if nothing is missing.
    pub worst: Option<Estimate>,
    /// The same the other way round.
    pub best: Option<Estimate>,
    /// The smallest true difference that this many questions find in 80 of 100 cases.
    pub detectable: Option<f64>,
    /// Questions that the model got and the baseline did not.
    pub gained: Vec<String>,
    /// Questions that the baseline got and the model did not.
    pub lost: Vec<String>,
}

impl Comparison {
    /// The same in the suite's measure: of shares withheld, where the scores that were compared are shares answered.
    #[must_use]
    pub fn in_measure(self, measure: Measure) -> Self {
        if measure == self.measure {
            return self;
        }
        Self {
            measure,
            difference: self.difference.map(|d| d.negated()),
            worst: self.worst.map(|w| w.negated()),
            best: self.best.map(|b| b.negated()),
            ..self
        }
    }

    /// Whether it holds two samples of one suite against each other, not the same questions.
    #[must_use]
    pub fn is_unpaired(&self) -> bool {
        self.shared == 0 && self.difference.is_ok()
    }
}

/// Writes a figure, or why there is none, as `{"undefined": …}`.
pub(super) fn or_undefined<T: Serialize, S: Serializer>(
    figure: &Result<T, Undefined>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Missing {
        undefined: Undefined,
    }
    match figure {
        Ok(figure) => figure.serialize(serializer),
        Err(undefined) => Missing {
            undefined: *undefined,
        }
        .serialize(serializer),
    }
}

/// Compares on one suite, or on several at once: every question counts once.
#[must_use]
pub fn compare(
    asked: &Asked,
    suites: &[&str],
    model: &str,
    baseline: &str,
    estimand: Estimand,
) -> Comparison {
    let pairs = Pairs::of(asked, suites, model, baseline);
    let mut comparison = pairs.comparison(suites, model, baseline, estimand);
    // Different questions of one suite are two samples of the same; those of different suites have nothing to do with each other.
    if let ([suite], true, true) = (suites, pairs.shared.is_empty(), pairs.missing.is_empty())
        && let Ok(difference) = unpaired(asked, suite, model, baseline)
    {
        comparison.difference = Ok(difference);
        comparison.method =
            "unpaired, Newcombe's hybrid score interval: needs several times as many questions";
    }
    comparison
}

/// Two models that share no question of a suite, each with single yes/no answers that stand alone.
#[allow(clippy::cast_precision_loss)]
fn unpaired(
    asked: &Asked,
    suite: &str,
    model: &str,
    baseline: &str,
) -> Result<Estimate, Undefined> {
    let count = |name: &str| -> Result<(u64, u64), Undefined> {
        let own = |q: &&Question| &*q.model == name && &*q.suite == suite;
        let (mut right, mut all) = (0, 0);
        for question in asked.scored.iter().filter(own) {
            let alone = question.cluster == question.sample && question.epochs.len() == 1;
            match question.value {
                1.0 if alone => right += 1,
                0.0 if alone => {}
                _ => return Err(Undefined::NoData),
            }
            all += 1;
        }
        Ok((right, all))
    };
    let ((x1, n1), (x2, n2)) = (count(model)?, count(baseline)?);
    let interval = newcombe_hybrid(TwoGroups { x1, n1, x2, n2 }, LEVEL)?;
    let n = usize::try_from(n1.min(n2)).unwrap_or(usize::MAX);
    Ok(Estimate {
        value: x1 as f64 / n1 as f64 - x2 as f64 / n2 as f64,
        interval,
        n,
        clusters: n,
    })
}

/// Two models' answers laid side by side.
pub(crate) struct Pairs<'a> {
    /// Both scored: the model's, the baseline's.
    pub shared: Vec<(&'a Question, &'a Question)>,
    /// Both asked, and at least one without a score.
    pub missing: Vec<(&'a Question, &'a Question)>,
    /// Asked of one only.
    pub unshared: usize,
}

impl<'a> Pairs<'a> {
    pub(super) fn of(asked: &'a Asked, suites: &[&str], model: &str, baseline: &str) -> Self {
        let of = |name: &str| {
            asked
                .all()
                .filter(|q| &*q.model == name && suites.contains(&&*q.suite))
                .collect::<Vec<_>>()
        };
        Self::between(&of(model), &of(baseline))
    }

    /// Two lists of answers, each of one model.
    pub(crate) fn between(model: &[&'a Question], baseline: &[&'a Question]) -> Self {
        let aligned = model.len() == baseline.len()
            && model.iter().zip(baseline).all(|(a, b)| a.key() == b.key());
        let both: Vec<(&Question, &Question)> = if aligned {
            // Two models of one run: their questions come in one order.
            model
                .iter()
                .copied()
                .zip(baseline.iter().copied())
                .collect()
        } else {
            let of_baseline: HashMap<(&str, &str), &Question, RandomState> =
                baseline.iter().map(|q| (q.key(), *q)).collect();
            model
                .iter()
                .filter_map(|a| of_baseline.get(&a.key()).map(|b| (*a, *b)))
                .collect()
        };
        let unshared = model.len() + baseline.len() - 2 * both.len();
        let (shared, missing) = both
            .into_iter()
            .partition(|(a, b)| !a.epochs.is_empty() && !b.epochs.is_empty());
        Self {
            shared,
            missing,
            unshared,
        }
    }

    /// The shared questions as units.
    pub(crate) fn units(&self) -> Vec<PairedUnit> {
        self.shared
            .iter()
            .map(|(a, b)| PairedUnit::of(a, b))
            .collect()
    }

    /// All questions as units, missing scores of the model set to `model` and of the baseline to `baseline`.
    pub(crate) fn filled(&self, model: f64, baseline: f64) -> Vec<PairedUnit> {
        let set = |unit: &mut f64, question: &Question, value: f64| {
            if question.epochs.is_empty() {
                *unit = value;
            }
        };
        let mut units = self.units();
        units.extend(self.missing.iter().map(|(a, b)| {
            let mut unit = PairedUnit::of(a, b);
            set(&mut unit.first, a, model);
            set(&mut unit.second, b, baseline);
            unit.single = a.epochs.len() < 2 && b.epochs.len() < 2;
            unit
        }));
        units
    }

    fn comparison(
        &self,
        suites: &[&str],
        model: &str,
        baseline: &str,
        estimand: Estimand,
    ) -> Comparison {
        let units = self.units();
        let planned = self.shared.len() + self.missing.len();
        let test = PairedTest::of(&units, estimand, planned);
        let (difference, p) = estimate_and_p(&test);
        let bound = |model: f64, baseline: f64| {
            if self.missing.is_empty() {
                return None;
            }
            PairedTest::of(&self.filled(model, baseline), Estimand::Population, planned)
                .and_then(|t| t.estimate(LEVEL))
                .ok()
        };
        let names = |pick: &dyn Fn(&Question, &Question) -> bool| -> Vec<String> {
            self.shared
                .iter()
                .filter(|(a, b)| pick(a, b))
                .map(|(a, _)| a.sample.to_string())
                .collect()
        };
        Comparison {
            model: model.into(),
            baseline: baseline.into(),
            suite: match suites {
                [one] => Some((*one).into()),
                _ => None,
            },
            measure: Measure::Score,
            difference,
            p,
            method: test.as_ref().map_or("", |t| t.method()),
            shared: self.shared.len(),
            unshared: self.unshared,
            missing: self.missing.len(),
            worst: bound(0.0, 1.0),
            best: bound(1.0, 0.0),
            detectable: detectable(&units),
            gained: names(&|a, b| a.value >= 0.5 && b.value < 0.5),
            lost: names(&|a, b| a.value < 0.5 && b.value >= 0.5),
        }
    }
}

/// (z₀.₉₇₅ + z₀.₈)·SE' of the adjusted test: the minimum detectable effect at 80 % power.
fn detectable(units: &[PairedUnit]) -> Option<f64> {
    let z = normal_quantile(0.975).ok()? + normal_quantile(0.8).ok()?;
    Some(z * adjusted(units).ok()?.se())
}
