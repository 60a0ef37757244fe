//! One matched pair in full: the marked question and its control, as every model answered them.

use polars::prelude::*;
use serde::Serialize;

use crate::analysis::{Question, gap};
use crate::report::{Report, ReportError};

/// With more models than this, a pair side by side is no longer read.
const MOST_MODELS: usize = 4;

#[derive(Serialize)]
struct Context {
    sides: Vec<Side>,
    models: Vec<String>,
}

#[derive(Serialize)]
struct Side {
    role: String,
    prompt: String,
    answers: Vec<Answer>,
}

#[derive(Serialize)]
struct Answer {
    model: String,
    text: String,
    withheld: bool,
}

/// The pair that shows most: withheld on the sensitive side only, by the model with the largest gap. Of several the first by
/// name, so that the same run shows the same pair.
fn choose(report: &Report) -> Option<(&Question, &Question)> {
    let questions = report.audited();
    let largest = report
        .data
        .names()
        .filter_map(|m| gap(&questions, m))
        .filter_map(|g| g.gap.ok().map(|e| (g.model, e.value)))
        .max_by(|a, b| a.1.total_cmp(&b.1))?
        .0;
    let own: Vec<&Question> = questions
        .into_iter()
        .filter(|q| *q.model == *largest && q.pair.is_some())
        .collect();
    let mut pairs: Vec<(&Question, &Question)> = own
        .iter()
        .filter(|q| q.role.as_deref() == Some("sensitive"))
        .filter_map(|s| {
            own.iter()
                .find(|c| c.role.as_deref() == Some("control") && c.pair == s.pair)
                .map(|c| (*s, *c))
        })
        .collect();
    pairs.sort_by(|a, b| {
        (a.0.value - a.1.value)
            .total_cmp(&(b.0.value - b.1.value))
            .then_with(|| a.0.sample.cmp(&b.0.sample))
    });
    pairs.into_iter().next()
}

pub(super) fn render(report: &Report) -> Result<Option<String>, ReportError> {
    if report.data.models.len() > MOST_MODELS {
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
        let frame = report
            .data
            .trials()
            .filter(
                col("suite")
                    .eq(lit(question.suite.to_string()))
                    .and(col("sample_id").eq(lit(question.sample.to_string())))
                    .and(col("epoch").eq(lit(0))),
            )
            .select(["model", "prompt", "answer"].map(col))
            .collect()?;
        let text = |name: &str, i: usize| {
            frame
                .column(name)
                .ok()
                .and_then(|c| c.str().ok()?.get(i).map(str::to_owned))
                .unwrap_or_default()
        };
        let answers = models
            .iter()
            .filter_map(|model| {
                let i = (0..frame.height()).find(|i| text("model", *i) == *model)?;
                let withheld = report.questions().iter().any(|q| {
                    *q.model == **model
                        && q.suite == question.suite
                        && q.sample == question.sample
                        && q.value < 0.5
                });
                Some(Answer {
                    model: model.clone(),
                    text: text("answer", i),
                    withheld,
                })
            })
            .collect();
        sides.push(Side {
            role: question.role.as_deref().unwrap_or_default().to_owned(),
            prompt: text("prompt", 0),
            answers,
        });
    }
    report
        .render("sections/pair.html", &Context { sides, models })
        .map(Some)
}
