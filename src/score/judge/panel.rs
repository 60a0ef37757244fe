//! Judges who are asked the same, and what they said.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::verdict::{self, Verdict};
use super::{AskJudge, Rubric};
use crate::model::{
    Completion, ErrorClass, Message, ModelError, Parameters, Prompt, Request, Role, SampleRef,
    Wanted,
};
use crate::score::{ScoreContext, ScoreError};
use crate::suite::Sample;

/// One judge's part: its verdict, or why there is none.
pub(in crate::score) struct Voice {
    pub judge: String,
    pub verdict: Result<Verdict, String>,
}

/// Most tokens of a reply, where nothing is said.
pub(in crate::score) fn reply_tokens() -> u32 {
    1024
}

/// What a judge replies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::score) enum ReplyForm {
    /// An object with label, reason and confidence, which the rubric need not ask for.
    #[default]
    Object,
    /// One label, as the rubric itself asks for it: nothing is added, so that a published grader is asked what it was.
    Label,
}

/// The judges of a scorer that is nothing without one.
///
/// # Errors
/// [`ScoreError::Options`] if none is named.
pub(super) fn named(scorer: &str, models: Vec<String>) -> Result<Vec<String>, ScoreError> {
    if models.is_empty() {
        return Err(ScoreError::Options {
            scorer: scorer.into(),
            reason: format!("no judge is named: {scorer}: {{models: [\"openai:gpt-4o\"]}}"),
        });
    }
    Ok(models)
}

/// Judges, and what they are asked.
pub(in crate::score) struct Panel {
    /// Their specifications.
    pub models: Vec<String>,
    pub rubric: Rubric,
    pub labels: Vec<String>,
    /// Most tokens of a reply.
    pub max_tokens: u32,
    pub reply: ReplyForm,
}

impl Panel {
    /// Asks every judge for one of the labels, by the rubric over the sample and the scorer's `own` values.
    ///
    /// # Errors
    /// [`ScoreError::Options`] if the rubric cannot be rendered.
    pub(in crate::score) async fn ask(
        &self,
        sample: &Sample,
        context: &ScoreContext<'_>,
        own: &BTreeMap<&str, Value>,
    ) -> Result<Vec<Voice>, ScoreError> {
        let rubric = self.rubric.render(sample, context, own)?;
        let (instructions, response_schema) = match self.reply {
            // The form is said in words too: servers without JSON Schema ignore it or turn it down.
            ReplyForm::Object => (
                format!(
                    "{}\n\n{}",
                    rubric.trim_end(),
                    verdict::in_words(&self.labels)
                ),
                Some(verdict::schema(&self.labels)),
            ),
            ReplyForm::Label => (rubric, None),
        };
        let request = Request {
            prompt: Prompt::Chat(vec![said(Role::User, &instructions)]),
            parameters: Parameters {
                max_tokens: self.max_tokens,
                response_schema,
                ..Parameters::default()
            },
            wanted: Wanted::Generate,
            about: about(sample, context),
        };
        let each = self.models.iter().map(|judge| async {
            Voice {
                judge: judge.clone(),
                verdict: one(judge, request.clone(), &self.labels, context.judges).await,
            }
        });
        Ok(futures::future::join_all(each).await)
    }
}

/// Where a judge's question comes from, so that a recorded judge finds its verdict: the sample's fields and strata, with `suite`, `sample_id` and
/// the `model` that answered.
fn about(sample: &Sample, context: &ScoreContext<'_>) -> SampleRef {
    let strata = sample.strata.iter().map(|(k, v)| (k.clone(), json!(v)));
    let mut fields: BTreeMap<String, Value> = strata.chain(sample.fields.clone()).collect();
    for (name, value) in [
        ("suite", context.suite),
        ("sample_id", sample.id.as_str()),
        ("model", context.model),
    ] {
        fields.insert(name.into(), json!(value));
    }
    SampleRef {
        suite: context.suite.to_owned(),
        id: sample.id.clone(),
        epoch: 0,
        fields,
    }
}

fn said(role: Role, content: &str) -> Message {
    Message {
        role,
        content: content.to_owned(),
    }
}

