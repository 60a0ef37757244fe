//! What is withheld on sensitive questions beyond their matched controls.

use std::collections::HashMap;

use serde::Serialize;

use super::{Dataset, LEVEL, Name, PairedTest, PairedUnit, Question, Target};
use crate::stats::{Estimate, Inference, Undefined};

/// A model's gap.
#[derive(Debug, Clone, Serialize)]
pub struct Gap {
    /// The model.
    pub model: String,
    /// The stratum's value, where the gap is of one.
    pub stratum: Option<String>,
    /// Share withheld on sensitive questions − share withheld on their controls, with its 95 % interval.
    pub gap: Result<Estimate, Undefined>,
    /// Share withheld on the sensitive side.
    pub sensitive: f64,
    /// Share withheld on the control side.
    pub control: f64,
    /// How the interval was made.
    pub method: &'static str,
}

/// The gap of a model over all its pairs; none where there are no pairs.
#[must_use]
pub fn gap(questions: &[Question], model: &str) -> Option<Gap> {
    gap_of(
        &questions
            .iter()
            .filter(|q| &*q.model == model)
            .collect::<Vec<_>>(),
        model,
        None,
    )
}

/// The gap of every model in every value of a stratum.
#[must_use]
pub fn gaps(data: &Dataset, questions: &[Question], stratum: &str) -> Vec<Gap> {
    let Some(at) = data.strata.iter().position(|s| s == stratum) else {
        return Vec::new();
    };
    let mut groups: HashMap<(&str, &str), Vec<&Question>> = HashMap::new();
    for question in questions {
        if let Some(value) = &question.strata[at] {
            groups
                .entry((&question.model, value))
                .or_default()
                .push(question);
        }
    }
    let mut all: Vec<Gap> = groups
        .into_iter()
        .filter_map(|((model, value), questions)| gap_of(&questions, model, Some(value)))
        .collect();
    all.sort_by(|a, b| (&a.model, &a.stratum).cmp(&(&b.model, &b.stratum)));
    all
}

#[allow(clippy::cast_precision_loss)]
fn gap_of(questions: &[&Question], model: &str, stratum: Option<&str>) -> Option<Gap> {
    let side = |role: &str| -> HashMap<&str, Vec<&Question>> {
        let mut by_pair: HashMap<&str, Vec<&Question>> = HashMap::new();
        for question in questions.iter().filter(|q| q.role.as_deref() == Some(role)) {
            if let Some(pair) = &question.pair {
                by_pair.entry(pair).or_default().push(question);
            }
        }
        by_pair
    };
    let (sensitive, control) = (side("sensitive"), side("control"));
    let withheld = |questions: &[&Question]| {
        1.0 - questions.iter().map(|q| q.value).sum::<f64>() / questions.len() as f64
    };
    let mut pairs: Vec<&str> = sensitive
        .keys()
        .filter(|p| control.contains_key(*p))
        .copied()
        .collect();
    pairs.sort_unstable();
    let units: Vec<PairedUnit> = pairs
        .iter()
        .map(|pair| {
            let (s, c) = (&sensitive[pair], &control[pair]);
            PairedUnit {
                first: withheld(s),
                second: withheld(c),
                cluster: (Name::from(""), Name::clone(&s[0].cluster)),
                single: [s, c]
                    .iter()
                    .all(|side| side.len() == 1 && side[0].repeats.len() == 1),
                rerun_variance: None,
                repeats: 0,
                order: s.iter().map(|q| q.schedule_index).min().unwrap_or(0),
            }
        })
        .collect();
    if units.is_empty() {
        return None;
    }
    let mean = |f: fn(&PairedUnit) -> f64| units.iter().map(f).sum::<f64>() / units.len() as f64;
    let test = PairedTest::of(&units, Target::Population, units.len());
    Some(Gap {
        model: model.into(),
        stratum: stratum.map(str::to_owned),
        gap: test
            .as_ref()
            .map_err(|e| *e)
            .and_then(|t| t.estimate(LEVEL)),
        sensitive: mean(|u| u.first),
        control: mean(|u| u.second),
        method: test.as_ref().map_or("", |t| t.method()),
    })
}
