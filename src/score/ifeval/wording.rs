//! Case, language, and how an answer begins and ends.

use std::sync::LazyLock;

use isolang::Language;
use whatlang::Detector;

use super::words::tokens;

/// Whether it has letters that have a case, and all of those are capitals.
pub(super) fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}

/// Whether it has letters that have a case, and none is a capital.
pub(super) fn is_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase)
}

/// Words in capitals, hyphenated ones counted once.
pub(super) fn capital_words(answer: &str) -> usize {
    tokens(answer)
        .iter()
        .filter(|token| is_upper(token))
        .count()
}

/// Words by which Swahili is known, which the detector does not know.
const SWAHILI: &str = "na ya wa kwa ni katika la za cha hii hiyo kuwa kama pia yako yangu au si";

/// Whether a text is in a language, by its ISO 639-1 code. A text in which no language can be determined is let pass, as in the reference.
pub(super) fn is_in(code: &str, answer: &str) -> bool {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::new);
    let lower = answer.to_lowercase();
    if !lower.chars().any(char::is_alphabetic) {
        return true;
    }
    if swahili(&lower) {
        return code == "sw";
    }
    let Some(found) = DETECTOR.detect_lang(&lower) else {
        return true;
    };
    let found = Language::from_639_3(found.code());
    // The detector says Mandarin where codes say Chinese.
    let found = match found {
        Some(Language::Cmn) => Some("zh"),
        Some(Language::Pes) => Some("fa"),
        other => other.and_then(|l| l.to_639_1()),
    };
    let chinese = ["zh-cn", "zh-tw"].contains(&code);
    found == Some(if chinese { "zh" } else { code })
}

/// Whether a sixth of the words are common ones of Swahili.
fn swahili(lower: &str) -> bool {
    let words: Vec<&str> = lower.split_whitespace().collect();
    let common = |word: &&&str| SWAHILI.split(' ').any(|common| common == **word);
    words.iter().filter(common).count() * 6 >= words.len().max(6)
}

/// Two different texts between six asterisks.
pub(super) fn are_two(answer: &str) -> bool {
    let parts: Vec<&str> = answer.split("******").collect();
    let last = parts.len() - 1;
    let blank_inside = parts
        .iter()
        .enumerate()
        .any(|(i, part)| part.trim().is_empty() && i != 0 && i != last);
    let whole: Vec<&str> = parts
        .iter()
        .map(|p| p.trim())
        .filter(|p| !p.is_empty())
        .collect();
    !blank_inside && matches!(whole[..], [a, b] if a != b)
}

pub(super) fn ends_with(answer: &str, phrase: &str) -> bool {
    let answer = answer.trim().trim_matches('"').to_lowercase();
    answer.ends_with(phrase)
}

pub(super) fn is_quoted(answer: &str) -> bool {
    let answer = answer.trim();
    answer.chars().count() > 1 && answer.starts_with('"') && answer.ends_with('"')
}
