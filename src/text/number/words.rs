//! Numbers in words, where an answer begins with one: "twelve", "two hundred and five", 三百二十.

use crate::text::announce::{lower, word_at};

/// The number that a text begins with, in English or Chinese words, and its length.
pub(super) fn leading(text: &str) -> Option<(f64, usize)> {
    han(text).or_else(|| english(text))
}

const SMALL: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
    eighteen nineteen";
const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";
const SCALES: &[(&str, f64)] = &[("thousand", 1e3), ("million", 1e6), ("billion", 1e9)];
/// What may be said before a number of itself.
const BEFORE: &str = "about exactly only just approximately a negative minus";
/// More words than any number in words has.
const MOST_WORDS: usize = 24;

fn english(text: &str) -> Option<(f64, usize)> {
    let (mut total, mut part, mut end) = (0.0, None, 0);
    let mut negative = false;
    let mut at = 0;
    for _ in 0..MOST_WORDS {
        at += text[at..].len() - text[at..].trim_start_matches([' ', '-', '\u{2011}']).len();
        if !text[at..].starts_with(|c: char| c.is_ascii_alphabetic()) {
            break;
        }
        let word = word_at(text, at);
        let lowered = lower(word)?;
        let small = SMALL.split(' ').position(|w| w == lowered);
        let tens = TENS
            .split(' ')
            .position(|w| w == lowered)
            .map(|i| (i + 2) * 10);
        #[allow(clippy::cast_precision_loss)]
        if let Some(value) = small.or(tens) {
            part = Some(part.unwrap_or(0.0) + value as f64);
        } else if lowered == "hundred" {
            part = Some(part.unwrap_or(1.0) * 100.0);
        } else if let Some((_, scale)) = SCALES.iter().find(|(w, _)| *w == lowered) {
            total += part.take().unwrap_or(1.0) * scale;
        } else if lowered == "and" && end > 0 {
            // Belongs to the number only where more of it follows.
            at += word.len();
            continue;
        } else if end == 0 && BEFORE.split(' ').any(|w| w == lowered) {
            negative |= matches!(lowered.as_str(), "negative" | "minus");
            at += word.len();
            continue;
        } else {
            break;
        }
        at += word.len();
        end = at;
    }
    if end == 0 {
        return None;
    }
    let next = text[end..].trim_start();
    let goes_on = ["of ", "that ", "who ", "which ", "more ", "another "]
        .iter()
        .any(|w| next.starts_with(w));
    let value = total + part.unwrap_or(0.0);
    (!goes_on).then_some((if negative { -value } else { value }, end))
}

fn han_digit(c: char) -> Option<u32> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '两' | '兩' | '贰' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        _ => return None,
    })
}

fn han_unit(c: char) -> Option<f64> {
    Some(match c {
        '十' | '拾' => 1e1,
        '百' | '佰' => 1e2,
        '千' | '仟' => 1e3,
        '万' | '萬' => 1e4,
        '亿' | '億' => 1e8,
        _ => return None,
    })
}

/// What a numeral may stand before; one alone before anything else is part of a word: 一样, 十分.
const COUNTED: &str = "个個只隻元块塊天人次年月日岁歲本张張条條公米斤克时時小秒台輛辆件位名頭头枚冊回円点。．.！!，,、）)」\n ";

fn han(text: &str) -> Option<(f64, usize)> {
    let text_start = text;
    let negative = text.starts_with(['负', '負']);
    let text = text.trim_start_matches(['负', '負']);
    if let Some(percent) = text.strip_prefix("百分之") {
        let (value, length) = han(percent)?;
        return Some((value, text_start.len() - percent.len() + length));
    }
    let run: String = text
        .chars()
        .take(32)
        .take_while(|c| han_digit(*c).is_some() || han_unit(*c).is_some())
        .collect();
    let rest = &text[run.len()..];
    let value = han_value(&run)?;
    let skipped = text_start.len() - text.len();
    let signed = |v: f64| if negative { -v } else { v };
    if let Some(top) = rest.strip_prefix("分之") {
        let (top_value, length) = han(top)?;
        return (value != 0.0).then(|| {
            (
                signed(top_value / value),
                text_start.len() - top.len() + length,
            )
        });
    }
    if let Some(decimals) = rest.strip_prefix(['点', '點']) {
        let digits: String = decimals
            .chars()
            .take(16)
            .map_while(han_digit)
            .filter_map(|d| char::from_digit(d, 10))
            .collect();
        if let Ok(part) = format!("0.{digits}0").parse::<f64>()
            && !digits.is_empty()
        {
            let length = skipped + run.len() + '点'.len_utf8() * (1 + digits.len());
            return Some((signed(value + part), length));
        }
    }
    let alone =
        run.chars().count() == 1 && rest.chars().next().is_some_and(|c| !COUNTED.contains(c));
    (!alone).then_some((signed(value), skipped + run.len()))
}

/// The last number of two numerals or more in a text.
pub(super) fn last_han(text: &str) -> Option<f64> {
    let numeral = |c: char| han_digit(c).is_some() || han_unit(c).is_some();
    let mut last = None;
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let starts = numeral(c) && !inside;
        inside = numeral(c);
        if starts && text[at + c.len_utf8()..].starts_with(numeral) {
            last = han(&text[at..]).map(|(value, _)| value).or(last);
        }
    }
    last
}

/// The value of a run of numerals: digits in their places, 二〇二四, or with units, 三百二十.
fn han_value(run: &str) -> Option<f64> {
    if run.is_empty() {
        return None;
    }
    if run.chars().count() > 1 && run.chars().all(|c| han_digit(c).is_some()) {
        let digits: String = run
            .chars()
            .filter_map(han_digit)
            .filter_map(|d| char::from_digit(d, 10))
            .collect();
        return digits.parse().ok();
    }
    let (mut total, mut section, mut digit) = (0.0, 0.0, None);
    for c in run.chars() {
        if let Some(d) = han_digit(c) {
            digit = Some(f64::from(d));
            continue;
        }
        let unit = han_unit(c)?;
        if unit < 1e4 {
            section += digit.take().unwrap_or(1.0) * unit;
        } else {
            total = (total + section + digit.take().unwrap_or(0.0)) * unit;
            section = 0.0;
        }
    }
    Some(total + section + digit.unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::leading;

    #[test]
    fn numbers_in_words_are_read_where_they_lead() {
        for (text, want) in [
            ("twelve", Some(12.0)),
            ("Twenty-one apples", Some(21.0)),
            ("two hundred and five.", Some(205.0)),
            ("three thousand four hundred", Some(3400.0)),
            ("one of them", None),
            ("a dozen", None),
            ("三百二十个", Some(320.0)),
            ("十二", Some(12.0)),
            ("一万二千", Some(12000.0)),
            ("二〇二四年", Some(2024.0)),
            ("三点五", Some(3.5)),
            ("二分之一", Some(0.5)),
            ("百分之五十", Some(50.0)),
            ("一样的", None),
            ("十分好", None),
            ("负三", Some(-3.0)),
        ] {
            assert_eq!(leading(text).map(|(v, _)| v), want, "{text}");
        }
    }
}
