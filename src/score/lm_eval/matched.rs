//! Answers in words against what is right: `exact_match`.

use serde_json::Value;

use crate::suite::{Grading, MatchOptions, index, place_of};
use crate::text::{PythonPatternError, python_text};

/// The right answers to compare a filtered answer with.
pub(super) fn right(
    grading: &Grading,
    gold: &Value,
    choices: Option<&[String]>,
    filtered: &Value,
) -> Result<Vec<String>, String> {
    if let Some(choices) = choices {
        let at = index(gold)
            .ok_or_else(|| format!("its target {gold} is not the number of a choice"))?;
        let at = place_of(at, choices.len());
        let at = at
            .ok_or_else(|| format!("its target {gold} is none of its {} choices", choices.len()))?;
        return Ok(vec![choices[at].clone()]);
    }
    if filtered.is_array() {
        return Err(
            "its filters leave a list of answers, not one; end them with take_first".into(),
        );
    }
    Ok(match gold {
        Value::Array(several) if grading.multiple_target() => {
            several.iter().map(python_text).collect()
        }
        one => vec![python_text(one)],
    })
}

/// Whether the answer is one of the right ones.
pub(super) fn exact(
    right: &[String],
    filtered: &Value,
    options: &MatchOptions,
) -> Result<bool, PythonPatternError> {
    let answer = plain(python_text(filtered), options)?;
    for right in right {
        if plain(right.clone(), options)? == answer {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A text without what is ignored.
fn plain(mut text: String, options: &MatchOptions) -> Result<String, PythonPatternError> {
    for pattern in &options.ignored {
        text = pattern.replace(&text, "", 0)?;
    }
    if options.ignore_case {
        text = text.to_lowercase();
    }
    if options.ignore_punctuation {
        text.retain(|c| !c.is_ascii_punctuation());
    }
    if options.ignore_numbers {
        text.retain(|c| !c.is_ascii_digit());
    }
    Ok(text)
}
