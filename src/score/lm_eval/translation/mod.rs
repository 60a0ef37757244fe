//! Translations against references, by the definitions of sacreBLEU (Post 2018): what a pair of texts adds to its corpus, and the figure
//! of the corpus.

mod bleu;
mod chrf;
mod edits;
mod ter;

pub(super) use bleu::score as bleu;
pub(super) use chrf::score as chrf;
pub(super) use ter::score as ter;

use std::fmt::Write as _;

use serde_json::Value;

use crate::text::python_text;

/// What an answer adds to its corpus, as numbers with spaces between them.
///
/// # Errors
/// There is not exactly one reference.
pub(super) fn statistics(metric: &str, right: &[String], answer: &Value) -> Result<String, String> {
    let [reference] = right else {
        return Err(format!(
            "{metric} compares with one reference, and there are {}",
            right.len()
        ));
    };
    let answer = python_text(answer);
    let numbers = match metric {
        "bleu" => bleu::statistics(reference, &answer),
        "chrf" => chrf::statistics(reference, &answer, 0),
        "chrf++" => chrf::statistics(reference, &answer, 2),
        _ => ter::statistics(reference, &answer),
    };
    let mut text = String::new();
    for number in numbers {
        let _ = write!(text, "{}{number}", if text.is_empty() { "" } else { " " });
    }
    Ok(text)
}

/// Words between runs of white space, as Python splits them.
fn split(text: &str) -> Vec<&str> {
    text.split(crate::text::is_space)
        .filter(|w| !w.is_empty())
        .collect()
}
