//! What two ways of writing an answer differ in without meaning anything: spacing, size, units, dollar signs.

use std::sync::LazyLock;

use fancy_regex::Regex;

/// Longest answer that is read; an answer proper has a few dozen bytes.
const MAX_BYTES: usize = 2_000;

/// What the last `\boxed{…}` of a text holds.
pub(super) fn last_boxed(text: &str) -> Option<&str> {
    let starts = ["\\boxed{", "\\fbox{"].map(|open| text.rfind(open).map(|at| at + open.len()));
    let rest = &text[starts.into_iter().flatten().max()?..];
    let mut depth = 1;
    for (i, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&rest[..i]);
        }
    }
    None
}

/// Pairs of what is replaced and by what, in order. The patterns are Rust's.
const REWRITES: &[(&str, &str)] = &[
    (r"\\\$|\$|\\\(|\\\)|\\\[|\\\]", ""),
    (r"−|–", "-"),
    (
        r"\\(?:left|right|bigg?|Bigg?|displaystyle|textstyle|limits)(?![a-zA-Z])",
        "",
    ),
    (r"(?<!\\)\\[!,;: ]|~|\\q?quad(?![a-zA-Z])", " "),
    (r"\\[dtc]frac", r"\frac"),
    (r"\\frac\s*(\d)\s*(\d)", r"\frac{$1}{$2}"),
    (
        r"\\(?:operatorname|mathrm|mathbf|textbf|mbox|textrm|mathit|bf|rm)\s*(?=\{)",
        r"\text",
    ),
    (r"\^\s*\{?\s*\\circ\s*\}?|°|\\degree", ""),
    (r"\\%|%|\bpercent\b", ""),
    (r"£|€|¥", ""),
    (r"\\(?:text\s*\{\s*(?:or|and)\s*\})|\s(?:or|and)\s", ","),
    (r"\{,\}", ""),
    (r"\\(?:leq|leqslant|le)(?![a-zA-Z])|≤|<=", r"≤"),
    (r"\\(?:geq|geqslant|ge)(?![a-zA-Z])|≥|>=", r"≥"),
    (r"\\lt(?![a-zA-Z])", "<"),
    (r"\\gt(?![a-zA-Z])", ">"),
    (r"\\(?:neq|ne)(?![a-zA-Z])", "≠"),
    (r"\\infty|\binfinity\b|∞", "∞"),
    (r"\\(?:pi)(?![a-zA-Z])|π", "π"),
    (r"√\s*(\d+)", r"\sqrt{$1}"),
    (r"²", "^2"),
    (r"³", "^3"),
    (r"×|\\times(?![a-zA-Z])|\\cdot(?![a-zA-Z])|·|∙|\*\*?", "*"),
    (r"÷|\\div(?![a-zA-Z])", "/"),
    (r"\\(?:cup)(?![a-zA-Z])|∪", "∪"),
    (r"\\pm(?![a-zA-Z])|±|\+/-|\+-", "±"),
    (r"\\(?:sqrt)\s*(\d)", r"\sqrt{$1}"),
    // A quantity's unit, in words or in roman type.
    (
        r"(?<=[\d})π])\s*\\text\s*\{[^{}]*\}(?:\s*\^\s*\{?[23]\}?)?\s*$",
        "",
    ),
    (
        r"^(-?[\d.,/]+)\s+(?!(?:sqrt|sin|cos|tan|log|exp)\b)(?:[A-Za-z]{3,}|[ckm]m|kg|ft|in|mi)\b[A-Za-z. ]*(?:\s*\^\s*\{?[23]\}?)?$",
        "$1",
    ),
    // What is said of the answer before it.
    (r"^(?:[Tt]he )?(?:final )?answer is:?\s*", ""),
    (r"^\s*[a-zA-Z]\s*(?:\\in|∈)\s*(?=[\[({\\])", ""),
    (r"\.\s*$", ""),
    // One and a half.
    (
        r"(?<![\d.}^])(\d+)\s*\\frac\s*\{(\d+)\}\s*\{(\d+)\}",
        r"($1+$2/$3)",
    ),
    (r"(?<![\d.])(\d+)\s+(\d+)/(\d+)", "($1+$2/$3)"),
    (r"\s+", " "),
];

/// The patterns, compiled.
static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let compiled =
        |(pattern, with): &(&str, &'static str)| Some((Regex::new(pattern).ok()?, *with));
    REWRITES.iter().filter_map(compiled).collect()
});

/// An answer as it is compared; none where it is too long for one.
pub(super) fn tidy(answer: &str) -> Option<String> {
    let inner = last_boxed(answer).unwrap_or(answer);
    if inner.len() > MAX_BYTES {
        return None;
    }
    let mut text = inner.trim().trim_matches('*').trim().to_owned();
    for (pattern, with) in COMPILED.iter() {
        text = pattern
            .try_replacen(&text, 0, *with)
            .ok()?
            .trim()
            .to_owned();
    }
    Some(text)
}

/// Thousands without their commas: `1,234,567`.
pub(super) fn without_thousands(text: &str) -> String {
    static COMMA: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^([^\d]*\d{1,3})((?:,\d{3})+)(?!\d)(.*)$").ok());
    let Some(Ok(Some(found))) = COMMA.as_ref().map(|comma| comma.captures(text)) else {
        return text.to_owned();
    };
    let part = |i| found.get(i).map_or("", |m| m.as_str());
    // In `3,456,12` and `(1,234)` the commas separate.
    if part(3).contains(',') || part(1).contains(['(', '[', '{', ',']) {
        return text.to_owned();
    }
    format!("{}{}{}", part(1), part(2).replace(',', ""), part(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), REWRITES.len());
    }

    #[test]
    fn thousands_are_told_from_lists() {
        for (text, read) in [
            ("1,234", "1234"),
            ("-12,345,678.5", "-12345678.5"),
            ("1,2,345", "1,2,345"),
            ("(1,234)", "(1,234)"),
            ("12,34", "12,34"),
        ] {
            assert_eq!(without_thousands(text), read);
        }
    }
}
