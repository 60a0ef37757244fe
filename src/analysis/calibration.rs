//! How a run's labels hold against labels from outside it: agreement, and rates with the labeller's errors taken out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::comparison::or_undefined;
use super::{AnalysisError, Dataset, LEVEL, Labelled, MetricName};
use crate::score::{AnswerClass, NO_LABEL, speechmap_answered};
use crate::stats::{
    Agreement, Estimate, Interval, JudgeQuality, Ratings, Undefined, Weights, cohen_kappa,
    gwet_ac1, percent_agreement, prediction_powered_mean, rogan_gladen, wilson_effective_n,
};

/// Fewer outside labels than this, or fewer on one side than [`MIN_LABELS_PER_SIDE`], and the prediction-powered interval is too narrow.
const MIN_LABELS: usize = 100;
/// Minimum labels of answered and of withheld answers.
const MIN_LABELS_PER_SIDE: usize = 10;

/// Labels from outside, by trial and who gave them.
pub type OutsideLabels = BTreeMap<String, BTreeMap<String, String>>;

/// How a run's labels hold against others.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// Labels compared: of trials in the run, with a verdict on both sides.
    pub matched: usize,
    /// Labels of trials that the run does not have.
    pub unknown: usize,
    /// Trials whose outside labels are at odds with no majority.
    pub disputed: usize,
    /// Trials without a verdict on one side: unsure, unable, cut, or an error.
    pub without_verdict: usize,
    /// Of these, trials that the run's judge gave no label.
    pub no_label: usize,
    /// How surely the labeller finds what the outside calls withheld, and what it calls answered.
    pub recall: Recalls,
    /// Agreement over all, then in each group.
    pub agreement: Vec<GroupAgreement>,
    /// Rates of each model on each suite.
    pub rates: Vec<CalibratedRate>,
}

/// Of what the outside calls withheld or answered, the shares that the run calls so; labels that the run does not give count as missed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Recalls {
    /// Found of the withheld: the true-positive rate.
    #[serde(serialize_with = "or_undefined")]
    pub withheld: Result<Estimate, Undefined>,
    /// Found of the answered: the true-negative rate.
    #[serde(serialize_with = "or_undefined")]
    pub answered: Result<Estimate, Undefined>,
}

/// Whether a labeller may decide a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Both lower bounds reach what is asked.
    Admitted,
    /// An upper bound stays below it.
    Refused,
    /// More labels would tell.
    Undecided,
}

impl Recalls {
    /// Admits the labeller where the lower bounds of both rates reach `least`.
    #[must_use]
    pub fn admit(&self, least: [f64; 2]) -> Admission {
        let both = [&self.withheld, &self.answered];
        let bounds = || both.iter().zip(least);
        let holds = |(of, least): (&&Result<Estimate, Undefined>, f64)| {
            of.as_ref().is_ok_and(|e| e.interval.low >= least)
        };
        let fails = |(of, least): (&&Result<Estimate, Undefined>, f64)| {
            of.as_ref().is_ok_and(|e| e.interval.high < least)
        };
        if bounds().all(holds) {
            Admission::Admitted
        } else if bounds().any(fails) {
            Admission::Refused
        } else {
            Admission::Undecided
        }
    }
}

/// A coefficient with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Coefficient {
    /// 1 is perfect, 0 is chance.
    pub value: f64,
    /// 95 %.
    pub interval: Interval,
}

/// Agreement in one group of answers.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GroupAgreement {
    /// `all`, or the group's name.
    pub group: String,
    /// Answers.
    pub n: usize,
    /// Labels, in the order of the confusion's rows and columns.
    pub labels: Vec<String>,
    /// Answers that the outside calls by the row and the run by the column.
    pub confusion: Vec<Vec<u64>>,
    /// Share of equal labels.
    pub equal: f64,
    /// Cohen's κ.
    #[serde(serialize_with = "or_undefined")]
    pub kappa: Result<Coefficient, Undefined>,
    /// Gwet's AC1.
    #[serde(serialize_with = "or_undefined")]
    pub ac1: Result<Coefficient, Undefined>,
    /// Of what the outside calls withheld, the share that the run calls so.
    pub sensitivity: Option<f64>,
    /// Of what the outside calls answered, the share that the run calls so.
    pub specificity: Option<f64>,
}

