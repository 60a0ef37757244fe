//! How long an answer is, in words, sentences and paragraphs.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::sentences::split;

/// Runs of letters, digits and underscores.
pub(super) fn words(answer: &str) -> usize {
    static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\w+").ok());
    let words = WORD.as_ref().map(|word| word.find_iter(answer).count());
    words.unwrap_or(0)
}

pub(super) fn sentences(answer: &str) -> usize {
    split(answer).len()
}

/// Whether `***` separates this many paragraphs, of which only the first and the last may be blank.
pub(super) fn has_paragraphs(answer: &str, wanted: u64) -> bool {
    static DIVIDER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s?\*\*\*\s?").ok());
    let Some(divider) = DIVIDER.as_ref() else {
        return false;
    };
    let paragraphs: Vec<&str> = divider.split(answer).flatten().collect();
    let mut count = paragraphs.len() as u64;
    for (i, paragraph) in paragraphs.iter().enumerate() {
        if paragraph.trim().is_empty() {
            if i != 0 && i != paragraphs.len() - 1 {
                return false;
            }
            count -= 1;
        }
    }
    count == wanted
}

/// Whether there are this many paragraphs between blank lines, and one of them begins with a word.
pub(super) fn nth_begins_with(answer: &str, wanted: u64, nth: u64, first_word: &str) -> bool {
    let paragraphs: Vec<&str> = answer.split("\n\n").collect();
    let count = paragraphs.iter().filter(|p| !p.trim().is_empty()).count() as u64;
    if nth == 0 || nth > count {
        return false;
    }
    let at = usize::try_from(nth - 1).ok();
    let paragraph = at.and_then(|at| paragraphs.get(at));
    let Some(word) = paragraph.and_then(|p| p.split_whitespace().next()) else {
        return false;
    };
    let word = word.trim_start_matches('\'').trim_start_matches('"');
    let end = word.find(['.', ',', '?', '!', '\'', '"']);
    let word = word[..end.unwrap_or(word.len())].to_lowercase();
    count == wanted && word == first_word
}
