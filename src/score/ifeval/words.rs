//! Words as the Penn Treebank distinguishes them, which count capitals.

use std::sync::LazyLock;

use fancy_regex::Regex;

use super::sentences::split;

/// What is put around marks and inside contractions, in order.
const SPACED: &[(&str, &str)] = &[
    (r"([«“‘„]|[`]+)", " $1 "),
    (r#"^""#, "``"),
    (r"(``)", " $1 "),
    (r#"([ \(\[{<])("|'{2})"#, "$1 `` "),
    (r"(?i)(?<!\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w)", "$1 "),
    (r#"([^.])(\.)([\]\)}>"' »”’]*)\s*$"#, "$1 $2 $3 "),
    (r"([:,])([^\d])", " $1 $2"),
    (r"([:,])$", " $1 "),
    (r"\.{2,}", " $0 "),
    (r"[;@#$%&]", " $0 "),
    (r"[\u2012-\u2015]", " $0 "),
    (r"[?!]", " $0 "),
    (r"([^'])' ", "$1 ' "),
    (r"[*]", " $0 "),
    (r"[\]\[\(\)\{\}<>]", " $0 "),
    (r"--", " -- "),
    (r"^|$", " "),
    (r"([»”’])", " $1 "),
    (r"''", " '' "),
    (r#"""#, " '' "),
    (r"\s+", " "),
    (r"([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
    (r"([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
    (r"(?i)\b(can)(not)\b", " $1 $2 "),
    (r"(?i)\b(d)('ye)\b", " $1 $2 "),
    (r"(?i)\b(gim)(me)\b", " $1 $2 "),
    (r"(?i)\b(gon)(na)\b", " $1 $2 "),
    (r"(?i)\b(got)(ta)\b", " $1 $2 "),
    (r"(?i)\b(lem)(me)\b", " $1 $2 "),
    (r"(?i)\b(more)('n)\b", " $1 $2 "),
    (r"(?i)\b(wan)(na)(?=\s)", " $1 $2 "),
    (r"(?i) ('t)(is)\b", " $1 $2 "),
    (r"(?i) ('t)(was)\b", " $1 $2 "),
];

static COMPILED: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let compiled =
        |(pattern, with): &(&str, &'static str)| Some((Regex::new(pattern).ok()?, *with));
    SPACED.iter().filter_map(compiled).collect()
});

/// The words and marks of a text, sentence by sentence.
pub(super) fn tokens(text: &str) -> Vec<String> {
    split(text).into_iter().flat_map(of_sentence).collect()
}

fn of_sentence(sentence: &str) -> Vec<String> {
    let mut text = sentence.to_owned();
    for (pattern, with) in COMPILED.iter() {
        if let Ok(spaced) = pattern.try_replacen(&text, 0, *with) {
            text = spaced.into_owned();
        }
    }
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{COMPILED, SPACED, tokens};

    #[test]
    fn contractions_are_two_words_and_hyphenated_ones_are_one() {
        assert_eq!(COMPILED.len(), SPACED.len());
        assert_eq!(
            tokens("DON'T PANIC: it's A-OK (NASA)."),
            [
                "DO", "N'T", "PANIC", ":", "it", "'s", "A-OK", "(", "NASA", ")", "."
            ]
        );
    }
}
