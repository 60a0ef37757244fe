//! `regex`: what a pattern captures in the answer is a target; without targets, that it matches at all.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Made, Metric, Score, ScoreContext, ScoreError, Scorer, options};
use crate::model::Completion;
use crate::suite::Sample;
use crate::text::{PythonPattern, PythonPatternError, fold, named_choice};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// The pattern; its first group is the answer, or the whole match where it has none.
    #[serde(default)]
    pattern: String,
    /// Patterns that are tried in this order instead, until one matches.
    #[serde(default)]
    patterns: Vec<String>,
    /// The last match counts, not the first.
    #[serde(default)]
    last: bool,
    /// Texts that are taken out of the answer before it is read, such as Markdown's asterisks.
    #[serde(default)]
    remove: Vec<String>,
    /// The case of what is captured counts.
    #[serde(default)]
    case_sensitive: bool,
    /// What a text that is captured represents, such as a letter of another script.
    #[serde(default)]
    read_as: BTreeMap<String, String>,
    /// What is captured names a choice by its letter, of whichever script, or its text.
    #[serde(default)]
    choice: bool,
}

struct Pattern {
    patterns: Vec<PythonPattern>,
    last: bool,
    remove: Vec<String>,
    case_sensitive: bool,
    read_as: BTreeMap<String, String>,
    choice: bool,
}

impl Pattern {
    /// What the first or last match captures: the first group that takes part in it, or all of it.
    ///
    /// # Errors
    /// That of a search which runs out of steps before it can tell.
    fn captured(&self, text: &str) -> Result<Option<String>, PythonPatternError> {
        for pattern in &self.patterns {
            if let Some(captures) = pattern.captures(text, self.last)? {
                let taking_part = captures.iter().skip(1).flatten().next();
                let group = taking_part.or_else(|| captures.get(0));
                return Ok(group.map(|group| group.as_str().trim().to_owned()));
            }
        }
        Ok(None)
    }

    /// Whether what is captured is right.
    fn is_right(&self, found: &str, sample: &Sample) -> bool {
        if self.choice && !sample.choices.is_empty() {
            let wrong_case = self.case_sensitive && found.bytes().any(|b| b.is_ascii_lowercase());
            let named = named_choice(found, &sample.choices);
            return named.is_some() && named == sample.target_choice() && !wrong_case;
        }
        let alike = |target: &String| {
            if self.case_sensitive {
                target.trim() == found
            } else {
                fold(target) == fold(found)
            }
        };
        sample.targets.is_empty() || sample.targets.iter().any(alike)
    }
}

pub(super) fn make(value: serde_json::Value) -> Made {
    let options: Options = options("regex", value)?;
    let wrong = |reason: String| ScoreError::Options {
        scorer: "regex".into(),
        reason,
    };
    let written = match (options.pattern.as_str(), options.patterns.as_slice()) {
        ("", []) => vec![String::new()],
        ("", several) => several.to_vec(),
        (one, []) => vec![one.to_owned()],
        _ => return Err(wrong("give either a pattern or patterns".into())),
    };
    let patterns = written.iter().map(|p| PythonPattern::new(p));
    let patterns = patterns.collect::<Result<_, _>>();
    Ok(Box::new(Pattern {
        patterns: patterns.map_err(|e| wrong(e.to_string()))?,
        last: options.last,
        remove: options.remove,
        case_sensitive: options.case_sensitive,
        read_as: options.read_as,
        choice: options.choice,
    }))
}

impl Scorer for Pattern {
    fn name(&self) -> &'static str {
        "regex"
    }

    fn version(&self) -> u32 {
        3
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
        let mut text = Cow::Borrowed(completion.text.as_str());
        for piece in &self.remove {
            if text.contains(piece.as_str()) {
                text = text.replace(piece.as_str(), "").into();
            }
        }
        let captured = match self.captured(&text) {
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
            Some(found) => {
                let found = self.read_as.get(&found).cloned().unwrap_or(found);
                score.right(self.is_right(&found, sample)).label(found)
            }
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(pattern: &str, last: bool) -> Pattern {
        Pattern {
            patterns: vec![PythonPattern::new(pattern).expect("it parses")],
            last,
            remove: Vec::new(),
            case_sensitive: false,
            read_as: BTreeMap::new(),
            choice: false,
        }
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
