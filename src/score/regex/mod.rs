//! `regex`: what a pattern captures in the answer is a target; without targets, that it matches at all.

mod python;

use fancy_regex::Regex;
use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
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

impl Pattern {
    /// What the first or last match captures: the first group that takes part in it, or all of it.
    ///
    /// # Errors
    /// That of a search which runs out of steps before it can tell.
    fn captured(&self, text: &str) -> Result<Option<String>, fancy_regex::Error> {
        // As in Python, `$` matches before a line feed that ends the text.
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut matches = self.pattern.captures_iter(text);
        let found = if self.last {
            matches.try_fold(None, |_, next| next.map(Some))?
        } else {
            matches.next().transpose()?
        };
        Ok(found.and_then(|captures| {
            let taking_part = captures.iter().skip(1).flatten().next();
            let group = taking_part.or_else(|| captures.get(0))?;
            Some(group.as_str().trim().to_owned())
        }))
    }
}

pub(super) fn make(value: serde_json::Value) -> Made {
    let Options { pattern, last } = options("regex", value)?;
    let pattern =
        Regex::new(&python::as_python_means(&pattern)).map_err(|e| ScoreError::Options {
            scorer: "regex".into(),
            reason: format!("the pattern {pattern:?} does not parse: {e}"),
        })?;
    Ok(Box::new(Pattern { pattern, last }))
}

impl Scorer for Pattern {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn version(&self) -> u32 {
        2
    }

    fn metrics(&self) -> &'static [Metric] {
        const METRICS: &[Metric] = &[Metric::mean("accuracy")];
        METRICS
    }

    fn score(
        &self,
        sample: &Sample,
        completion: &Completion,
        _: &ScoreContext<'_>,
    ) -> Result<Vec<Score>, ScoreError> {
        let score = Score::new(self, "accuracy");
        let captured = match self.captured(&completion.text) {
            Ok(captured) => captured,
            // Whether the answer is there cannot be said: no verdict, rather than a wrong one.
            Err(error) => {
                return Ok(vec![score.label(super::UNDECIDED).because(format!(
                    "the pattern exceeded its limits on this answer: {error}"
                ))]);
            }
        };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(pattern: &str, last: bool) -> Pattern {
        let pattern = Regex::new(&python::as_python_means(pattern)).expect("it parses");
        Pattern { pattern, last }
    }

    #[test]
    fn the_group_that_takes_part_is_captured() {
        let captured =
            |p: &str, last, text: &str| pattern(p, last).captured(text).expect("it ends");
        let either = r"(-?[$0-9.,]{2,})|(-?[0-9]+)";
        assert_eq!(
            captured(either, true, "first 12, then 7").as_deref(),
            Some("7")
        );
        assert_eq!(captured(r"(\d+)$", false, "42\n").as_deref(), Some("42"));
        assert_eq!(
            captured(r"(?<=Answer: )\w+", false, "Answer: Paris").as_deref(),
            Some("Paris")
        );
        assert_eq!(captured("x", false, "y"), None);
    }

    #[test]
    fn a_search_that_runs_out_of_steps_is_an_error_and_no_miss() {
        let text = format!("{}? yes! B", "word ".repeat(40));
        let runaway = r"(?:\w+\s*)+(?=!)!\s*(\w)";
        assert!(pattern(runaway, false).captured(&text).is_err());
        assert!(pattern(runaway, true).captured(&text).is_err());
    }
}
