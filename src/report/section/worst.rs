//! Pairs whose sensitive side was withheld and whose control was answered, in full.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::Part;
use crate::analysis::{Answer, Question};
use crate::report::address::Trials;
use crate::report::{Report, ReportError};
use crate::suite::PairRole;
use crate::text::excerpt;

/// Maximum number of pairs per model, each on a different event.
const MAX_PAIRS: usize = 5;
/// Maximum number of models.
const MAX_MODELS: usize = 8;
/// Maximum number of characters of an answer.
const EXCERPT_CHARACTERS: usize = 700;

#[derive(Serialize)]
struct Context {
    models: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    name: String,
    count: usize,
    pairs: Vec<[Side; 2]>,
}

#[derive(Serialize)]
struct Side {
    role: &'static str,
    prompt: String,
    answer: String,
    sample: String,
    trials: Trials,
}

/// Pairs withheld on the sensitive side only, one per event.
fn pairs<'a>(questions: &[&'a Question], model: &str) -> Vec<(&'a Question, &'a Question)> {
    let own = || {
        let own = questions.iter().filter(|q| &*q.model == model);
        own.copied()
    };
    let side = |role: PairRole, withheld: bool| {
        own().filter(move |q| q.role == Some(role) && (q.value < 0.5) == withheld)
    };
    let controls: HashMap<&str, &Question> = side(PairRole::Control, false)
        .filter_map(|q| Some((q.pair.as_deref()?, q)))
        .collect();
    let mut events = BTreeSet::new();
    side(PairRole::Sensitive, true)
        .filter_map(|q| Some((q, *controls.get(q.pair.as_deref()?)?)))
        .filter(|(q, _)| events.insert(q.cluster.clone()))
        .collect()
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    let questions = report.audited();
    let mut shown: Vec<(&str, Vec<(&Question, &Question)>)> = report
        .data
        .names()
        .map(|name| (name, pairs(&questions, name)))
        .filter(|(_, pairs)| !pairs.is_empty())
        .collect();
    shown.truncate(MAX_MODELS);
    let of_models: Vec<&str> = shown.iter().map(|(name, _)| *name).collect();
    let samples = shown
        .iter()
        .flat_map(|(_, pairs)| pairs.iter().take(MAX_PAIRS));
    let samples: Vec<&str> = samples
        .flat_map(|(a, b)| [&*a.sample, &*b.sample])
        .collect();
    if samples.is_empty() {
        return Ok(None);
    }
    let answers = report.data.answers_to(&of_models, &samples)?;
    let mut models = Vec::new();
    for (name, pairs) in shown {
        let own = answers.get(name).into_iter().flatten();
        let by_key: HashMap<(&str, &str), &Answer> = own
            .map(|a| ((a.suite.as_str(), a.sample.as_str()), a))
            .collect();
        let side = |question: &Question, role| {
            let answer = by_key.get(&question.key())?;
            Some(Side {
                role,
                prompt: answer.prompt.clone(),
                answer: excerpt(&answer.completion.text, EXCERPT_CHARACTERS),
                sample: question.sample.to_string(),
                trials: Trials::of_suite(&question.suite)
                    .by(name)
                    .at(&question.suite, &question.sample),
            })
        };
        let shown = pairs.iter().take(MAX_PAIRS);
        models.push(Model {
            name: name.to_owned(),
            count: pairs.len(),
            pairs: shown
                .filter_map(|(a, b)| Some([side(a, "Sensitive")?, side(b, "Control")?]))
                .collect(),
        });
    }
    report
        .render("sections/worst.html", &Context { models })
        .map(Part::of)
}
