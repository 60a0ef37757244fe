//! Key facts read by judges: one question per fact, with the four readings as its labels.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use serde_json::json;

use super::reading::{FactReading, Reading};
use super::rules::Answer;
use crate::model::Completion;
use crate::score::judge::Rubric;
use crate::score::judge::panel::{self, Panel, ReplyForm};
use crate::score::{ScoreContext, ScoreError};
use crate::suite::{Fact, Sample};

const STATEMENT: &str = include_str!("statement.jinja");

/// Judges who are asked about one fact at a time.
pub(super) struct Judges(Panel);

impl Judges {
    pub(super) fn new(models: Vec<String>, max_tokens: u32) -> Result<Self, ScoreError> {
        Ok(Self(Panel {
            models,
            rubric: Rubric::new("key_facts", STATEMENT)?,
            labels: Reading::ALL.map(|r| r.name().to_owned()).to_vec(),
            max_tokens,
            reply: ReplyForm::Object,
        }))
    }

    /// Their specifications.
    pub(super) fn models(&self) -> &[String] {
        &self.0.models
    }

    /// The readings of all facts, by the vote where there are several judges; none where they tie or give no label.
    pub(super) async fn read(
        &self,
        facts: Vec<Fact>,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<FactReading>, ScoreError> {
        let answer = Answer::new(&completion.text);
        let by_rules: Vec<FactReading> = facts.iter().map(|fact| answer.read(fact)).collect();
        let each = by_rules
            .into_iter()
            .map(|of| self.one(of, sample, completion, context));
        try_join_all(each).await
    }

    /// One fact, of which `by_rules` says whether it is mentioned.
    async fn one(
        &self,
        by_rules: FactReading,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<FactReading, ScoreError> {
        let own = BTreeMap::from([
            ("statement", json!(by_rules.fact)),
            ("answer", json!(completion.text)),
        ]);
        let voices = self.0.ask(sample, context, &own).await?;
        let vote = panel::vote(&voices, &self.0.labels);
        let read = Reading::ALL
            .into_iter()
            .find(|r| vote.label.as_deref() == Some(r.name()));
        Ok(FactReading {
            mentioned: by_rules.mentioned || read.is_some_and(|r| r != Reading::Absent),
            reading: read,
            seen_in: Some(vote.told),
            confidence: vote.share,
            ..by_rules
        })
    }
}