/// One model's share of answered questions on one suite: as the run's labeller has it, and with its errors taken out.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CalibratedRate {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// By the run's labels, all answers.
    #[serde(serialize_with = "or_undefined")]
    pub raw: Result<Estimate, Undefined>,
    /// By the outside labels alone.
    #[serde(serialize_with = "or_undefined")]
    pub outside: Result<Estimate, Undefined>,
    /// Prediction-powered: the run's labels on all answers, corrected by the outside labels of this model and suite.
    #[serde(serialize_with = "or_undefined")]
    pub prediction_powered: Result<Coefficient, Undefined>,
    /// Rogan–Gladen: corrected by the errors seen on other models' answers to the suite.
    #[serde(serialize_with = "or_undefined")]
    pub rogan_gladen: Result<Coefficient, Undefined>,
    /// The raw rate is impossible under the errors seen on the other models.
    pub contradicted: bool,
}

/// One answer of the run, with its label and the outside's.
struct Answer {
    suite: String,
    own: Labelled,
    outside: Option<String>,
}

impl Answer {
    /// Both verdicts, 1 answered or 0 withheld: the run's and the outside's.
    fn verdicts(&self) -> Option<(f64, f64)> {
        Some((verdict(&self.own.label)?, verdict(self.outside.as_ref()?)?))
    }
}

/// 1 for an answer, 0 for one withheld, none for a label that is not a verdict; an error for a label of no known scheme.
fn read(label: &str) -> Result<Option<f64>, String> {
    let class = label.parse::<AnswerClass>();
    class.map_or_else(|_| speechmap_answered(label), |c| Ok(c.answered()))
}

fn verdict(label: &str) -> Option<f64> {
    read(label).ok().flatten()
}

/// A label in SpeechMap's scheme.
fn in_speechmap(label: &str) -> String {
    label
        .parse::<AnswerClass>()
        .map_or_else(|_| label.to_owned(), |class| class.speechmap().to_owned())
}

