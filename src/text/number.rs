//! Numbers in running text: thousands separators, currency, percentages, fractions, signs, `####` and `\boxed{}`.

use std::sync::LazyLock;

use fancy_regex::Regex;

/// A number found in text, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    /// Its value; a fraction `a/b` is divided out, a percentage keeps its face value.
    pub value: f64,
    /// Byte range in the text searched.
    pub range: std::ops::Range<usize>,
}

// A sign counts only where it cannot be a minus between two operands or a hyphen in a word.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        (?<![A-Za-z\d_])
        (?: (?<![\w)\]]) [-−–] )?
        [$€£¥]?
        (?: (?: \d{1,3}(?:,\d{3})+(?!\d) | \d+ ) (?:\.\d+)? | \.\d+ )
        (?: [eE][-+]?\d+ )?
        (?: / \d+ (?![\d/.]) )?",
    )
    .expect("a constant pattern, compiled in tests")
});
static BOXED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
        .expect("a constant pattern, compiled in tests")
});
static FRACTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}")
        .expect("a constant pattern, compiled in tests")
});
static DECLARED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?im)(?:^\s*A:|final answer(?:\s+is)?\s*:?|\banswer\s+is\s*:?|\banswer\s*:|答案(?:是|为)?[:：]?)").expect("a constant pattern, compiled in tests")
});

/// Parses a string that is one number and nothing else, as running text is read.
#[must_use]
pub fn parse_number(text: &str) -> Option<f64> {
    let trimmed = text.trim().trim_end_matches(['.', '%', ' ']);
    let found = find(trimmed);
    let [number] = found.as_slice() else {
        return None;
    };
    (number.range == (0..trimmed.len())).then_some(number.value)
}

/// The last number in the text.
#[must_use]
pub fn last_number(text: &str) -> Option<f64> {
    find(text).last().map(|n| n.value)
}

/// The number a solution gives as its answer.
///
/// First that applies: the number after the last `####`; the last `\boxed{…}`; the first number after the last
/// "answer is"/"A:"; else the last number of the text.
#[must_use]
pub fn answer_number(text: &str) -> Option<f64> {
    if let Some((_, tail)) = text.rsplit_once("####") {
        return find(tail).first().map(|n| n.value);
    }
    if let Some(inner) = BOXED
        .captures_iter(text)
        .filter_map(Result::ok)
        .last()
        .and_then(|c| c.get(1).map(|m| m.as_str().to_owned()))
        && let Some(number) = last_number(
            &FRACTION
                .replace_all(&inner, "$1/$2")
                .replace("\\!", "")
                .replace("\\,", ""),
        )
    {
        return Some(number);
    }
    if let Some(declared) = DECLARED.find_iter(text).filter_map(Result::ok).last() {
        // "The answer is 5 apples times 3 = 15": the sentence's conclusion is the number after its last "=".
        let sentence = text[declared.end()..].lines().next().unwrap_or_default();
        let concluded = sentence
            .rsplit_once('=')
            .map_or(sentence, |(_, right)| right);
        if let Some(number) = find(concluded).first() {
            return Some(number.value);
        }
    }
    last_number(text)
}

/// Every number in the text, in order.
fn find(text: &str) -> Vec<Number> {
    NUMBER
        .find_iter(text)
        .filter_map(Result::ok)
        .filter_map(|m| {
            value(m.as_str()).map(|value| Number {
                value,
                range: m.range(),
            })
        })
        .collect()
}

fn value(raw: &str) -> Option<f64> {
    let plain: String = raw
        .chars()
        .filter(|c| !matches!(c, ',' | '$' | '€' | '£' | '¥') && !c.is_whitespace())
        .map(|c| if matches!(c, '−' | '–') { '-' } else { c })
        .collect();
    match plain.split_once('/') {
        Some((top, bottom)) => {
            let (top, bottom): (f64, f64) = (top.parse().ok()?, bottom.parse().ok()?);
            (bottom != 0.0).then(|| top / bottom)
        }
        None => plain.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_found_wherever_a_solution_puts_it() {
        for (text, want) in [
            ("16-3=13\n#### 1,234", 1234.0),
            ("So the total is $1,250.50.", 1250.5),
            (r"Thus \boxed{\frac{3}{4}} of it", 0.75),
            (r"We get \boxed{-17}", -17.0),
            ("The answer is 42. She had 7 left over.", 42.0),
            ("A: 18", 18.0),
            ("-5 degrees", -5.0),
            ("10 - 3 = 7", 7.0),
            ("2/3", 2.0 / 3.0),
            ("答案是：12", 12.0),
            ("It costs €3.", 3.0),
        ] {
            assert_eq!(answer_number(text), Some(want), "{text}");
        }
        assert_eq!(answer_number("none at all"), None);
    }

    #[test]
    fn a_whole_number_string_parses_and_others_do_not() {
        assert_eq!(parse_number(" $1,000 "), Some(1000.0));
        assert_eq!(parse_number("5%"), Some(5.0));
        assert_eq!(parse_number("5 apples"), None);
    }
}
