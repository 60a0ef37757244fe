//! A gate while its run is in progress: evidence that may be looked at after every cluster.
//!
//! The order is drawn before the run; results enter only as its completed prefix, cluster by cluster, so that quick answers (refusals are
//! short) cannot decide. Each check bets against its limit being broken, and against its being kept; a wealth of 5/α decides (α/5 by
//! Ville's inequality), the complete run's fixed test has the remaining 4α/5.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::bets::{
    BaseScores, Question, Scheduled, concerns, on_rule_scale, stands_in, threshold, units,
};
use super::file::{Condition, GateFile, Rule};
use super::measure::{Measure, Summary};
use super::outcome::{CheckOutcome, Reason, RuleOutcome, refuse_unfit_baseline, severity};
use super::readings::Readings;
use super::trial_scores::TrialScores;
use super::{Drift, GateError, GateOutcome, Overall, Side};
use crate::analysis::Estimand;
use crate::score::Score;
use crate::stats::{BettingWealth, Interval, Verdict, betting_bounds};
use crate::store::SuiteRecord;

/// Share of α spent at the interim looks; the final test uses the rest.
pub const INTERIM_ALPHA_SHARE: f64 = 0.2;

/// A gate that is being decided.
pub struct LiveGate<'a> {
    gate: &'a GateFile,
    candidate: String,
    baseline: Option<Side<'a>>,
    /// The baseline's score of each question, per rule.
    base: Vec<BaseScores>,
    suites: Vec<SuiteRecord>,
    epochs: usize,
    questions: Vec<Question>,
    places: HashMap<(String, String), usize>,
    /// Clusters that are not all there yet, in order: their questions.
    waiting: VecDeque<Vec<usize>>,
    done: usize,
    checks: Vec<LiveCheck>,
}

/// One rule in one value of its stratum, with its bets.
struct LiveCheck {
    rule: usize,
    cell: Option<String>,
    /// Where the true value must lie, in [0, 1], up is good.
    threshold: f64,
    /// Clusters it has, where what is claimed is of these alone.
    population: Option<usize>,
    kept: BettingWealth,
    broken: BettingWealth,
    /// What entered, in [0, 1], up is good, one per cluster.
    values: Vec<f64>,
    n: usize,
    missing: usize,
}

impl<'a> LiveGate<'a> {
    /// A gate over questions in the order drawn, each asked `epochs` times.
    ///
    /// # Errors
    /// [`GateError`] if a rule cannot be read from such a run, or the baseline was asked something else.
    pub fn new(
        gate: &'a GateFile,
        candidate: &str,
        baseline: Option<Side<'a>>,
        suites: Vec<SuiteRecord>,
        schedule: Vec<Scheduled>,
        epochs: usize,
        allowed: &[Drift],
    ) -> Result<Self, GateError> {
        if let Some(baseline) = baseline {
            refuse_unfit_baseline(gate, &suites, baseline, allowed)?;
        }
        for rule in &gate.rules {
            for suite in &rule.suites {
                if suites.iter().all(|s| s.name != *suite) {
                    return Err(gate.at_rule(
                        rule,
                        &format!("the run has no suite '{suite}'"),
                        "check its name",
                    ));
                }
            }
        }
        let base = base_scores(gate, baseline)?;
        let places = schedule
            .iter()
            .enumerate()
            .map(|(i, q)| ((q.suite.clone(), q.sample.clone()), i))
            .collect();
        let mut waiting: VecDeque<Vec<usize>> = VecDeque::new();
        let mut last: Option<&str> = None;
        for (i, question) in schedule.iter().enumerate() {
            if last != Some(&question.unit) {
                waiting.push_back(Vec::new());
                last = Some(&question.unit);
            }
            if let Some(cluster) = waiting.back_mut() {
                cluster.push(i);
            }
        }
        let rules = gate.rules.len();
        let mut live = Self {
            gate,
            candidate: candidate.to_owned(),
            baseline,
            base,
            suites,
            epochs,
            questions: schedule
                .into_iter()
                .map(|scheduled| Question {
                    scheduled,
                    trials: 0,
                    sums: vec![(0.0, 0); rules],
                })
                .collect(),
            places,
            waiting,
            done: 0,
            checks: Vec::new(),
        };
        live.open_checks();
        Ok(live)
    }