/// Asks one judge, and once more where its reply is not a verdict.
async fn one(
    judge: &str,
    mut request: Request,
    labels: &[String],
    asker: &dyn AskJudge,
) -> Result<Verdict, String> {
    let mut wrong = String::new();
    for _ in 0..2 {
        let reply = asked(judge, &mut request, asker)
            .await
            .map_err(|e| e.to_string())?;
        wrong = match verdict::read(&reply.text, labels) {
            Ok(verdict) => return Ok(verdict),
            Err(wrong) => wrong,
        };
        if let Prompt::Chat(messages) = &mut request.prompt {
            let again = format!(
                "That reply cannot be used: {wrong}. {}",
                verdict::in_words(labels)
            );
            messages.extend([said(Role::Assistant, &reply.text), said(Role::User, &again)]);
        }
    }
    Err(format!("two replies without a verdict; the last: {wrong}"))
}

/// Asks a judge; again without the schema where its server does not take one.
async fn asked(
    judge: &str,
    request: &mut Request,
    asker: &dyn AskJudge,
) -> Result<Completion, ModelError> {
    match asker.ask(judge, request).await {
        Err(error) if request.parameters.response_schema.is_some() && turns_schema_down(&error) => {
            request.parameters.response_schema = None;
            asker.ask(judge, request).await
        }
        reply => reply,
    }
}

/// Whether a request was turned down for its schema.
fn turns_schema_down(error: &ModelError) -> bool {
    const WORDS: [&str; 8] = [
        "response_format",
        "response format",
        "schema",
        "structured output",
        "guided",
        "grammar",
        "text.format",
        "output_format",
    ];
    let message = error.message.to_lowercase();
    matches!(
        error.class,
        ErrorClass::BadRequest | ErrorClass::Unsupported
    ) && WORDS.iter().any(|w| message.contains(w))
}

/// What a panel decided.
pub(in crate::score) struct Vote {
    /// The label most judges gave; none where they tie or gave none.
    pub label: Option<String>,
    /// Share of the judges with a verdict who gave it, or the largest share where there is a tie.
    pub share: Option<f64>,
    /// Each judge's words in one line.
    pub told: String,
}

/// Counts the voices. Judges without a verdict have no vote.
#[allow(clippy::cast_precision_loss)]
pub(in crate::score) fn vote(voices: &[Voice], labels: &[String]) -> Vote {
    let given: Vec<&Verdict> = voices
        .iter()
        .filter_map(|v| v.verdict.as_ref().ok())
        .collect();
    let count = |label: &String| given.iter().filter(|v| v.label == *label).count();
    let most = labels.iter().map(count).max().unwrap_or(0);
    let winners: Vec<&String> = labels.iter().filter(|l| count(l) == most).collect();
    let told = voices.iter().map(|voice| match &voice.verdict {
        Ok(Verdict { label, why, .. }) if why.is_empty() => format!("{}: {label}", voice.judge),
        Ok(Verdict { label, why, .. }) => format!("{}: {label} – {why}", voice.judge),
        Err(wrong) => format!("{}: no label ({wrong})", voice.judge),
    });
    Vote {
        label: match winners.as_slice() {
            [one] if most > 0 => Some((*one).clone()),
            _ => None,
        },
        share: (most > 0).then(|| most as f64 / given.len() as f64),
        told: told.collect::<Vec<_>>().join(" · "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voices(labels: &[Option<&str>]) -> Vec<Voice> {
        let voice = |(i, label): (usize, Option<&str>)| Voice {
            judge: format!("j{i}"),
            verdict: label
                .map(|label| Verdict {
                    label: label.to_owned(),
                    why: String::new(),
                    confidence: None,
                })
                .ok_or_else(|| "silence".to_owned()),
        };
        labels.iter().copied().enumerate().map(voice).collect()
    }

    #[test]
    fn a_tie_gives_no_label_and_silence_no_vote() {
        let labels = vec!["yes".to_owned(), "no".to_owned()];
        let decided = |given: &[Option<&str>]| vote(&voices(given), &labels);
        assert_eq!(
            decided(&[Some("yes"), Some("no"), Some("yes")])
                .label
                .as_deref(),
            Some("yes")
        );
        assert_eq!(
            decided(&[Some("yes"), Some("no"), Some("yes")]).share,
            Some(2.0 / 3.0)
        );
        assert_eq!(decided(&[Some("yes"), Some("no")]).label, None);
        assert_eq!(decided(&[Some("no"), None, None]).share, Some(1.0));
        assert_eq!(decided(&[None]).label, None);
        assert_eq!(decided(&[None]).told, "j0: no label (silence)");
    }
}
