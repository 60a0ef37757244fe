//! Language models as judges: `judge` labels one answer by a rubric, `judge_pairwise` prefers one of two answers, `judge_sides` one of the two
//! sides of a controversy.
//!
//! A judge is asked for JSON of a schema. Invalid JSON is retried once with the error; a second failure yields no label. Verdicts are
//! never guessed.

#[cfg(fuzzing)]
pub mod fuzzing;
mod orders;
mod pairwise;
pub(super) mod panel;
mod reply;
mod scheme;
mod sides;
mod single;
mod verdict;

use std::collections::BTreeMap;

use async_trait::async_trait;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};

use super::{ScoreContext, ScoreError};
use crate::model::{Completion, ModelError, Request};
use crate::suite::{Sample, bound};

pub(super) use pairwise::make as make_pairwise;
pub(super) use sides::make as make_sides;
pub(super) use single::make as make_single;

/// The label of a score for which no judge gave one.
pub const NO_LABEL: &str = "no_label";

/// Puts a question to a judge: opened, cached and paced by the scoring code.
#[async_trait]
pub trait AskJudge: Send + Sync {
    /// The judge's reply.
    ///
    /// # Errors
    /// [`ModelError`] where it cannot be asked.
    async fn ask(&self, judge: &str, request: &Request) -> Result<Completion, ModelError>;
}

/// A rubric: a template over the question, the answer and the sample.
pub(super) struct Rubric {
    environment: Environment<'static>,
}

impl Rubric {
    pub(super) fn new(scorer: &str, source: &str) -> Result<Self, ScoreError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        bound(&mut environment);
        // It alone carries a value from one turn of a loop to the next, and so could nest it deeper than the stack goes.
        environment.remove_global("namespace");
        environment
            .add_template_owned("rubric", source.to_owned())
            .map_err(|e| ScoreError::Options {
                scorer: scorer.into(),
                reason: format!("the rubric does not parse: {e:#}"),
            })?;
        Ok(Self { environment })
    }

    /// The judge's instructions. `own` are the scorer's values beside the sample's; texts from models are between fences that they
    /// could not foresee.
    pub(super) fn render(
        &self,
        sample: &Sample,
        context: &ScoreContext<'_>,
        own: &BTreeMap<&str, Value>,
    ) -> Result<String, ScoreError> {
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        let texts: String = own.values().map(ToString::to_string).collect();
        let fence = &blake3::hash(texts.as_bytes()).to_hex()[..12];
        values.insert("fence", json!(fence));
        values.insert("question", json!(context.prompt.question()));
        values.insert("target", json!(sample.targets.join(" | ")));
        values.insert("sample", json!(sample.fields));
        values.extend(own.iter().map(|(name, value)| (*name, value.clone())));
        let template = self.environment.get_template("rubric");
        template
            .and_then(|t| t.render(Serde(&values)))
            .map_err(|e| ScoreError::Options {
                scorer: "judge".into(),
                reason: format!("sample {}: the rubric cannot be rendered: {e:#}", sample.id),
            })
    }
}
