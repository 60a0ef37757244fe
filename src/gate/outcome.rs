//! What a gate's checks say together.

use serde::Serialize;

use super::build::Builder;
use super::check::{Bound, Check};
use super::file::{Condition, GateFile, Rule};
use super::measure::Measure;
use super::needed::{Needed, Undecided};
use super::readings::Readings;
use super::{Drift, GateError, Side, Unit, drift};
use crate::analysis::Estimand;
use crate::stats::{
    Inference, Interval, Undefined, Verdict, holm_where_defined, student_t_quantile,
};
use crate::store::SuiteRecord;

/// What all checks say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Every check passes, each at α (intersection–union: no correction needed).
    Pass,
    /// A check fails after Holm's correction over all of them.
    Fail,
    /// Neither.
    Inconclusive,
}

/// Why a check cannot be decided, where it is not the width of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// The verdict depends on questions without a score.
    Missing,
    /// The run stopped before its looks decided.
    Stopped,
    /// The figure is undefined.
    Undefined(Undefined),
}

/// One check's outcome.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CheckOutcome {
    /// The stratum's value.
    pub cell: Option<String>,
    /// What was seen; none if it is undefined.
    pub value: Option<f64>,
    /// Its two-sided interval at 1 − 2α: its ends are the one-sided bounds that the verdict goes by.
    pub interval: Option<Interval>,
    /// Questions, pairs or trials behind it.
    pub n: usize,
    /// Clusters among them.
    pub clusters: usize,
    /// Where the true value must lie.
    pub limit: f64,
    /// The verdict on its own.
    pub verdict: Verdict,
    /// Why it is undecided, where it is not the width of the interval.
    pub reason: Option<Reason>,
    /// p value of H0 "limit violated".
    pub p_broken: Option<f64>,
    /// p value of H0 "limit kept".
    pub p_kept: Option<f64>,
    /// The same after Holm's correction over all checks.
    pub p_kept_corrected: Option<f64>,
    /// Questions without a score.
    pub missing: usize,
    /// What would decide it.
    pub needed: Option<Needed>,
    /// Questions that weigh most against the candidate: suite and sample.
    pub heaviest: Vec<(String, String)>,
    /// How the interval was made.
    pub method: &'static str,
}

/// One rule's outcome.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RuleOutcome {
    /// In words.
    pub name: String,
    /// Its suites.
    pub suites: Vec<String>,
    /// The unit of its figures.
    pub unit: Unit,
    /// Whether they are differences to the baseline, up is good.
    pub difference: bool,
    /// Whether its limit is a ceiling.
    pub ceiling: bool,
    /// Whether its figures are gaps, in points with a sign.
    pub gap: bool,
    /// The worst of its checks' verdicts.
    pub verdict: Verdict,
    /// One per value of its stratum, the worst first.
    pub checks: Vec<CheckOutcome>,
}

impl RuleOutcome {
    /// From a rule's checks, the worst first.
    pub(super) fn of(rule: &Rule, checks: Vec<CheckOutcome>) -> Self {
        Self {
            name: rule.name.clone(),
            suites: rule.suites.clone(),
            unit: rule.measure.unit(),
            difference: rule.compares(),
            ceiling: matches!(rule.condition, Condition::AtMost(_)),
            gap: rule.measure == Measure::Gap,
            verdict: checks.first().map_or(Verdict::Inconclusive, |c| c.verdict),
            checks,
        }
    }
}

/// A gate's outcome.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GateOutcome {
    /// All checks together.
    pub overall: Overall,
    /// The candidate.
    pub candidate: String,
    /// The baseline.
    pub baseline: Option<String>,
    /// One-sided error of each check.
    pub alpha: f64,
    /// Estimand: what the figures generalise to.
    pub estimand: Estimand,
    /// One per rule, in the file's order.
    pub rules: Vec<RuleOutcome>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

impl Overall {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

impl GateOutcome {
    /// Rules that passed, failed, and cannot be determined.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |f: fn(Verdict) -> bool| self.rules.iter().filter(|r| f(r.verdict)).count();
        (
            count(Verdict::passed),
            count(|v| v == Verdict::Fail),
            count(Verdict::inconclusive),
        )
    }
}

/// Holds a candidate, and a baseline where rules need one, against a gate.
///
/// # Errors
/// [`GateError`] if there can be no verdict: rules that name what is not there, runs that were asked different things, too many trials
/// without an answer, scores that are not numbers.
pub fn judge(
    gate: &GateFile,
    candidate: Side,
    baseline: Option<Side>,
    allowed: &[Drift],
) -> Result<GateOutcome, GateError> {
    refuse_unfit(gate, candidate, baseline, allowed)?;
    let readings = Readings::read(gate, candidate, baseline)?;
    let builder = Builder {
        gate,
        candidate,
        baseline,
        readings: &readings,
    };
    let checks = builder.checks()?;
    let mut outcome = sum_up(gate, &checks, gate.alpha);
    outcome.candidate = candidate.model.into();
    outcome.baseline = baseline.map(|b| b.model.into());
    Ok(outcome)
}

/// Refuses runs that a verdict cannot be made of.
fn refuse_unfit(
    gate: &GateFile,
    candidate: Side,
    baseline: Option<Side>,
    allowed: &[Drift],
) -> Result<(), GateError> {
    let suites: Vec<&str> = gate.suite_names().collect();
    candidate.check_failures("the candidate", &suites, gate.max_failures)?;
    baseline.map_or(Ok(()), |baseline| {
        refuse_unfit_baseline(gate, &candidate.data.suites, baseline, allowed)
    })
}

