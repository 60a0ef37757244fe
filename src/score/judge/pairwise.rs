//! `judge_pairwise`: is the answer better than another to the same question? Asked in both orders, since judges favour a place.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::panel::{Panel, ReplyForm, named, reply_tokens};
use super::{Rubric, orders};
use crate::model::Completion;
use crate::score::{Judge, Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::suite::Sample;

const PREFER: &str = include_str!("pairwise.jinja");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Model specifications of the judges.
    #[serde(default)]
    models: Vec<String>,
    /// The sample's field that holds the other answer; its target where nothing is said.
    against: Option<String>,
    /// A template over `question`, `first`, `second`, `target`, `sample` and `fence`.
    rubric: Option<String>,
    /// Most tokens of a reply.
    #[serde(default = "reply_tokens")]
    max_tokens: u32,
}

struct Pairwise {
    panel: Panel,
    against: Option<String>,
}

pub(in crate::score) fn make(value: Value) -> Made {
    let given: Options = options("judge_pairwise", value)?;
    let rubric = Rubric::new("judge_pairwise", given.rubric.as_deref().unwrap_or(PREFER))?;
    Ok(Box::new(Pairwise {
        panel: Panel {
            models: named("judge_pairwise", given.models)?,
            rubric,
            labels: orders::labels(),
            max_tokens: given.max_tokens,
            reply: ReplyForm::Object,
        },
        against: given.against,
    }))
}

impl Pairwise {
    fn other<'a>(&self, sample: &'a Sample) -> Option<&'a str> {
        match &self.against {
            Some(field) => sample.fields.get(field).and_then(Value::as_str),
            None => sample.targets.first().map(String::as_str),
        }
    }
}

impl Scorer for Pairwise {
    fn name(&self) -> &'static str {
        "judge_pairwise"
    }

    /// `preference` is 1 where the answer is preferred in both orders, 0 where the other is, and 0.5 for a tie or a judge whose preference
    /// follows the place; with several judges their mean. `consistent` is the share of judges who say the same in both orders.
    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("preference"), Metric::mean("consistent")];
        METRICS
    }

    fn as_judge(&self) -> Option<&dyn Judge> {
        Some(self)
    }
}

#[async_trait]
impl Judge for Pairwise {
    fn models(&self) -> &[String] {
        &self.panel.models
    }

    async fn judge(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let missing = |what| ScoreError::Missing {
            scorer: self.name(),
            what,
            sample: sample.id.clone(),
        };
        let other = self
            .other(sample)
            .ok_or_else(|| missing("another answer to compare with"))?;
        let both = [json!(completion.text), json!(other)];
        orders::ask(self, &self.panel, sample, context, both.each_ref()).await
    }
}
