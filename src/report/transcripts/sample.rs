//! A question with its answers and their scores, as the page and the server give them to the script.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

use super::row::Row;
use crate::report::excerpt::last_user_turn;
use crate::score::{FactReading, readings_of};
use crate::store::{TrialRecord, column};
use crate::suite::PairRole;
use crate::text::visible;

/// A sample with all its answers.
#[derive(Serialize)]
pub(in crate::report) struct Sample<'a> {
    pub(in crate::report) id: Cow<'a, str>,
    pub(in crate::report) suite: Cow<'a, str>,
    pub(in crate::report) prompt: Cow<'a, str>,
    /// The last user turn, where the prompt has more.
    pub(in crate::report) question: Option<Cow<'a, str>>,
    pub(in crate::report) target: Option<Cow<'a, str>>,
    pub(in crate::report) pair: Option<Cow<'a, str>>,
    pub(in crate::report) role: Option<Cow<'a, str>>,
    pub(in crate::report) strata: BTreeMap<String, String>,
    pub(in crate::report) answers: Vec<Answer<'a>>,
}

/// One answer.
#[derive(Serialize)]
pub(in crate::report) struct Answer<'a> {
    pub(in crate::report) key: Cow<'a, str>,
    pub(in crate::report) model: Cow<'a, str>,
    pub(in crate::report) epoch: Option<i64>,
    pub(in crate::report) status: &'a str,
    pub(in crate::report) finish: Option<Cow<'a, str>>,
    #[serde(rename = "answer")]
    pub(in crate::report) text: Option<Cow<'a, str>>,
    pub(in crate::report) reasoning: Option<Cow<'a, str>>,
    pub(in crate::report) signals: Option<Cow<'a, str>>,
    pub(in crate::report) error: Option<Cow<'a, str>>,
    pub(in crate::report) prompt_tokens: Option<i64>,
    pub(in crate::report) completion_tokens: Option<i64>,
    pub(in crate::report) seconds: Option<f64>,
    pub(in crate::report) cost: Option<f64>,
    pub(in crate::report) scores: Vec<Score<'a>>,
}

/// One score of an answer.
#[derive(Serialize)]
pub(in crate::report) struct Score<'a> {
    pub(in crate::report) scorer: Option<Cow<'a, str>>,
    pub(in crate::report) metric: Option<Cow<'a, str>>,
    pub(in crate::report) value: Option<f64>,
    pub(in crate::report) label: Option<Cow<'a, str>>,
    pub(in crate::report) why: Option<Cow<'a, str>>,
    pub(in crate::report) by: Option<Cow<'a, str>>,
    pub(in crate::report) sure: Option<f64>,
}

fn owned(text: &str) -> Cow<'static, str> {
    Cow::Owned(visible(text).into_owned())
}

/// The last user turn, where a prompt has more.
fn question_of(prompt: &str) -> Option<Cow<'_, str>> {
    let question = last_user_turn(prompt);
    (question != prompt).then(|| visible(question))
}

impl<'a> Sample<'a> {
    /// The question of a row, without its answers. `strata` are names of strata and their columns.
    pub(in crate::report) fn at(row: &Row<'a>, at: usize, strata: &[(&str, &str)]) -> Self {
        let shown = |column: &str| row.visible_text(column, at);
        let strata = strata.iter().filter_map(|(name, column)| {
            let value = row.text(column, at)?;
            Some((visible(name).into_owned(), visible(value).into_owned()))
        });
        Self {
            id: shown(column::SAMPLE).unwrap_or_default(),
            suite: shown(column::SUITE).unwrap_or_default(),
            question: row.text(column::PROMPT, at).and_then(question_of),
            prompt: shown(column::PROMPT).unwrap_or_default(),
            target: shown(column::TARGET),
            pair: shown(column::PAIR),
            role: shown(column::ROLE),
            strata: strata.collect(),
            answers: Vec::new(),
        }
    }

