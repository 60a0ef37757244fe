//! `key_facts`: how the answer relates to each of the sample's key facts: affirmed, denied, attributed to others, or absent.
//!
//! Whether a fact is spoken of is told by its mentions ([`crate::suite::Fact`]); how, by the offline reader ([`reader`]), which sees the fact's
//! statement, the sentences in which it is mentioned with those around them, and what the [`rules`] make of them. Where the reader cannot be
//! loaded the rules decide. Judges that are named read the whole answer in place of both.

mod context;
mod cues;
mod distance;
mod evidence;
mod judges;
mod reader;
mod reading;
mod rules;
mod subject;

use async_trait::async_trait;
use serde_json::Value;

use super::judge::panel::reply_tokens;
use super::{Judge, Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::{Fact, PairRole, Sample};

pub use reading::{FactReading, Reading, readings_of};

use judges::Judges;
use reader::reader;
use rules::Answer;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Options {
    /// Ask the offline reader; without it, rules alone decide.
    reader: bool,
    /// Model specifications of judges, who decide in its place.
    models: Vec<String>,
    /// Most tokens of a judge's reply.
    max_tokens: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reader: true,
            models: Vec::new(),
            max_tokens: reply_tokens(),
        }
    }
}

struct KeyFacts {
    reader: bool,
    judges: Option<Judges>,
}

pub(super) fn make(value: Value) -> Made {
    let given: Options = options("key_facts", value)?;
    let judges = (!given.models.is_empty()).then(|| Judges::new(given.models, given.max_tokens));
    Ok(Box::new(KeyFacts {
        reader: given.reader,
        judges: judges.transpose()?,
    }))
}

impl Scorer for KeyFacts {
    fn name(&self) -> &'static str {
        "key_facts"
    }

    fn version(&self) -> u32 {
        5
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[
            Metric::mean("recall"),
            Metric::mean("denied"),
            Metric::mean("mentioned"),
        ];
        METRICS
    }

    fn as_judge(&self) -> Option<&dyn Judge> {
        self.judges.is_some().then_some(self)
    }

    /// The shares of the facts that are affirmed and denied, of those whose reading is sure, and of those that are mentioned, of all; nothing
    /// on a control, whose facts are its event's.
    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let Some(facts) = self.facts(sample)? else {
            return Ok(Vec::new());
        };
        let reader = self.reader.then(|| reader(context.may_fetch)).flatten();
        let answer = Answer::new(&completion.text);
        let read = answer.read_all(&facts, &names(sample), reader);
        let by = if reader.is_some() { "reader" } else { "rules" };
        Ok(self.scores(read, by))
    }
}

#[async_trait]
impl Judge for KeyFacts {
    fn models(&self) -> &[String] {
        self.judges.as_ref().map_or(&[], Judges::models)
    }

    async fn judge(
        &self,
        sample: &Sample,
        completion: &Completion,
        context: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let (Some(judges), Some(facts)) = (&self.judges, self.facts(sample)?) else {
            return Ok(Vec::new());
        };
        let read = judges.read(facts, sample, completion, context).await?;
        Ok(self.scores(read, &judges.models().join(", ")))
    }
}

impl KeyFacts {
    /// The sample's facts; none of a control.
    fn facts(&self, sample: &Sample) -> Result<Option<Vec<Fact>>, ScoreError> {
        if sample.pairing.role == Some(PairRole::Control) {
            return Ok(None);
        }
        let facts = sample.facts().map_err(|reason| ScoreError::Options {
            scorer: self.name().into(),
            reason: format!("sample {}: {reason}", sample.id),
        })?;
        if facts.is_empty() {
            return Err(ScoreError::Missing {
                scorer: self.name(),
                what: "key facts",
                sample: sample.id.clone(),
            });
        }
        Ok(Some(facts))
    }

    /// One score per metric, the readings with the first. A fact whose reading is not sure is in no share of readings; where none is
    /// sure there is no share.
    fn scores(&self, facts: Vec<FactReading>, by: &str) -> Vec<Score> {
        let all = facts.len();
        let sure = facts.iter().filter(|r| r.reading.is_some()).count();
        let count = |reading| facts.iter().filter(|r| r.reading == Some(reading)).count();
        let mentioned = facts.iter().filter(|r| r.mentioned).count();
        let mut scores = vec![
            self.share("recall", count(Reading::Affirmed), sure, all),
            self.share("denied", count(Reading::Denied), sure, all),
            self.share("mentioned", mentioned, all, all),
        ];
        scores[0].explanation = Some(reading::explanation(facts));
        scores[0].by = Some(by.to_owned());
        scores
    }

    /// The share `n` of `of` facts out of `all`.
    #[allow(clippy::cast_precision_loss)]
    fn share(&self, metric: &str, n: usize, of: usize, all: usize) -> Score {
        let score = Score::new(self, metric);
        if of == 0 {
            return score.label(super::UNDECIDED);
        }
        let label = match all - of {
            0 => format!("{n} of {of}"),
            unsure => format!("{n} of {of}, {unsure} unsure"),
        };
        score.value(n as f64 / of as f64).label(label)
    }
}

/// What the sample's event is called: its field `event`, a text or one per language.
fn names(sample: &Sample) -> Vec<String> {
    let event = sample.fields.get("event");
    let many = event.and_then(Value::as_object).into_iter();
    let texts = event.into_iter().chain(many.flat_map(|m| m.values()));
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::print_stdout)]
mod measure;
#[cfg(test)]
mod tests;
