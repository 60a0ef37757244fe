//! Numbers in running text, as people and models write them.
//!
//! A number is a mantissa (digits of any script, grouped and with decimals: [`super::mantissa`]) with what belongs to it: sign, currency,
//! exponent, denominator, mixed fraction, percent sign, multiplier. Dates, times, ranges, version numbers and multiples of π or a root look
//! like numbers and have no one value.

use std::ops::Range;

use super::context::{Sign, attached, footnote, is_minus, labelled, marks_item, ordinal, sign};
use super::convention::Convention;
use super::dates::date_or_time;
use super::digits::{digit, superscript, vulgar};
use super::latex::{command, irrational, root_length};
use super::mantissa::{self, Mantissa};
use super::scale::scaled;

/// Something in a text that looks like a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Its value; none if it has no one value.
    pub value: Option<f64>,
    /// Where it is, with sign and currency.
    pub range: Range<usize>,
    /// It counts or orders rather than measures: an ordinal, a list marker, "step 2", a coefficient.
    pub weak: bool,
}

/// Everything that looks like a number, in order.
pub(super) fn scan(text: &str, convention: &Convention<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let read = match c {
            '\\' => command(text, at, single_number),
            '√' => Some((
                at + c.len_utf8() + root_length(&text[at + c.len_utf8()..]),
                None,
            )),
            _ => None,
        };
        if let Some((end, value)) = read {
            let signed = sign(text, at, end_of(found.last()));
            let value = value.map(|v| if signed.negative { -v } else { v });
            found.push(Found {
                value,
                range: signed.start..end,
                weak: false,
            });
            at = end;
            continue;
        }
        let begins = digit(c).is_some() || vulgar(c).is_some() || mantissa::leading_point(text, at);
        if !begins {
            at += c.len_utf8();
            continue;
        }
        if attached(text, at) || footnote(text, at) {
            at += text[at..]
                .chars()
                .take_while(|c| digit(*c).is_some())
                .map(char::len_utf8)
                .sum::<usize>()
                .max(c.len_utf8());
            continue;
        }
        let number = number_at(text, at, found.last(), convention);
        at = number.range.end;
        found.push(number);
    }
    found
}

fn end_of(number: Option<&Found>) -> Option<usize> {
    number.map(|n| n.range.end)
}

fn number_at(text: &str, at: usize, last: Option<&Found>, convention: &Convention<'_>) -> Found {
    let Sign {
        start,
        negative,
        money,
    } = sign(text, at, end_of(last));
    let mut weak = labelled(text, start);
    let read = match date_or_time(text, at) {
        Some(end) => mantissa::Read::Opaque(end),
        None => mantissa::read(text, at, convention),
    };
    let (value, end) = match read {
        mantissa::Read::Opaque(end) => (None, end),
        mantissa::Read::Number(mantissa) => {
            let (value, end) = complete(text, &mantissa, money, convention);
            weak |= value.is_some() && (ordinal(text, end) || marks_item(text, start, end));
            (value, end)
        }
    };
    let value = value
        .map(|v| if negative { -v } else { v })
        .filter(|v| v.is_finite());
    Found {
        value,
        range: start..end,
        weak,
    }
}

