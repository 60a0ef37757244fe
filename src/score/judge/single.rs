//! `judge`: a label for an answer by a rubric, from one model or the vote of several.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::panel::{self, Panel, ReplyForm, named, reply_tokens};
use super::scheme::Scheme;
use super::{NO_LABEL, Rubric};
use crate::model::Completion;
use crate::score::{Judge, Made, Metric, Score, ScoreContext, ScoreError, Scorer, Tells, options};
use crate::suite::Sample;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Model specifications of the judges.
    #[serde(default)]
    models: Vec<String>,
    /// A template over `question`, `answer`, `reasoning`, `target`, `sample` (its fields), `labels` and `fence`; the taxonomy's where nothing
    /// is said; or the name of a rubric that is built in: `substance`, `compliance`, `hedging`.
    rubric: Option<String>,
    /// The labels of a rubric of one's own, with their values; none where a label has no value.
    labels: Option<BTreeMap<String, Option<f64>>>,
    /// Most tokens of a reply.
    #[serde(default = "reply_tokens")]
    max_tokens: u32,
    /// `object`, or `label` where the rubric itself asks for one label and nothing else.
    #[serde(default)]
    reply: ReplyForm,
}

struct Single {
    panel: Panel,
    /// Those of the panel's labels.
    values: Vec<Option<f64>>,
    tells: Tells,
}

pub(in crate::score) fn make(value: Value) -> Made {
    let given: Options = options("judge", value)?;
    let scheme = match (given.rubric, given.labels) {
        (None, None) => Some(Scheme::taxonomy()),
        (Some(name), None) => Scheme::built_in(name.trim()),
        (Some(rubric), Some(labels)) if labels.len() > 1 => Some(Scheme::own(rubric, labels)),
        _ => None,
    };
    let scheme = scheme.ok_or_else(|| ScoreError::Options {
        scorer: "judge".into(),
        reason: format!(
            "a rubric of one's own needs labels, two or more, each with its value: labels: {{good: 1, bad: 0}}; built in, without labels, are {}",
            Scheme::names().join(", ")
        ),
    })?;
    let (labels, values) = scheme.labels.into_iter().unzip();
    Ok(Box::new(Single {
        panel: Panel {
            models: named("judge", given.models)?,
            rubric: Rubric::new("judge", &scheme.rubric)?,
            labels,
            max_tokens: given.max_tokens,
            reply: given.reply,
        },
        values,
        tells: scheme.tells,
    }))
}

impl Scorer for Single {
    fn name(&self) -> &'static str {
        "judge"
    }

    fn version(&self) -> u32 {
        2
    }

    /// `class` is the label's value, by the vote where there are several judges; it has none where they tie or give no label. `agreement`,
    /// with several judges, is the share of them who gave the label that most gave.
    fn metrics(&self) -> &'static [Metric] {
        const CLASSES: &[Metric] = &[Metric::answered("class"), Metric::mean("agreement")];
        const OWN_LABELS: &[Metric] = &[Metric::mean("class"), Metric::mean("agreement")];
        match self.tells {
            Tells::Withheld => CLASSES,
            Tells::Score => OWN_LABELS,
        }
    }

    fn as_judge(&self) -> Option<&dyn Judge> {
        Some(self)
    }
}

#[async_trait]
impl Judge for Single {
    fn models(&self) -> &[String] {
        &self.panel.models
    }

    async fn judge(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let own = BTreeMap::from([
            ("answer", json!(completion.text)),
            ("reasoning", json!(completion.reasoning)),
            ("labels", json!(self.panel.labels)),
        ]);
        let voices = self.panel.ask(sample, context, &own).await?;
        let vote = panel::vote(&voices, &self.panel.labels);
        let value = |label: &str| {
            let at = self.panel.labels.iter().position(|l| l == label);
            at.and_then(|at| self.values[at])
        };
        let several = voices.len() > 1;
        let sure = match voices.as_slice() {
            [only] => only.verdict.as_ref().ok().and_then(|v| v.confidence),
            _ => vote.share,
        };
        let mut scores = vec![Score {
            value: vote.label.as_deref().and_then(value),
            label: Some(vote.label.unwrap_or_else(|| NO_LABEL.into())),
            by: Some(self.panel.models.join(", ")),
            confidence: sure,
            ..Score::new(self, "class").because(vote.told)
        }];
        if several {
            scores.push(Score {
                value: vote.share,
                ..Score::new(self, "agreement")
            });
        }
        for voice in voices.iter().filter(|_| several) {
            let name = format!("class by {}", voice.judge);
            let score = Score::new(self, &name);
            scores.push(match &voice.verdict {
                Ok(verdict) => Score {
                    value: value(&verdict.label),
                    by: Some(voice.judge.clone()),
                    confidence: verdict.confidence,
                    ..score
                        .label(verdict.label.clone())
                        .because(verdict.why.clone())
                },
                Err(wrong) => score.label(NO_LABEL).because(wrong.clone()),
            });
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judge_tells_what_was_withheld_where_its_labels_are_the_taxonomys() {
        let tells = |mut options: Value| {
            options["models"] = json!(["demo:open"]);
            make(options).map(|judge| judge.metrics()[0].tells)
        };
        let own = |labels: Value| json!({"rubric": "Label it.", "labels": labels});
        assert_eq!(tells(json!({})), Ok(Tells::Withheld));
        let classes = json!({"complete": 1, "denial": 0, "evasive": 0});
        assert_eq!(tells(own(classes)), Ok(Tells::Withheld));
        assert_eq!(tells(own(json!({"good": 1, "bad": 0}))), Ok(Tells::Score));
        let built_in = |name: &str| tells(json!({"rubric": name}));
        assert_eq!(built_in("substance"), Ok(Tells::Withheld));
        assert_eq!(built_in("compliance"), Ok(Tells::Withheld));
        assert_eq!(built_in("hedging"), Ok(Tells::Score));
        let turned = json!({"complete": 0, "denial": 1});
        assert_eq!(tells(own(turned)), Ok(Tells::Score));
    }
}