    /// Questions whose clusters are complete, and all questions.
    #[must_use]
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.questions.len())
    }

    /// Whether every cluster is complete.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes a finished trial, and says whether the gate is decided.
    pub fn record(&mut self, trial: TrialScores) -> Option<Overall> {
        let key = (trial.suite.to_owned(), trial.sample.to_owned());
        let at = *self.places.get(&key)?;
        for (index, rule) in self.gate.rules.iter().enumerate() {
            if rule.suites.iter().any(|s| s == trial.suite)
                && let Some(value) = self.value(rule, &trial)
            {
                let sum = &mut self.questions[at].sums[index];
                sum.0 += value;
                sum.1 += 1;
            }
        }
        self.questions[at].trials += 1;
        while self
            .waiting
            .front()
            .is_some_and(|cluster| self.is_complete(cluster))
        {
            let cluster = self.waiting.pop_front().unwrap_or_default();
            self.done += cluster.len();
            self.enter(&cluster);
        }
        self.decided()
    }

    fn is_complete(&self, cluster: &[usize]) -> bool {
        cluster
            .iter()
            .all(|i| self.questions[*i].trials >= self.epochs)
    }

    /// What a trial says to a rule.
    fn value(&self, rule: &Rule, trial: &TrialScores) -> Option<f64> {
        let headline = || {
            self.suites
                .iter()
                .find(|s| s.name == trial.suite)
                .map(|s| &s.headline)
        };
        match &rule.measure {
            Measure::Trial(measure) => match measure.summary {
                Summary::Share { holds } => Some(f64::from(u8::from(holds(trial)))),
                Summary::Amount { .. } => None,
            },
            Measure::Score { scorer, metric } if scorer.is_some() || metric.is_some() => trial
                .scores
                .iter()
                .find(|s| {
                    scorer.as_ref().is_none_or(|n| *n == s.scorer)
                        && metric.as_ref().is_none_or(|n| *n == s.metric)
                })
                .and_then(|s| s.value),
            Measure::Score { .. } | Measure::Gap => {
                let (scorer, metric) = headline()?;
                let found = |s: &&Score| s.scorer == *scorer && s.metric == *metric;
                trial.scores.iter().find(found).and_then(|s| s.value)
            }
        }
    }

    /// Opens a check for every rule and cell that bets can be made on.
    fn open_checks(&mut self) {
        for (index, rule) in self.gate.rules.iter().enumerate() {
            let Some(threshold) = threshold(rule) else {
                continue;
            };
            let mut cells: BTreeMap<Option<String>, usize> = BTreeMap::new();
            for cluster in &self.waiting {
                let own: BTreeSet<Option<String>> = cluster
                    .iter()
                    .map(|i| &self.questions[*i].scheduled)
                    .filter(|q| concerns(rule, q))
                    .map(|q| rule.by.as_ref().and_then(|by| q.strata.get(by).cloned()))
                    .filter(|cell| cell.is_some() || rule.by.is_none())
                    .collect();
                for cell in own {
                    *cells.entry(cell).or_default() += 1;
                }
            }
            for (cell, clusters) in cells {
                let population = (self.gate.estimand == Estimand::Run).then_some(clusters);
                self.checks.push(LiveCheck {
                    rule: index,
                    cell,
                    threshold,
                    population,
                    kept: BettingWealth::against(threshold, population),
                    broken: BettingWealth::against(1.0 - threshold, population),
                    values: Vec::new(),
                    n: 0,
                    missing: 0,
                });
            }
        }
    }

    /// Lets a complete cluster enter every check it concerns, as one value: the mean over its questions or pairs.
    #[allow(clippy::cast_precision_loss)]
    fn enter(&mut self, cluster: &[usize]) {
        for check in &mut self.checks {
            let rule = &self.gate.rules[check.rule];
            let questions: Vec<&Question> = cluster
                .iter()
                .map(|i| &self.questions[*i])
                .filter(|q| concerns(rule, &q.scheduled))
                .filter(|q| stands_in(rule, &q.scheduled, check.cell.as_ref()))
                .collect();
            let units = units(rule, check.rule, &questions, &self.base);
            if units.is_empty() {
                continue;
            }
            let mean = |pick: fn(&(f64, f64)) -> f64| {
                units.iter().map(pick).sum::<f64>() / units.len() as f64
            };
            // A missing score counts against the candidate where it bets that the limit is kept, and for it where it bets that it is not.
            let (worst, best) = (mean(|u| u.0), mean(|u| u.1));
            check.kept.push(worst);
            check.broken.push(1.0 - best);
            check.values.push(f64::midpoint(worst, best));
            check.n += units.len();
            check.missing += units.iter().filter(|u| u.0 != u.1).count();
        }
    }

    /// The level of each look.
    fn level(&self) -> f64 {
        self.gate.alpha * INTERIM_ALPHA_SHARE
    }

    fn verdict(&self, check: &LiveCheck) -> Verdict {
        // Failing is corrected for all checks that may; passing needs none, since all must.
        #[allow(clippy::cast_precision_loss)]
        let corrected = self.level() / self.checks.len().max(1) as f64;
        if check.kept.rejects_at(self.level()) {
            Verdict::Pass
        } else if check.broken.rejects_at(corrected) {
            Verdict::Fail
        } else {
            Verdict::Inconclusive
        }
    }

    /// Whether what has entered decides. A gate with rules that no bets are made on passes only when complete.
    fn decided(&self) -> Option<Overall> {
        let verdicts: Vec<Verdict> = self.checks.iter().map(|c| self.verdict(c)).collect();
        if verdicts.contains(&Verdict::Fail) || self.critical_broken() {
            return Some(Overall::Fail);
        }
        let bet: Vec<usize> = self.checks.iter().map(|c| c.rule).collect();
        let all = (0..self.gate.rules.len()).all(|r| bet.contains(&r));
        (all && verdicts.iter().all(|v| v.passed())).then_some(Overall::Pass)
    }

    /// Whether any must-pass question has already failed, in a complete cluster or not.
    #[allow(clippy::cast_precision_loss)]
    fn critical_broken(&self) -> bool {
        self.gate.rules.iter().enumerate().any(|(index, rule)| {
            let Condition::MustPass(ids) = &rule.condition else {
                return false;
            };
            self.questions.iter().any(|q| {
                let (sum, n) = q.sums[index];
                concerns(rule, &q.scheduled)
                    && (ids.is_empty() || ids.contains(&q.scheduled.sample))
                    && sum < n as f64
            })
        })
    }

    /// What has been decided, laid over the outcome of the complete run's fixed test at 4α/5, if there is one.
    #[must_use]
    pub fn outcome(&self, fixed: Option<GateOutcome>) -> GateOutcome {
        let (done, all) = self.progress();
        let mut outcome = fixed.unwrap_or_else(|| self.blank());
        for (index, rule) in outcome.rules.iter_mut().enumerate() {
            for check in self.checks.iter().filter(|c| c.rule == index) {
                let verdict = self.verdict(check);
                let own = self.outcome_of(check, verdict);
                match rule.checks.iter_mut().find(|c| c.cell == check.cell) {
                    // The complete run's figure stays; a decision made at an interim look stands.
                    Some(shown) if !verdict.inconclusive() => shown.verdict = verdict,
                    Some(_) => {}
                    None => rule.checks.push(own),
                }
            }
            rule.checks
                .sort_by_key(|c| std::cmp::Reverse(severity(c.verdict)));
            rule.verdict = rule
                .checks
                .first()
                .map_or(Verdict::Inconclusive, |c| c.verdict);
        }
        let critical = self.critical_broken();
        for (rule, written) in outcome.rules.iter_mut().zip(&self.gate.rules) {
            if critical && matches!(written.condition, Condition::MustPass(_)) {
                rule.verdict = Verdict::Fail;
            }
        }
        let failed = outcome.overall == Overall::Fail
            || critical
            || self.checks.iter().any(|c| self.verdict(c) == Verdict::Fail);
        outcome.overall = if failed {
            Overall::Fail
        } else if outcome.rules.iter().all(|r| r.verdict.passed()) {
            Overall::Pass
        } else {
            Overall::Inconclusive
        };
        outcome.notes.push(if self.complete() {
            format!("all {all} questions were asked; interim looks spent α/5, the final test used 4α/5")
        } else {
            format!(
                "decided or stopped after {done} of {all} questions in random order; {} were not needed or not asked. Intervals are valid at every interim look",
                all - done
            )
        });
        outcome
    }

    fn outcome_of(&self, check: &LiveCheck, verdict: Verdict) -> CheckOutcome {
        let rule = &self.gate.rules[check.rule];
        let interval = betting_bounds(
            &check.values,
            self.level(),
            check.population,
            check.threshold,
            500,
        )
        .ok();
        #[allow(clippy::cast_precision_loss)]
        let mean = check.values.iter().sum::<f64>() / check.values.len().max(1) as f64;
        CheckOutcome {
            cell: check.cell.clone(),
            value: (!check.values.is_empty()).then(|| on_rule_scale(rule, mean)),
            interval: interval.map(|i| {
                let (a, b) = (on_rule_scale(rule, i.low), on_rule_scale(rule, i.high));
                Interval {
                    low: a.min(b),
                    high: a.max(b),
                }
            }),
            n: check.n,
            clusters: check.values.len(),
            limit: on_rule_scale(rule, check.threshold),
            verdict,
            reason: verdict.inconclusive().then_some(Reason::Stopped),
            p_broken: None,
            p_kept: None,
            p_kept_corrected: None,
            missing: check.missing,
            needed: None,
            heaviest: Vec::new(),
            method: "betting confidence sequence over clusters, valid at every interim look",
        }
    }

    /// An outcome in which nothing is known.
    fn blank(&self) -> GateOutcome {
        GateOutcome {
            overall: Overall::Inconclusive,
            candidate: self.candidate.clone(),
            baseline: self.baseline.map(|b| b.model.to_owned()),
            alpha: self.gate.alpha,
            estimand: self.gate.estimand,
            rules: self
                .gate
                .rules
                .iter()
                .map(|rule| RuleOutcome::of(rule, Vec::new()))
                .collect(),
            notes: Vec::new(),
        }
    }
}

/// The baseline's score of every question, for each rule that compares.
fn base_scores(gate: &GateFile, baseline: Option<Side>) -> Result<Vec<BaseScores>, GateError> {
    let Some(baseline) = baseline else {
        return match gate.rules.iter().find(|r| r.compares()) {
            Some(rule) => Err(GateError::NoBaseline {
                rule: rule.name.clone(),
            }),
            None => Ok(vec![HashMap::new(); gate.rules.len()]),
        };
    };
    let mut only = gate.clone();
    only.rules.retain(Rule::compares);
    let readings = Readings::read(&only, baseline, Some(baseline))?;
    let mut index = 0;
    Ok(gate
        .rules
        .iter()
        .map(|rule| {
            if !rule.compares() {
                return HashMap::new();
            }
            index += 1;
            let asked = readings.asked(index - 1, true).into_iter();
            asked
                .flat_map(|a| &a.scored)
                .map(|q| ((q.suite.to_string(), q.sample.to_string()), q.value))
                .collect()
        })
        .collect())
}
