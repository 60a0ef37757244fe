//! `regex`: what a pattern captures in the answer is a target; without targets, that it matches at all.

use async_trait::async_trait;
use fancy_regex::Regex;
use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, mean, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::fold;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The pattern; its first group is the answer, or the whole match where it has none.
    #[serde(default)]
    pattern: String,
    /// The last match counts, not the first.
    #[serde(default)]
    last: bool,
}

struct Pattern {
    pattern: Regex,
    last: bool,
}

pub(super) fn make(value: serde_json::Value) -> Made {
    let Options { pattern, last } = options("regex", value)?;
    let pattern = Regex::new(&pattern).map_err(|e| ScoreError::Options {
        scorer: "regex".into(),
        reason: format!("the pattern {pattern:?} does not parse: {e}"),
    })?;
    Ok(Box::new(Pattern { pattern, last }))
}

#[async_trait]
impl Scorer for Pattern {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[mean("accuracy")];
        METRICS
    }

    async fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let mut matches = self
            .pattern
            .captures_iter(&completion.text)
            .filter_map(Result::ok);
        let captured = if self.last {
            matches.last()
        } else {
            matches.next()
        };
        let captured = captured
            .and_then(|c| c.get(1).or_else(|| c.get(0)))
            .map(|m| m.as_str().trim().to_owned());
        let score = Score::new(self, "accuracy");
        Ok(vec![match captured {
            None => score.right(false).because("the pattern matches nothing"),
            Some(found) => score
                .right(
                    sample.targets.is_empty()
                        || sample.targets.iter().any(|t| fold(t) == fold(&found)),
                )
                .label(found),
        }])
    }
}