/// Everything that may follow a mantissa.
fn complete(
    text: &str,
    mantissa: &Mantissa,
    money: bool,
    convention: &Convention<'_>,
) -> (Option<f64>, usize) {
    let Mantissa {
        value,
        end,
        integral,
        ..
    } = *mantissa;
    let (mut value, mut end) = power(text, value, end);
    if integral && let Some((part, after)) = mixed(text, end) {
        (value, end) = (value + part, after);
    } else if integral && let Some((bottom, after)) = denominator(text, end) {
        let Some(bottom) = bottom else {
            return (None, after);
        };
        (value, end) = (value / bottom, after);
    }
    if let Some(end) = range(text, end, convention) {
        return (None, end);
    }
    (value, end) = scaled(text, value, end, money);
    let rest = text[end..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    if irrational(rest) {
        return (None, end);
    }
    for percent in ["%", "\\%", "٪", "％"] {
        if rest.starts_with(percent) {
            end = text.len() - rest.len() + percent.len();
        }
    }
    (Some(value), end)
}

fn ascii_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// A power: `e5`, `^{10}`, `²`, `× 10^5`.
fn power(text: &str, value: f64, at: usize) -> (f64, usize) {
    if let Some((exponent, end)) = e_notation(text, at) {
        return (value * 10_f64.powi(exponent), end);
    }
    let (mut value, mut end) = match exponent(text, at) {
        Some((exponent, end)) => (value.powi(exponent), end),
        None => (value, at),
    };
    let rest = text[end..].trim_start_matches([' ', '\u{a0}', '\\', ',']);
    let times = ["×", "times", "cdot", "·", "⋅", "*", "x"];
    let ten = times
        .iter()
        .find_map(|t| rest.strip_prefix(t))
        .and_then(|r| r.trim_start_matches([' ', '\u{a0}']).strip_prefix("10"));
    if let Some(ten) = ten
        && let Some((exponent, after)) = exponent(text, text.len() - ten.len())
    {
        value *= 10_f64.powi(exponent);
        end = after;
    }
    (value, end)
}

fn e_notation(text: &str, at: usize) -> Option<(i32, usize)> {
    let rest = text[at..].strip_prefix(['e', 'E'])?;
    let (exponent, length) = integer(rest)?;
    let after = rest[length..].chars().next();
    (!after.is_some_and(char::is_alphanumeric))
        .then(|| (exponent, text.len() - rest.len() + length))
}

/// A signed integer of few digits, and its length.
fn integer(text: &str) -> Option<(i32, usize)> {
    let sign = text.chars().next().filter(|c| is_minus(*c) || *c == '+');
    let skip = sign.map_or(0, char::len_utf8);
    let digits = ascii_digits(&text[skip..]);
    let value: i32 = text[skip..skip + digits]
        .parse()
        .ok()
        .filter(|_| digits <= 4)?;
    let negative = sign.is_some_and(is_minus);
    Some((if negative { -value } else { value }, skip + digits))
}

/// An exponent that begins at `at`, and where it ends.
fn exponent(text: &str, at: usize) -> Option<(i32, usize)> {
    let rest = &text[at..];
    if let Some(raised) = rest.strip_prefix('^') {
        let start = text.len() - raised.len();
        if let Some(inner) = raised.strip_prefix('{') {
            let (value, length) = integer(inner)?;
            return inner[length..]
                .starts_with('}')
                .then_some((value, start + length + 2));
        }
        let raised = raised.strip_prefix('(').unwrap_or(raised);
        let (value, length) = integer(raised)?;
        return Some((value, text.len() - raised.len() + length));
    }
    let (mut value, mut end, mut negative) = (None, at, false);
    for c in rest.chars().take(4) {
        match superscript(c) {
            Some(d) => value = Some(value.unwrap_or(0) * 10 + i32::from(d)),
            None if c == '⁻' && value.is_none() => negative = true,
            None => break,
        }
        end += c.len_utf8();
    }
    value.map(|v| (if negative { -v } else { v }, end))
}

/// The fraction of a mixed number: "2 1/2", "2½", `2\frac{1}{2}`.
fn mixed(text: &str, at: usize) -> Option<(f64, usize)> {
    let rest = text[at..].trim_start_matches([' ', '\u{a0}', '\u{202f}', '\u{2009}']);
    let rest = ["\\ ", "\\,", "\\;"]
        .iter()
        .find_map(|s| rest.strip_prefix(s))
        .unwrap_or(rest);
    let start = text.len() - rest.len();
    let first = rest.chars().next()?;
    if let Some(value) = vulgar(first) {
        return Some((value, start + first.len_utf8()));
    }
    if first == '\\' {
        let (end, value) = command(text, start, single_number)?;
        return value.filter(|v| (0.0..1.0).contains(v)).map(|v| (v, end));
    }
    if start == at {
        return None;
    }
    let digits = ascii_digits(rest);
    let top: f64 = rest[..digits].parse().ok()?;
    let (bottom, end) = denominator(text, start + digits)?;
    let value = top / bottom?;
    (value < 1.0).then_some((value, end))
}

/// What follows a fraction's bar at `at`, none if it is 0 or more follows, and where it ends.
fn denominator(text: &str, at: usize) -> Option<(Option<f64>, usize)> {
    let rest = text[at..].strip_prefix(['/', '⁄', '∕'])?;
    let mut length = 0;
    let mut value = 0.0;
    for c in rest.chars().take(18) {
        let Some(d) = digit(c) else { break };
        value = value * 10.0 + f64::from(d);
        length += c.len_utf8();
    }
    let end = text.len() - rest.len() + length;
    (length > 0).then_some((Some(value).filter(|v| *v > 0.0), end))
}

/// Where the second number of a range (5-6, 5–6, 5~6) ends; a subtraction that is carried out is none.
fn range(text: &str, at: usize, convention: &Convention<'_>) -> Option<usize> {
    let dash = text[at..]
        .chars()
        .next()
        .filter(|c| is_minus(*c) || matches!(c, '—' | '~' | '～' | '〜'))?;
    let second = at + dash.len_utf8();
    digit(text[second..].chars().next()?)?;
    let end = match mantissa::read(text, second, convention) {
        mantissa::Read::Opaque(end) => end,
        mantissa::Read::Number(m) => m.end,
    };
    let calculates = text[end..]
        .trim_start_matches([' ', '$', '\\', ')', '*'])
        .starts_with(['=', '-', '+', '−', '×', '≈', '÷', '/']);
    (!calculates).then_some(end)
}

/// The value of a text that is one number and nothing else.
fn single_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let found = scan(text, &Convention::point());
    match found.as_slice() {
        [number] if number.range == (0..text.len()) => number.value,
        _ => None,
    }
}