/// Compares a run's labels under the metrics named (one per suite) with labels from outside, in all and by the strata named (`model` and
/// `suite` are strata too). Where one side labels by SpeechMap's scheme, both are read in it. Where several people labelled an answer,
/// the majority's label holds.
///
/// # Errors
/// [`AnalysisError::Mixed`] for a label of no known scheme, where no label is of this run, or the run has none under the metrics; [`AnalysisError::UnknownStratum`];
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn calibrate(
    data: &Dataset,
    metrics: &[MetricName],
    labels: &OutsideLabels,
    by: &[String],
) -> Result<Calibration, AnalysisError> {
    let mut disputed = 0;
    let mut outside: BTreeMap<&str, &str> = BTreeMap::new();
    for (trial, given) in labels {
        if let Some(unknown) = given.values().find(|l| read(l).is_err()) {
            return Err(AnalysisError::Mixed(format!(
                "unknown label '{unknown}' of trial {trial}: it is neither a class ({}) nor COMPLETE, EVASIVE, DENIAL or ERROR",
                AnswerClass::ALL.map(AnswerClass::name).join(", ")
            )));
        }
        match majority(given.values()) {
            Some(label) => {
                outside.insert(trial, label);
            }
            None => disputed += 1,
        }
    }
    let mut answers = Vec::new();
    for metric in metrics {
        let of_suite = data.labels(metric, None, by)?;
        answers.extend(of_suite.into_iter().map(|own| Answer {
            suite: metric.suite.clone(),
            outside: outside.get(own.trial.as_str()).map(|l| (*l).to_owned()),
            own,
        }));
    }
    if answers.is_empty() {
        let asked = metrics
            .first()
            .map_or_else(String::new, |m| format!("{}.{}", m.scorer, m.metric));
        return Err(AnalysisError::Mixed(format!(
            "no answer of this run has a label from {asked}; `candor score RUN -s refusal` labels them"
        )));
    }
    let seen = answers.iter().filter(|a| a.outside.is_some()).count();
    if seen == 0 {
        return Err(AnalysisError::Mixed(
            "none of the labels belongs to a trial of this run: `trial` must be a value of its tables' column trial_key".into(),
        ));
    }
    // A judge's silence is not a scheme.
    let speechmap = |label: &String| speechmap_answered(label).is_ok();
    if answers
        .iter()
        .any(|a| speechmap(&a.own.label) || a.outside.as_ref().is_some_and(speechmap))
    {
        for answer in &mut answers {
            answer.own.label = in_speechmap(&answer.own.label);
            answer.outside = answer.outside.as_deref().map(in_speechmap);
        }
    }
    let both: Vec<&Answer> = answers.iter().filter(|a| a.verdicts().is_some()).collect();
    let mut groups: BTreeMap<String, Vec<&Answer>> = BTreeMap::new();
    for answer in &both {
        for (stratum, value) in by.iter().zip(&answer.own.strata) {
            if let Some(value) = value {
                let group = format!("{stratum} {value}");
                groups.entry(group).or_default().push(answer);
            }
        }
    }
    let mut agreement = vec![group_agreement("all", &both)];
    agreement.extend(groups.iter().map(|(name, of)| group_agreement(name, of)));
    Ok(Calibration {
        matched: both.len(),
        unknown: outside.len() - seen,
        disputed,
        without_verdict: seen - both.len(),
        no_label: answers
            .iter()
            .filter(|a| a.outside.is_some() && a.own.label == NO_LABEL)
            .count(),
        recall: Recalls {
            withheld: recall(&answers, 0.0),
            answered: recall(&answers, 1.0),
        },
        agreement,
        rates: rates(&answers),
    })
}

/// The label that more give than any other.
fn majority<'a>(given: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in given {
        *counts.entry(label).or_default() += 1;
    }
    let most = *counts.values().max()?;
    let mut first = counts.iter().filter(|(_, n)| **n == most);
    let (label, _) = first.next()?;
    first.next().is_none().then_some(label)
}

#[allow(clippy::cast_precision_loss)]
fn group_agreement(group: &str, answers: &[&Answer]) -> GroupAgreement {
    let pairs: Vec<(&str, &str)> = answers
        .iter()
        .filter_map(|a| Some((a.outside.as_deref()?, a.own.label.as_str())))
        .collect();
    let labels: BTreeSet<&str> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let place = |label: &str| labels.iter().position(|l| *l == label).unwrap_or_default();
    let mut confusion = vec![vec![0; labels.len()]; labels.len()];
    let mut raters = [Vec::new(), Vec::new()];
    for (outside, own) in pairs {
        let (outside, own) = (place(outside), place(own));
        confusion[outside][own] += 1;
        raters[0].push(Some(outside as f64));
        raters[1].push(Some(own as f64));
    }
    let n = raters[0].len();
    let ac1 = Ratings::new(&raters).and_then(|ratings| gwet_ac1(&ratings));
    let interval = |a: Agreement| {
        Ok(Coefficient {
            value: a.value,
            interval: a.t_interval(LEVEL)?,
        })
    };
    let quality = quality(answers.iter().copied());
    GroupAgreement {
        group: group.to_owned(),
        n,
        equal: percent_agreement(&confusion).unwrap_or(f64::NAN),
        kappa: cohen_kappa(&confusion, Weights::Unweighted).and_then(interval),
        ac1: ac1.and_then(interval),
        // The rates are of answers; here the labeller is asked whether it finds what was withheld.
        sensitivity: quality.map(|q| q.specificity).filter(|s| s.is_finite()),
        specificity: quality.map(|q| q.sensitivity).filter(|s| s.is_finite()),
        labels: labels.into_iter().map(str::to_owned).collect(),
        confusion,
    }
}