    /// The question of a trial, without its answers.
    pub(in crate::report) fn of(record: &'a TrialRecord) -> Self {
        let prompt = record.prompt.display();
        let targets = record.targets.join(" | ");
        let strata = record.strata.iter();
        Self {
            id: visible(&record.sample),
            suite: visible(&record.suite),
            question: question_of(&prompt).map(|q| Cow::Owned(q.into_owned())),
            prompt: owned(&prompt),
            target: (!targets.is_empty()).then(|| owned(&targets)),
            pair: record.pairing.pair.as_deref().map(visible),
            role: record.pairing.role.map(|r| visible(PairRole::name(r))),
            strata: strata
                .map(|(n, v)| (visible(n).into_owned(), visible(v).into_owned()))
                .collect(),
            answers: Vec::new(),
        }
    }
}

impl<'a> Answer<'a> {
    /// The answer of a row, without its scores.
    pub(in crate::report) fn at(row: &Row<'a>, at: usize) -> Self {
        let shown = |column: &str| row.visible_text(column, at);
        Self {
            key: shown(column::TRIAL_KEY).unwrap_or_default(),
            model: shown(column::MODEL).unwrap_or_default(),
            epoch: row.integer(column::EPOCH, at),
            status: row.text(column::STATUS, at).unwrap_or_default(),
            finish: shown(column::FINISH),
            text: shown(column::ANSWER),
            reasoning: shown(column::REASONING),
            signals: shown(column::SIGNALS),
            error: shown(column::ERROR),
            prompt_tokens: row.integer(column::PROMPT_TOKENS, at),
            completion_tokens: row.integer(column::COMPLETION_TOKENS, at),
            seconds: row.float(column::SECONDS, at),
            cost: row.float(column::COST_USD, at),
            scores: Vec::new(),
        }
    }

    /// The answer of a trial with its scores; `model` is what its model is called here.
    pub(in crate::report) fn of(record: &'a TrialRecord, model: &'a str) -> Self {
        let completion = record.completion.as_ref();
        let signals = completion.filter(|c| !c.signals.is_empty());
        let count = |n: Option<u64>| n.and_then(|n| i64::try_from(n).ok());
        Self {
            key: Cow::Owned(record.trial.to_string()),
            model: visible(model),
            epoch: Some(record.epoch.into()),
            status: record.status.name(),
            finish: completion.map(|c| visible(c.finish.name())),
            text: completion.map(|c| visible(&c.text)),
            reasoning: completion.and_then(|c| c.reasoning.as_deref()).map(visible),
            signals: signals
                .and_then(|c| serde_json::to_string(&c.signals).ok())
                .map(|s| owned(&s)),
            error: record.failure.as_ref().map(|f| visible(&f.message)),
            prompt_tokens: count(completion.and_then(|c| c.usage.prompt_tokens)),
            completion_tokens: count(completion.and_then(|c| c.usage.completion_tokens)),
            seconds: completion.map(|c| c.timing.total),
            cost: completion.and_then(|c| c.cost).map(|usd| usd.0),
            scores: record.scores.iter().map(Score::of).collect(),
        }
    }
}

impl<'a> Score<'a> {
    /// The score of a row.
    pub(in crate::report) fn at(row: &Row<'a>, at: usize) -> Self {
        let shown = |column: &str| row.visible_text(column, at);
        Self {
            scorer: shown(column::SCORER),
            metric: shown(column::METRIC),
            value: row.float(column::VALUE, at),
            label: shown(column::LABEL),
            why: shown(column::EXPLANATION).map(in_words),
            by: shown(column::LABELLED_BY),
            sure: row.float(column::CONFIDENCE, at),
        }
    }

    fn of(score: &'a crate::score::Score) -> Self {
        Self {
            scorer: Some(visible(&score.scorer)),
            metric: Some(visible(&score.metric)),
            value: score.value,
            label: score.label.as_deref().map(visible),
            why: score.explanation.as_deref().map(visible).map(in_words),
            by: score.by.as_deref().map(visible),
            sure: score.confidence,
        }
    }
}

/// A score's explanation for people: readings of facts, one per line.
fn in_words(why: Cow<'_, str>) -> Cow<'_, str> {
    let Some(facts) = readings_of(&why) else {
        return why;
    };
    let line = |read: &FactReading| {
        let how = read.reading.map_or("undecided", |r| r.name());
        let seen = read.seen_in.as_ref().map(|words| format!(" (“{words}”)"));
        format!("{how}: {}{}", read.fact, seen.unwrap_or_default())
    };
    Cow::Owned(facts.iter().map(line).collect::<Vec<_>>().join("\n"))
}
