//! Marks that an answer has: placeholders, bullets, highlights, sections, a title, a postscript.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::keywords::count;
use crate::files::from_json;
use crate::text::python_regex;

/// Patterns over answers, compiled once.
struct Patterns {
    placeholder: Regex,
    star: Regex,
    dash: Regex,
    highlight: Regex,
    double: Regex,
    title: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let of = |pattern: &str| Regex::new(pattern).ok();
    Some(Patterns {
        placeholder: of(r"\[.*?\]")?,
        star: of(r"(?m)^\s*\*[^\*].*$")?,
        dash: of(r"(?m)^\s*-.*$")?,
        highlight: of(r"\*[^\n\*]*\*")?,
        double: of(r"\*\*[^\n\*]*\*\*")?,
        title: of(r"<<[^\n]+>>")?,
    })
});

/// How often one of the patterns matches.
fn counted(which: impl Fn(&Patterns) -> &Regex, answer: &str) -> u64 {
    let count = PATTERNS.as_ref().map(|all| count(which(all), answer));
    count.unwrap_or(0) as u64
}

/// What one of the patterns matches.
fn found(which: impl Fn(&Patterns) -> &Regex, answer: &str) -> Vec<&str> {
    let all = PATTERNS.as_ref().map(|all| which(all).find_iter(answer));
    let all = all.into_iter().flatten().map_while(Result::ok);
    all.map(|m| m.as_str()).collect()
}

pub(super) fn placeholders(answer: &str) -> u64 {
    counted(|p| &p.placeholder, answer)
}

pub(super) fn bullets(answer: &str) -> u64 {
    counted(|p| &p.star, answer) + counted(|p| &p.dash, answer)
}

/// Texts between asterisks, single and double, that are not blank.
pub(super) fn highlights(answer: &str) -> u64 {
    let single = found(|p| &p.highlight, answer);
    let double = found(|p| &p.double, answer);
    let single = single.iter().map(|h| h.trim_matches('*'));
    let double = double.iter().map(|h| {
        let inner = h.strip_prefix("**").unwrap_or(h);
        inner.strip_suffix("**").unwrap_or(inner)
    });
    single
        .chain(double)
        .filter(|h| !h.trim().is_empty())
        .count() as u64
}

/// What begins a section: its word and a number.
///
/// # Errors
/// That the word is not a pattern, which the reference takes it for.
pub(super) fn section(splitter: &str) -> Result<Regex, String> {
    python_regex(&format!(r"\s?{splitter}\s?\d+\s?"))
}

pub(super) fn has_title(answer: &str) -> bool {
    let titles = found(|p| &p.title, answer);
    let inner = |title: &&str| {
        let inner = title.trim_start_matches('<').trim_end_matches('>');
        !inner.trim().is_empty()
    };
    titles.iter().any(inner)
}

pub(super) fn has_postscript(answer: &str, marker: &str) -> bool {
    let pattern = match marker {
        "P.P.S" => r"(?m)\s*p\.\s?p\.\s?s.*$".to_owned(),
        "P.S." => r"(?m)\s*p\.\s?s\..*$".to_owned(),
        other => format!(r"(?m)\s*{}.*$", other.to_lowercase()),
    };
    let answer = answer.to_lowercase();
    python_regex(&pattern).is_ok_and(|pattern| pattern.is_match(&answer).unwrap_or(false))
}

pub(super) fn is_one_of_three(answer: &str) -> bool {
    const ANSWERS: [&str; 3] = [
        "My answer is yes.",
        "My answer is no.",
        "My answer is maybe.",
    ];
    ANSWERS.iter().any(|one| answer.contains(one))
}

/// Whether all of it is JSON, within a fence or not.
pub(super) fn is_json(answer: &str) -> bool {
    let mut text = answer.trim();
    for fence in ["```json", "```Json", "```JSON", "```"] {
        text = text.strip_prefix(fence).unwrap_or(text);
    }
    let text = text.strip_suffix("```").unwrap_or(text);
    from_json::<serde_json::Value>(text.trim()).is_ok()
}