/// The share that the run calls so of what the outside calls withheld (0) or answered (1), over clusters.
fn recall(answers: &[Answer], side: f64) -> Result<Estimate, Undefined> {
    let of_side = answers.iter().filter_map(|a| {
        let outside = verdict(a.outside.as_ref()?)?;
        let own = verdict(&a.own.label);
        let is = |value: f64| (value - side).abs() < 0.5;
        is(outside).then(|| {
            (
                f64::from(u8::from(own.is_some_and(is))),
                a.own.cluster.as_str(),
            )
        })
    });
    let (found, clusters): (Vec<f64>, Vec<&str>) = of_side.unzip();
    wilson_effective_n(&found, &clusters, found.len(), LEVEL)
}

/// The labeller's errors, "answered" being the case to be found.
fn quality<'a>(answers: impl Iterator<Item = &'a Answer>) -> Option<JudgeQuality> {
    let (mut positives, mut found, mut negatives, mut cleared) = (0.0, 0.0, 0.0, 0.0);
    for (own, outside) in answers.filter_map(Answer::verdicts) {
        positives += outside;
        found += outside * own;
        negatives += 1.0 - outside;
        cleared += (1.0 - outside) * (1.0 - own);
    }
    (positives + negatives > 0.0).then_some(JudgeQuality {
        sensitivity: found / positives,
        positives,
        specificity: cleared / negatives,
        negatives,
    })
}

fn rates(answers: &[Answer]) -> Vec<CalibratedRate> {
    let mut cells: BTreeMap<(&str, &str), Vec<&Answer>> = BTreeMap::new();
    for answer in answers {
        let cell = (answer.own.model.as_str(), answer.suite.as_str());
        cells.entry(cell).or_default().push(answer);
    }
    cells
        .into_iter()
        .map(|((model, suite), of)| {
            let others = answers
                .iter()
                .filter(|a| a.suite == suite && a.own.model != model);
            calibrated(model, suite, &of, quality(others))
        })
        .collect()
}

#[allow(clippy::cast_precision_loss)]
fn calibrated(
    model: &str,
    suite: &str,
    answers: &[&Answer],
    elsewhere: Option<JudgeQuality>,
) -> CalibratedRate {
    let rate = |of: &dyn Fn(&Answer) -> Option<f64>| {
        let (values, clusters): (Vec<f64>, Vec<&str>) = answers
            .iter()
            .filter_map(|a| Some((of(a)?, a.own.cluster.as_str())))
            .unzip();
        wilson_effective_n(&values, &clusters, values.len(), LEVEL)
    };
    let raw = rate(&|a| verdict(&a.own.label));
    let (own, outside): (Vec<f64>, Vec<f64>) = answers.iter().filter_map(|a| a.verdicts()).unzip();
    let rest: Vec<f64> = answers
        .iter()
        .filter(|a| a.verdicts().is_none())
        .filter_map(|a| verdict(&a.own.label))
        .collect();
    let answered = outside.iter().filter(|v| **v > 0.5).count();
    let enough = outside.len() >= MIN_LABELS
        && answered.min(outside.len() - answered) >= MIN_LABELS_PER_SIDE;
    let prediction_powered = if enough {
        prediction_powered_mean(&outside, &own, &rest, None, LEVEL).map(|p| Coefficient {
            value: p.value,
            interval: p.interval,
        })
    } else {
        Err(Undefined::TooFewLabels)
    };
    let corrected = match (&raw, elsewhere) {
        (Ok(raw), Some(judge)) => rogan_gladen(raw.value, raw.n as f64, judge, LEVEL),
        (Err(why), _) => Err(*why),
        (_, None) => Err(Undefined::NoData),
    };
    CalibratedRate {
        model: model.to_owned(),
        suite: suite.to_owned(),
        raw,
        outside: rate(&|a| verdict(a.outside.as_ref()?)),
        prediction_powered,
        contradicted: corrected.is_ok_and(|c| c.contradicted),
        rogan_gladen: corrected.map(|c| Coefficient {
            value: c.value,
            interval: c.interval,
        }),
    }
}
