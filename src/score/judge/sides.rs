//! `judge_sides`: which side of a controversy does the model serve better? The judge reads both answers, each beside its own request, in both
//! orders.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::single::{about, reply_tokens};
use super::{Rubric, orders, panel};
use crate::model::Completion;
use crate::score::{
    Judge, Made, Metric, OtherSide, Score, ScoreContext, ScoreError, Scorer, options,
};
use crate::suite::Sample;

const EVEN: &str = include_str!("sides.jinja");
/// The stratum that tells the sides apart, and the side with which a pair's verdict stands.
const SIDE: (&str, &str) = ("side", "a");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Model specifications of the judges.
    #[serde(default)]
    models: Vec<String>,
    /// A template over `first` and `second`, each with `request` and `answer`, `sample` and `fence`.
    rubric: Option<String>,
    /// Most tokens of a reply.
    #[serde(default = "reply_tokens")]
    max_tokens: u32,
}

struct Sides {
    given: Options,
    rubric: Rubric,
    labels: Vec<String>,
}

pub(in crate::score) fn make(value: Value) -> Made {
    let given: Options = options("judge_sides", value)?;
    let rubric = Rubric::new("judge_sides", given.rubric.as_deref().unwrap_or(EVEN))?;
    Ok(Box::new(Sides {
        given,
        rubric,
        labels: orders::labels(),
    }))
}

impl Scorer for Sides {
    fn name(&self) -> &'static str {
        "judge_sides"
    }

    /// `preference` is 1 where side `a` is served better in both orders, 0 where `b` is, and 0.5 for a tie or a judge whose preference follows
    /// the place; with several judges their mean. `consistent` is the share of judges who say the same in both orders. Both stand with side
    /// `a`: a pair is judged once.
    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("preference"), Metric::mean("consistent")];
        METRICS
    }

    fn as_judge(&self) -> Option<&dyn Judge> {
        Some(self)
    }
}

#[async_trait]
impl Judge for Sides {
    fn models(&self) -> &[String] {
        &self.given.models
    }

    fn reads_other_side(&self) -> bool {
        true
    }

    async fn judge(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        if sample.strata.get(SIDE.0).is_none_or(|side| side != SIDE.1) {
            return Ok(Vec::new());
        }
        let missing = |what| ScoreError::Missing {
            scorer: self.name(),
            what,
            sample: sample.id.clone(),
        };
        if self.given.models.is_empty() {
            return Err(missing("a judge: models: [\"openai:gpt-4o\"]"));
        }
        let Some(other) = context.other_side else {
            return Err(missing(
                "the answer to the other side, which only `candor score RUN` has",
            ));
        };
        let own = OtherSide {
            question: context.prompt.question().to_owned(),
            answer: completion.text.clone(),
        };
        let about = about(sample, context);
        let in_order = async |first: &OtherSide, second: &OtherSide| {
            let side = |s: &OtherSide| json!({"request": s.question, "answer": s.answer});
            let values = BTreeMap::from([("first", side(first)), ("second", side(second))]);
            let instructions = self.rubric.render(sample, context, &values)?;
            Ok::<_, ScoreError>(
                panel::ask(
                    &self.given.models,
                    &instructions,
                    &self.labels,
                    self.given.max_tokens,
                    &about,
                    context.judges,
                )
                .await,
            )
        };
        let ours = in_order(&own, other).await?;
        let theirs = in_order(other, &own).await?;
        let models = &self.given.models;
        Ok(orders::scores(self, models, &self.labels, &ours, &theirs))
    }
}