/// Refuses a baseline that was asked something else than a run of these suites, or that lacks too many answers.
pub(super) fn refuse_unfit_baseline(
    gate: &GateFile,
    suites: &[SuiteRecord],
    baseline: Side,
    allowed: &[Drift],
) -> Result<(), GateError> {
    let comparing = gate.rules.iter().filter(|r| r.compares());
    let compared: Vec<&str> = comparing.flat_map(Rule::suite_names).collect();
    drift::refuse(suites, &baseline.data.suites, &compared, allowed)?;
    baseline.check_failures("the baseline", &compared, gate.max_failures)
}

/// The outcome of checks at a one-sided level.
pub(super) fn sum_up(gate: &GateFile, checks: &[Check], alpha: f64) -> GateOutcome {
    let mut outcomes: Vec<CheckOutcome> = checks.iter().map(|c| outcome(c, alpha)).collect();
    let tests = outcomes.iter_mut();
    holm_where_defined(tests.map(|c| (c.p_kept, &mut c.p_kept_corrected)));
    let fails = |c: &CheckOutcome| {
        let shown = c.verdict == Verdict::Fail && c.p_kept_corrected.is_some_and(|p| p <= alpha);
        shown || (gate.block_on_drop && c.verdict == Verdict::InconclusiveDrop)
    };
    let overall = if outcomes.iter().any(fails) {
        Overall::Fail
    } else if outcomes.iter().all(|c| c.verdict.passed()) {
        Overall::Pass
    } else {
        Overall::Inconclusive
    };
    let mut notes = Vec::new();
    let alone = outcomes
        .iter()
        .filter(|c| c.verdict == Verdict::Fail && !fails(c))
        .count();
    if alone > 0 {
        notes.push(format!(
            "{alone} of {} checks {} on {} own, but not after Holm's correction",
            outcomes.len(),
            if alone == 1 { "fails" } else { "fail" },
            if alone == 1 { "its" } else { "their" }
        ));
    }
    let mut outcomes = outcomes.into_iter();
    let rules = gate
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            let n = checks.iter().filter(|c| c.rule == index).count();
            let mut checks: Vec<CheckOutcome> = outcomes.by_ref().take(n).collect();
            let p = |c: &CheckOutcome| c.p_kept.unwrap_or(1.0);
            checks.sort_by(|a, b| {
                severity(b.verdict)
                    .cmp(&severity(a.verdict))
                    .then(p(a).total_cmp(&p(b)))
            });
            RuleOutcome::of(rule, checks)
        })
        .collect();
    GateOutcome {
        overall,
        candidate: String::new(),
        baseline: None,
        alpha,
        estimand: gate.estimand,
        rules,
        notes,
    }
}

/// How bad a verdict is, for the worst to come first.
pub(super) fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::PassWithDrop => 1,
        Verdict::Inconclusive => 2,
        Verdict::InconclusiveDrop => 3,
        Verdict::Fail => 4,
    }
}

/// One check at a one-sided level.
pub(super) fn outcome(check: &Check, alpha: f64) -> CheckOutcome {
    let level = 1.0 - 2.0 * alpha;
    let seen = check
        .figure
        .as_ref()
        .map_err(|e| *e)
        .and_then(|f| Ok((f, f.interval(level)?)));
    let (value, interval, units, verdict, mut reason) = match &seen {
        Ok((figure, interval)) => (
            Some(figure.value()),
            Some(*interval),
            figure.units(),
            check.bound.verdict(*interval),
            None,
        ),
        Err(why) => (
            None,
            None,
            (0, 0),
            Verdict::Inconclusive,
            Some(Reason::Undefined(*why)),
        ),
    };
    let p = |of: fn(Bound, &dyn Inference) -> Result<f64, Undefined>| {
        seen.as_ref()
            .ok()
            .and_then(|(f, _)| of(check.bound, f.as_ref()).ok())
    };
    let mut verdict = verdict;
    if let Some((worst, best)) = &check.extremes {
        let at = |f: &Result<super::check::Figure, Undefined>| {
            f.as_ref()
                .ok()
                .and_then(|f| f.interval(level).ok())
                .map(|i| pass_or_fail(check.bound.verdict(i)))
        };
        if at(worst) != Some(pass_or_fail(verdict)) || at(best) != Some(pass_or_fail(verdict)) {
            verdict = if verdict == Verdict::InconclusiveDrop {
                verdict
            } else {
                Verdict::Inconclusive
            };
            reason = reason.or(Some(Reason::Missing));
        }
    }
    let needed = match (&seen, verdict.inconclusive() && reason.is_none()) {
        (Ok((figure, interval)), true) => undecided(check, figure.as_ref(), *interval, alpha),
        _ => None,
    };
    CheckOutcome {
        cell: check.cell.clone(),
        value,
        interval,
        n: units.0,
        clusters: units.1,
        limit: check.bound.limit(),
        verdict,
        reason,
        p_broken: p(Bound::p_broken),
        p_kept: p(Bound::p_kept),
        p_kept_corrected: None,
        missing: check.missing,
        needed,
        heaviest: check.heaviest.clone(),
        method: check.method,
    }
}

/// Pass, fail or neither: what missing scores must not change.
fn pass_or_fail(verdict: Verdict) -> (bool, bool) {
    (verdict.passed(), verdict == Verdict::Fail)
}

/// What would decide, from the half width that there is.
#[allow(clippy::cast_precision_loss)]
fn undecided(
    check: &Check,
    figure: &dyn Inference,
    interval: Interval,
    alpha: f64,
) -> Option<Needed> {
    let (n, clusters) = figure.units();
    let t = student_t_quantile(1.0 - alpha, (clusters as f64 - 1.0).max(1.0)).ok()?;
    Undecided {
        distance: (figure.value() - check.bound.limit()).abs(),
        se: (interval.high - interval.low) / (2.0 * t),
        n,
        rerun: check.rerun,
        alpha,
    }
    .needed()
}
