//! Words and letters that an answer has or has not.

use fancy_regex::Regex;

use crate::text::python_regex;

/// A word as a pattern, in any case, with something at both its ends.
///
/// # Errors
/// That it does not parse.
pub(super) fn pattern(word: &str, edge: &str) -> Result<Regex, String> {
    python_regex(&format!("(?i){edge}{word}{edge}"))
}

/// How often a pattern matches; a search that exceeds its limits finds nothing more.
pub(super) fn count(pattern: &Regex, answer: &str) -> usize {
    pattern.find_iter(answer).take_while(Result::is_ok).count()
}

/// How often a letter is there, in either case.
pub(super) fn letters(letter: char, answer: &str) -> usize {
    answer.to_lowercase().matches(letter).count()
}
