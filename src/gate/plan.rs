//! What a gate could tell, before anything is asked.

use serde::Serialize;

use super::build::Builder;
use super::file::{Condition, GateFile, Rule};
use super::measure::Measure;
use super::readings::Readings;
use super::{GateError, Side};
use crate::analysis::{Question, TrialFigure};
use crate::stats::{
    ASSUMED_WITHIN_SHARE, ClusteredMean, PlannedComparison, VarianceComponents, fewest, normal_cdf,
    normal_quantile, unchanged_variance,
};

/// What is planned for, and what the plan may choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlanOptions {
    /// Target power: the probability that an unchanged model passes, and that the drop asked about is detected.
    pub power: f64,
    /// A true drop to detect.
    pub find_drop: Option<f64>,
    /// Questions per suite; by default the baseline's.
    pub questions: Option<usize>,
    /// Epochs per question; by default the gate file's, else the baseline's.
    pub epochs: Option<u32>,
}

/// The power of one rule.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RulePlan {
    /// The rule.
    pub name: String,
    /// The stratum's value, for the smallest of its cells.
    pub cell: Option<String>,
    /// Questions (or pairs).
    pub n: usize,
    /// Epochs per question.
    pub epochs: u32,
    /// Variance of a question's difference or score.
    pub variance: f64,
    /// Where the variance comes from.
    pub basis: Basis,
    /// Probability that an unchanged model passes.
    pub pass: Option<f64>,
    /// The smallest true drop below the baseline that fails with the target power; none for absolute limits.
    pub detectable: Option<f64>,
    /// Questions needed for an unchanged model to pass with the target power, at this number of epochs.
    pub questions_needed: Option<usize>,
    /// Epochs needed for the same, at this number of questions.
    pub epochs_needed: Option<u32>,
    /// Questions needed to detect the drop asked about with the target power.
    pub questions_to_find: Option<usize>,
    /// Cost of the run as planned, in US dollars.
    pub cost: Option<f64>,
    /// Cost with the questions needed, in US dollars.
    pub cost_questions: Option<f64>,
    /// Cost with the epochs needed, in US dollars.
    pub cost_epochs: Option<f64>,
    /// What the plan cannot say, and why.
    pub remark: Option<String>,
}

impl RulePlan {
    /// A plan of this many questions and epochs, with a variance and what it rests on, of which nothing is said yet.
    fn new(
        rule: &Rule,
        cell: Option<String>,
        (n, epochs): (usize, u32),
        (variance, basis): (f64, Basis),
    ) -> Self {
        Self {
            name: rule.name.clone(),
            cell,
            n,
            epochs,
            variance,
            basis,
            pass: None,
            detectable: None,
            questions_needed: None,
            epochs_needed: None,
            questions_to_find: None,
            cost: None,
            cost_questions: None,
            cost_epochs: None,
            remark: None,
        }
    }
}

/// Where a plan's variance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Basis {
    /// The baseline's epochs.
    Epochs,
    /// The baseline's scores, with an assumption on how much of their variance is within questions.
    Scores,
    /// The baseline's pairs.
    Pairs,
}

/// Plans every rule from a baseline's answers.
///
/// # Errors
/// [`GateError`] if a rule names what the baseline's run does not have.
pub fn plan(
    gate: &GateFile,
    baseline: Side,
    options: PlanOptions,
) -> Result<Vec<RulePlan>, GateError> {
    let readings = Readings::read(gate, baseline, Some(baseline))?;
    let builder = Builder {
        gate,
        candidate: baseline,
        baseline: Some(baseline),
        readings: &readings,
    };
    let mut plans = Vec::new();
    for (index, rule) in gate.rules.iter().enumerate() {
        if rule.measure == Measure::Gap {
            plans.push(plan_gap(
                gate,
                rule,
                &builder.smallest_gap(index, rule)?,
                options,
            ));
            continue;
        }
        let cells = builder.cells_of(index, rule);
        let Some((cell, questions)) = cells.into_iter().min_by_key(|(_, q)| q.len()) else {
            continue;
        };
        let price = price(rule, baseline)?;
        plans.push(plan_rule(gate, rule, cell, &questions, price, options));
    }
    Ok(plans)
}

/// Mean US dollars of a trial.
#[allow(clippy::cast_precision_loss)]
fn price(rule: &Rule, side: Side) -> Result<Option<f64>, GateError> {
    let suites: Vec<&str> = rule.suite_names().collect();
    let asked = side
        .data
        .measured(&suites, side.model, TrialFigure::Dollars)?;
    let known: Vec<f64> = asked.scored.iter().map(|q| q.value).collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    Ok((mean > 0.0).then_some(mean))
}

