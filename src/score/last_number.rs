//! `last_number`: the last number after a marker, as MGSM is scored in the setting of openai/simple-evals.

use std::sync::LazyLock;

use fancy_regex::Regex;
use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options, targets};
use crate::model::Completion;
use crate::suite::Sample;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LastNumber {
    /// The row's field that holds the marker, such as the language's word for "Answer".
    #[serde(default = "marker")]
    after: String,
}

fn marker() -> String {
    "marker".into()
}

pub(super) fn make(value: serde_json::Value) -> Made {
    Ok(Box::new(options::<LastNumber>("last_number", value)?))
}

impl Scorer for LastNumber {
    fn name(&self) -> &'static str {
        "last_number"
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
        let marker = sample.fields.get(&self.after).and_then(|m| m.as_str());
        let marker = marker.ok_or_else(|| ScoreError::Missing {
            scorer: "last_number",
            what: "the field that holds its marker (after)",
            sample: sample.id.clone(),
        })?;
        let targets = targets("last_number", sample)?;
        let score = Score::new(self, "accuracy");
        Ok(vec![match number_after(marker, &completion.text) {
            None => score.right(false).because("no number follows the marker"),
            Some(found) => score
                .right(targets.iter().any(|t| t.replace(',', "") == found))
                .label(found),
        }])
    }
}

/// The last number after the last marker, without thousands separators and without a fraction of zeros.
fn number_after(marker: &str, answer: &str) -> Option<String> {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d+\.?\d*").ok());
    let (_, rest) = answer.rsplit_once(marker)?;
    let rest = rest.replace(',', "");
    let found = NUMBER.as_ref()?.find_iter(&rest).flatten().last()?;
    let found = found.as_str().trim_end_matches('.');
    Some(if found.contains('.') {
        found.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        found.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn the_last_number_after_the_last_marker_counts() {
        for (answer, found) in [
            ("Answer: 1 Answer: 72", Some("72")),
            ("Answer: $1,234.00.", Some("1234")),
            ("Answer: 3 + 4 = 7.50", Some("7.5")),
            ("Answer: none", None),
            ("72", None),
        ] {
            assert_eq!(number_after("Answer", answer).as_deref(), found, "{answer}");
        }
    }
}
