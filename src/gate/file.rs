//! `gate.toml`: rules that read like sentences.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::measure::Measure;
use super::{Amount, GateError, Unit};
use crate::analysis::Estimand;
use crate::files::read_text;
use crate::text::SourceError;

/// A gate as written.
#[derive(Debug, Clone)]
pub struct GateFile {
    /// Where it was read, and its text, for errors that point into it.
    path: String,
    text: String,
    /// A pinned baseline's name, or `RUN[#MODEL]`.
    pub baseline: Option<String>,
    /// One-sided error of each check.
    pub alpha: f64,
    /// Estimand: what the figures generalise to.
    pub estimand: Estimand,
    /// Share of trials without an answer above which there is no verdict.
    pub max_failures: f64,
    /// Count a drop whose margin is undecided as a failure.
    pub block_on_drop: bool,
    /// Epochs, questions per suite, and seed of `candor gate run`.
    pub epochs: Option<u32>,
    /// Most questions per suite of `candor gate run`.
    pub limit: Option<usize>,
    /// Decides the order of `candor gate run`.
    pub seed: Option<u64>,
    /// For `candor gate run`: what to load for a suite's name, as after `-s`, where that is not the name itself.
    pub suites: BTreeMap<String, String>,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Rule {
    /// In words.
    pub name: String,
    /// The suites, read as one.
    pub suites: Vec<String>,
    /// What is measured.
    pub measure: Measure,
    /// Only questions with these values.
    pub only: BTreeMap<String, Vec<String>>,
    /// One check for each value of this stratum.
    pub by: Option<String>,
    /// For a gap between values of a stratum: the value that others are compared with.
    pub reference: Option<String>,
    /// What must hold.
    pub condition: Condition,
    /// Where it is in the file.
    span: usize,
    metric_span: usize,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Condition {
    /// The candidate is not worse than the baseline by this margin.
    NotWorseBy(f64),
    /// The true value is at or above.
    AtLeast(f64),
    /// The true value is at or below.
    AtMost(f64),
    /// These questions are answered correctly in every epoch; all of them if none is named.
    MustPass(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    baseline: Option<String>,
    alpha: Option<Spanned<f64>>,
    #[serde(alias = "target")]
    estimand: Option<Spanned<String>>,
    max_failures: Option<Amount>,
    #[serde(default)]
    block_on_drop: bool,
    #[serde(alias = "repeats")]
    epochs: Option<u32>,
    limit: Option<usize>,
    seed: Option<u64>,
    #[serde(default)]
    suites: BTreeMap<String, String>,
    #[serde(default)]
    rule: Vec<Spanned<WrittenRule>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    name: String,
    #[serde(default)]
    suite: OneOrMany,
    metric: Option<Spanned<String>>,
    scorer: Option<String>,
    #[serde(default, rename = "where")]
    only: BTreeMap<String, OneOrMany>,
    by: Option<String>,
    reference: Option<String>,
    not_worse_than_baseline_by: Option<Spanned<Amount>>,
    at_least: Option<Spanned<Amount>>,
    at_most: Option<Spanned<Amount>>,
    must_pass: Option<MustPass>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn all(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum MustPass {
    All(bool),
    These(Vec<String>),
}

impl GateFile {
    /// Names of the suites that rules are about.
    pub fn suite_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(Rule::suite_names)
    }

    /// What to load for each of them, as after `-s`: in the order of their names, each once.
    #[must_use]
    pub fn suites_to_load(&self) -> Vec<String> {
        let names: BTreeSet<&str> = self.suite_names().collect();
        names
            .into_iter()
            .map(|name| self.suites.get(name).map_or(name, String::as_str))
            .map(str::to_owned)
            .collect()
    }

    /// Reads a gate file.
    ///
    /// # Errors
    /// [`GateError`] with line and column.
    pub fn read(path: &Path) -> Result<Self, GateError> {
        let text = read_text(path).map_err(|e| GateError::Unreadable {
            path: path.display().to_string(),
            reason: e.to_string(),
        })?;
        Self::parse(&path.display().to_string(), text)
    }

    /// Reads a gate from its text; `path` names it in errors.
    ///
    /// # Errors
    /// [`GateError::Source`] with line and column.
    pub fn parse(path: &str, text: String) -> Result<Self, GateError> {
        let written: Written = toml::from_str(&text).map_err(|e| {
            let offset = e.span().map_or(0, |s| s.start);
            source(path, &text, offset, e.message().trim(), FORM)
        })?;
        let alpha = match &written.alpha {
            None => 0.05,
            Some(alpha) if *alpha.get_ref() > 0.0 && *alpha.get_ref() < 0.5 => *alpha.get_ref(),
            Some(alpha) => {
                let message =
                    "alpha is the probability of a wrong pass; it must be between 0 and 0.5";
                return Err(source(
                    path,
                    &text,
                    alpha.span().start,
                    message,
                    "write alpha = 0.05",
                )
                .into());
            }
        };
        let estimand = match &written.estimand {
            None => Estimand::default(),
            Some(estimand) => estimand.get_ref().parse().map_err(|e: String| {
                source(
                    path,
                    &text,
                    estimand.span().start,
                    &format!("unknown estimand '{}'", estimand.get_ref()),
                    &e,
                )
            })?,
        };
        if written.rule.is_empty() {
            return Err(source(path, &text, 0, "the gate has no [[rule]]", FORM).into());
        }
        let rules = written
            .rule
            .into_iter()
            .map(|rule| Rule::of(path, &text, rule))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            text,
            baseline: written.baseline,
            alpha,
            estimand,
            max_failures: written.max_failures.map_or(0.1, |a| a.value),
            block_on_drop: written.block_on_drop,
            epochs: written.epochs,
            limit: written.limit,
            seed: written.seed,
            suites: written.suites,
            rules,
        })
    }

    /// An error that points at a rule's metric, or at the rule.
    pub(super) fn at_metric(&self, rule: &Rule, message: &str, help: &str) -> GateError {
        source(&self.path, &self.text, rule.metric_span, message, help).into()
    }

    /// An error that points at a rule.
    pub(super) fn at_rule(&self, rule: &Rule, message: &str, help: &str) -> GateError {
        source(&self.path, &self.text, rule.span, message, help).into()
    }
}

const FORM: &str = "a rule is a [[rule]] with name, suite, metric and one of \
    not_worse_than_baseline_by, at_least, at_most, must_pass; see \
    docs/gate.md";

fn source(path: &str, text: &str, offset: usize, message: &str, help: &str) -> Box<SourceError> {
    Box::new(SourceError::at_offset(path, text, offset, message).with_help(help))
}

impl Rule {
    /// Whether it holds the candidate against a baseline.
    #[must_use]
    pub fn compares(&self) -> bool {
        matches!(self.condition, Condition::NotWorseBy(_))
    }

    /// Its suites' names.
    pub(super) fn suite_names(&self) -> impl Iterator<Item = &str> {
        self.suites.iter().map(String::as_str)
    }

    fn of(path: &str, text: &str, written: Spanned<WrittenRule>) -> Result<Self, Box<SourceError>> {
        let span = written.span().start;
        let rule = written.into_inner();
        let metric_span = rule.metric.as_ref().map_or(span, |m| m.span().start);
        let measure = Measure::named(
            rule.metric.as_ref().map(|m| m.get_ref().as_str()),
            rule.scorer,
        );
        let unit = measure.unit();
        let limit = |amount: &Spanned<Amount>| -> Result<f64, Box<SourceError>> {
            let Amount { value, unit: own } = *amount.get_ref();
            let wrong =
                |message: &str, help: &str| source(path, text, amount.span().start, message, help);
            if own.is_some_and(|own| own != unit) {
                return Err(wrong(
                    "the limit's unit is not that of the measure",
                    match unit {
                        Unit::Share => "write points or %, for instance \"2 points\"",
                        Unit::Dollars => {
                            "write US dollars per thousand questions, for instance \"$3\""
                        }
                        Unit::Seconds => "write seconds, for instance \"2.5 s\"",
                    },
                ));
            }
            if unit == Unit::Share && value > 1.0 {
                return Err(wrong(
                    "a number without a unit is a share and must be between 0 and 1",
                    "write \"2 points\" or \"90 %\", or 0.02 or 0.9",
                ));
            }
            Ok(value)
        };
        let mut conditions = Vec::new();
        if let Some(amount) = &rule.not_worse_than_baseline_by {
            if !matches!(unit, Unit::Share) {
                return Err(source(
                    path,
                    text,
                    amount.span().start,
                    "budgets are absolute",
                    "write at_most = …",
                ));
            }
            conditions.push(Condition::NotWorseBy(limit(amount)?));
        }
        if let Some(amount) = &rule.at_least {
            conditions.push(Condition::AtLeast(limit(amount)?));
        }
        if let Some(amount) = &rule.at_most {
            conditions.push(Condition::AtMost(limit(amount)?));
        }
        match rule.must_pass {
            Some(MustPass::All(true)) => conditions.push(Condition::MustPass(Vec::new())),
            Some(MustPass::These(ids)) if !ids.is_empty() => {
                conditions.push(Condition::MustPass(ids));
            }
            _ => {}
        }
        let [condition] = <[Condition; 1]>::try_from(conditions).map_err(|conditions| {
            let message = format!(
                "the rule '{}' has {} conditions; a rule has exactly one",
                rule.name,
                if conditions.is_empty() {
                    "no".into()
                } else {
                    conditions.len().to_string()
                }
            );
            source(path, text, span, &message, FORM)
        })?;
        let suites = rule.suite.all();
        if suites.is_empty() {
            let message = format!("the rule '{}' does not name a suite", rule.name);
            return Err(source(
                path,
                text,
                span,
                &message,
                "write suite = \"NAME\", or a list of names",
            ));
        }
        Ok(Self {
            name: rule.name,
            suites,
            measure,
            only: rule.only.into_iter().map(|(k, v)| (k, v.all())).collect(),
            by: rule.by,
            reference: rule.reference,
            condition,
            span,
            metric_span,
        })
    }
}
