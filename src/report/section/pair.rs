//! One matched pair in full: the sensitive question and its control, as every model answered them.

use std::collections::HashMap;

use serde::Serialize;

use super::Part;
use crate::analysis::{Question, gap};
use crate::report::address::Trials;
use crate::report::{Report, ReportError};
use crate::store::{Filter, column};
use crate::suite::PairRole;

/// Maximum number of models for which a pair is shown side by side.
const MAX_MODELS: usize = 4;

#[derive(Serialize)]
struct Context {
    sides: Vec<Side>,
    models: Vec<String>,
}

#[derive(Serialize)]
struct Side {
    role: &'static str,
    trials: Trials,
    prompt: String,
    answers: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    model: String,
    text: String,
    withheld: bool,
}

/// The most telling pair: withheld more on the sensitive side, by the model with the largest gap. Of several the first by name, so that
/// the same run always shows the same pair.
fn choose(report: &Report) -> Option<(&Question, &Question)> {
    let questions = report.audited();
    let largest = report
        .data
        .names()
        .filter_map(|m| gap(&questions, m))
        .filter_map(|g| g.gap.ok().map(|e| (g.model, e.value)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?
        .0;
    let side = |role: PairRole| {
        let own = questions.iter().filter(|q| *q.model == *largest);
        own.filter(move |q| q.role == Some(role))
            .filter_map(|q| Some((q.pair.as_deref()?, *q)))
    };
    let mut controls: HashMap<&str, &Question> = HashMap::new();
    for (pair, question) in side(PairRole::Control) {
        controls.entry(pair).or_insert(question);
    }
    let beyond = |(sensitive, control): &(&Question, &Question)| sensitive.value - control.value;
    side(PairRole::Sensitive)
        .filter_map(|(pair, sensitive)| Some((sensitive, *controls.get(pair)?)))
        .filter(|pair| beyond(pair) < 0.0)
        .min_by(|a, b| {
            beyond(a)
                .total_cmp(&beyond(b))
                .then_with(|| a.0.sample.cmp(&b.0.sample))
        })
}

pub(super) fn render(report: &Report) -> Result<Option<Part>, ReportError> {
    if report.data.models.len() > MAX_MODELS {
        return Ok(None);
    }
    let Some((sensitive, control)) = choose(report) else {
        return Ok(None);
    };
    let models: Vec<String> = report
        .data
        .models
        .iter()
        .map(|m| m.identity.name.clone())
        .collect();
    let mut sides = Vec::new();
    for question in [sensitive, control] {
        let wanted = Filter::all()
            .is(column::SUITE, &question.suite)
            .is(column::SAMPLE, &question.sample);
        let columns = [column::MODEL, column::EPOCH, column::PROMPT, column::ANSWER];
        let trials = report.data.trials(&columns, &wanted)?;
        let (asked, epochs) = (trials.texts(column::MODEL)?, trials.wholes(column::EPOCH)?);
        let (prompts, texts) = (trials.texts(column::PROMPT)?, trials.texts(column::ANSWER)?);
        let first: Vec<usize> = (0..trials.height())
            .filter(|row| epochs.get(*row) == Some(0))
            .collect();
        let prompt = first.first().and_then(|row| prompts.get(*row));
        let answers = models
            .iter()
            .filter_map(|model| {
                let row = *first.iter().find(|row| asked.get(**row) == Some(model))?;
                let withheld = report.questions().iter().any(|q| {
                    *q.model == **model
                        && q.suite == question.suite
                        && q.sample == question.sample
                        && q.value < 0.5
                });
                Some(Answer {
                    model: model.clone(),
                    text: texts.get(row).unwrap_or_default().to_owned(),
                    withheld,
                })
            })
            .collect();
        sides.push(Side {
            role: question.role.map_or("", PairRole::name),
            trials: Trials::of_suite(&question.suite).at(&question.suite, &question.sample),
            prompt: prompt.unwrap_or_default().to_owned(),
            answers,
        });
    }
    report
        .render("sections/pair.html", &Context { sides, models })
        .map(Part::of)
}
