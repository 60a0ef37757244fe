//! What the rules of a gate are judged on, read once each.

use std::collections::BTreeSet;

use super::file::{GateFile, Rule};
use super::measure::Measure;
use super::{GateError, Side};
use crate::analysis::{Asked, MetricName, TrialFigure};
use crate::text::instead;

/// One side's questions under one measure.
struct Reading {
    baseline: bool,
    of: Source,
    asked: Asked,
}

/// What questions are read under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Metrics, one per suite.
    Metrics(Vec<MetricName>),
    /// A figure of each trial.
    Figure(Vec<String>, TrialFigure),
}

/// Everything read.
pub(super) struct Readings {
    of_rules: Vec<Source>,
    all: Vec<Reading>,
}

impl Readings {
    /// Reads what the rules need of candidate and baseline.
    pub(super) fn read(
        gate: &GateFile,
        candidate: Side,
        baseline: Option<Side>,
    ) -> Result<Self, GateError> {
        let of_rules = gate
            .rules
            .iter()
            .map(|rule| reading_for(gate, rule, candidate))
            .collect::<Result<Vec<Source>, _>>()?;
        let mut readings = Self {
            of_rules,
            all: Vec::new(),
        };
        for (i, rule) in gate.rules.iter().enumerate() {
            let of = readings.of_rules[i].clone();
            readings.add(&of, candidate, false)?;
            if let Some(baseline) = baseline.filter(|_| rule.compares()) {
                readings.add(&of, baseline, true)?;
            }
        }
        Ok(readings)
    }

    fn add(&mut self, of: &Source, side: Side, baseline: bool) -> Result<(), GateError> {
        if self
            .all
            .iter()
            .any(|r| r.baseline == baseline && r.of == *of)
        {
            return Ok(());
        }
        let asked = match of {
            Source::Metrics(metrics) => side.data.asked_of(metrics, Some(side.model))?,
            Source::Figure(suites, figure) => {
                let suites: Vec<&str> = suites.iter().map(String::as_str).collect();
                side.data.measured(&suites, side.model, *figure)?
            }
        };
        self.all.push(Reading {
            baseline,
            of: of.clone(),
            asked,
        });
        Ok(())
    }

    /// Fewest epochs that a scored question of the candidate has.
    pub(super) fn min_epochs(&self) -> usize {
        let own = self.all.iter().filter(|r| !r.baseline);
        own.flat_map(|r| &r.asked.scored)
            .map(|q| q.epochs.len())
            .min()
            .unwrap_or(0)
    }

    /// The candidate's readings, each split into a candidate's and a baseline's.
    pub(super) fn split(&self, mut halves: impl FnMut(&Asked) -> (Asked, Asked)) -> Self {
        let own = self.all.iter().filter(|r| !r.baseline);
        let all = own
            .flat_map(|reading| {
                let (candidate, baseline) = halves(&reading.asked);
                [(false, candidate), (true, baseline)].map(|(baseline, asked)| Reading {
                    baseline,
                    of: reading.of.clone(),
                    asked,
                })
            })
            .collect();
        Self {
            of_rules: self.of_rules.clone(),
            all,
        }
    }

    /// What a rule is read under.
    pub(super) fn of(&self, rule: usize) -> &Source {
        &self.of_rules[rule]
    }

    /// A rule's questions, the candidate's or the baseline's.
    pub(super) fn asked(&self, rule: usize, baseline: bool) -> Option<&Asked> {
        let of = &self.of_rules[rule];
        self.all
            .iter()
            .find(|r| r.baseline == baseline && r.of == *of)
            .map(|r| &r.asked)
    }
}

/// What a rule's measure is read from, after checking that the candidate's run has it.
fn reading_for(gate: &GateFile, rule: &Rule, candidate: Side) -> Result<Source, GateError> {
    let data = candidate.data;
    for suite in &rule.suites {
        if data.suites.iter().all(|s| s.name != *suite) {
            let known = data.suites.iter().map(|s| &s.name);
            return Err(gate.at_rule(
                rule,
                &format!("the candidate's run has no suite '{suite}'"),
                &instead(suite, "its suites", known),
            ));
        }
    }
    for stratum in rule.only.keys().chain(&rule.by) {
        data.stratum(stratum)
            .map_err(|e| gate.at_rule(rule, &e.to_string(), "name one of them"))?;
    }
    let figure = |figure| Source::Figure(rule.suites.clone(), figure);
    let Measure::Score { scorer, metric } = &rule.measure else {
        return Ok(match rule.measure {
            Measure::Trial(measure) => figure(measure.figure),
            _ => Source::Metrics(headlines(rule, candidate)),
        });
    };
    let heads = headlines(rule, candidate);
    if metric.is_none() && scorer.is_none() {
        return Ok(Source::Metrics(heads));
    }
    // The headline needs no look at the table.
    let fits = |m: &MetricName| {
        scorer.as_ref().is_none_or(|s| *s == m.scorer)
            && metric.as_ref().is_none_or(|name| *name == m.metric)
    };
    if heads.iter().all(fits) {
        return Ok(Source::Metrics(heads));
    }
    let suites: Vec<&str> = rule.suite_names().collect();
    let known = data.metrics(&suites)?;
    let mut chosen = Vec::new();
    for (suite, head) in suites.iter().zip(&heads) {
        let fitting: Vec<&MetricName> = known
            .iter()
            .filter(|m| m.suite == **suite && fits(m))
            .collect();
        match (fitting.as_slice(), fits(head)) {
            (_, true) => chosen.push(head.clone()),
            ([one], _) => chosen.push((*one).clone()),
            ([], _) => {
                let names: BTreeSet<&str> = known
                    .iter()
                    .filter(|m| m.suite == **suite)
                    .map(|m| m.metric.as_str())
                    .chain(Measure::built_in())
                    .collect();
                return Err(gate.at_metric(
                    rule,
                    &format!(
                        "suite '{suite}' has no metric '{}'",
                        metric.as_deref().unwrap_or("")
                    ),
                    &format!(
                        "known: {}",
                        names.into_iter().collect::<Vec<_>>().join(", ")
                    ),
                ));
            }
            (many, _) => {
                let scorers: Vec<&str> = many.iter().map(|m| m.scorer.as_str()).collect();
                return Err(gate.at_metric(
                    rule,
                    &format!("several scorers of suite '{suite}' give this metric"),
                    &format!("name one with scorer = …: {}", scorers.join(", ")),
                ));
            }
        }
    }
    Ok(Source::Metrics(chosen))
}

/// The primary metric of each of a rule's suites.
fn headlines(rule: &Rule, candidate: Side) -> Vec<MetricName> {
    let all = candidate.data.headlines();
    rule.suites
        .iter()
        .filter_map(|suite| all.iter().find(|m| m.suite == *suite).cloned())
        .collect()
}