/// Variance within questions, and what it rests on.
#[allow(clippy::cast_precision_loss)]
fn within(questions: &[&Question]) -> (f64, Basis) {
    let rows: Vec<Vec<f64>> = questions.iter().map(|q| q.epochs.clone()).collect();
    match VarianceComponents::of(&rows) {
        Ok(components) if components.within > 0.0 => (components.within, Basis::Epochs),
        _ => {
            let p = questions.iter().map(|q| q.value).sum::<f64>() / questions.len().max(1) as f64;
            // A score of 0 or 1 is not known to be one: add two successes and two failures.
            let n = questions.len() as f64;
            let p = (p * n + 2.0) / (n + 4.0);
            (p * (1.0 - p) * ASSUMED_WITHIN_SHARE, Basis::Scores)
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn plan_rule(
    gate: &GateFile,
    rule: &Rule,
    cell: Option<String>,
    questions: &[&Question],
    price: Option<f64>,
    options: PlanOptions,
) -> RulePlan {
    let scored: Vec<&Question> = questions
        .iter()
        .copied()
        .filter(|q| !q.epochs.is_empty())
        .collect();
    let n = options
        .questions
        .or(gate.limit)
        .map_or(scored.len(), |n| n.min(scored.len().max(1)));
    let had = scored.iter().map(|q| q.epochs.len()).max().unwrap_or(1);
    let epochs = options
        .epochs
        .or(gate.epochs)
        .unwrap_or_else(|| u32::try_from(had).unwrap_or(1));
    let (within, basis) = within(&scored);
    let cost = |n: usize, k: u32| price.map(|p| p * n as f64 * f64::from(k));
    let binary = scored
        .iter()
        .flat_map(|q| &q.epochs)
        .all(|r| *r == 0.0 || *r == 1.0);
    let alone = scored.iter().all(|q| q.cluster == q.sample);
    let variance = unchanged_variance(within, epochs);
    let mut plan = RulePlan::new(rule, cell, (n, epochs), (variance, basis));
    plan.cost = cost(n, epochs);
    match &rule.condition {
        Condition::NotWorseBy(margin) => {
            let at = |n: usize, k: u32| PlannedComparison {
                n,
                variance: unchanged_variance(within, k).min(1.0),
                margin: *margin,
                alpha: gate.alpha,
                single: k == 1 && binary && alone,
            };
            let planned = at(n, epochs);
            plan.pass = planned.pass(0.0).ok();
            plan.detectable = planned.detectable_drop(options.power).ok();
            plan.questions_needed = planned.questions(options.power).ok();
            plan.questions_to_find = options
                .find_drop
                .and_then(|drop| planned.questions_to_find(drop, options.power).ok());
            plan.epochs_needed =
                (1..=50).find(|k| at(n, *k).pass(0.0).is_ok_and(|p| p >= options.power));
        }
        Condition::AtLeast(limit) | Condition::AtMost(limit)
            if rule.measure.unit() == super::Unit::Share =>
        {
            let sign = if matches!(rule.condition, Condition::AtLeast(_)) {
                1.0
            } else {
                -1.0
            };
            let values: Vec<f64> = scored.iter().map(|q| q.value).collect();
            let clusters: Vec<&str> = scored.iter().map(|q| &*q.cluster).collect();
            let mean = ClusteredMean::of(&values, &clusters);
            let variance = mean.map_or(0.0, |m| m.se_cr1 * m.se_cr1 * values.len() as f64);
            plan.variance = variance;
            let p = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let pass = |n: usize| floor_pass(sign * (p - limit), *limit, variance, n, gate.alpha);
            plan.pass = Some(pass(n));
            plan.questions_needed = (sign * (p - limit) > 0.0)
                .then(|| fewest(10_000_000, |n| Ok(pass(n) >= options.power)))
                .and_then(|n| n.ok().flatten());
            if plan.questions_needed.is_none() {
                plan.remark = Some("the baseline itself breaks this limit".into());
            }
        }
        _ => {
            plan.remark =
                Some("an absolute limit, compared with the measured value; nothing to plan".into());
        }
    }
    plan.cost_questions = plan.questions_needed.and_then(|n| cost(n, epochs));
    plan.cost_epochs = plan.epochs_needed.and_then(|k| cost(n, k));
    plan
}

/// P(score statistic at the limit > z) for a true distance from it, by the normal distribution.
#[allow(clippy::cast_precision_loss)]
fn floor_pass(distance: f64, limit: f64, variance: f64, n: usize, alpha: f64) -> f64 {
    let n = n as f64;
    let z = normal_quantile(1.0 - alpha).unwrap_or(f64::INFINITY);
    let needed = z * (limit * (1.0 - limit) / n).sqrt();
    let sd = (variance / n).sqrt().max(1e-9);
    normal_cdf((distance - needed) / sd)
}

/// A ceiling on gaps, from the baseline's own pairs.
#[allow(clippy::cast_precision_loss)]
fn plan_gap(
    gate: &GateFile,
    rule: &Rule,
    (cell, gaps): &(Option<String>, Vec<f64>),
    options: PlanOptions,
) -> RulePlan {
    let n = options
        .questions
        .map_or(gaps.len(), |n| n.min(gaps.len().max(1)));
    let mean = gaps.iter().sum::<f64>() / gaps.len().max(1) as f64;
    let squares: f64 = gaps.iter().map(|g| (g - mean).powi(2)).sum();
    // Two pairs more, one each way, as in the adjusted test: pairs that never differed may yet.
    let variance = ((squares + 2.0) / (gaps.len() as f64 + 2.0)).min(1.0);
    let mut plan = RulePlan::new(rule, cell.clone(), (n, 1), (variance, Basis::Pairs));
    if let Condition::AtMost(ceiling) = rule.condition {
        let room = ceiling - mean;
        let at = |n: usize| PlannedComparison {
            n,
            variance,
            margin: room.max(0.0),
            alpha: gate.alpha,
            single: false,
        };
        plan.pass = at(n).pass(0.0).ok();
        plan.questions_needed = at(n).questions(options.power).ok();
        if room <= 0.0 {
            plan.remark = Some("the baseline itself exceeds this ceiling".into());
        }
    }
    plan
}
