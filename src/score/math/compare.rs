//! Whether two answers are the same: taken apart into lists, intervals, matrices and equations, and compared part by part.

use super::expression::Expression;
use super::tidy::{tidy, without_thousands};
use super::value::Complex;

/// Points at which expressions are compared.
const POINTS: u32 = 4;

/// Most parts of a list; an unordered list is compared each with each.
const MAX_PARTS: usize = 64;

/// Whether a found answer means what the target does.
pub(super) fn equivalent(target: &str, found: &str) -> bool {
    let (Some(target), Some(found)) = (tidy(target), tidy(found)) else {
        return false;
    };
    !found.is_empty() && alike(&target, &found, 0)
}

fn alike(a: &str, b: &str, depth: usize) -> bool {
    const MAX_DEPTH: usize = 8;
    let (a, b) = (without_thousands(a.trim()), without_thousands(b.trim()));
    let (a, b) = (a.as_str(), b.as_str());
    if bare(a) == bare(b) {
        return true;
    }
    if depth == MAX_DEPTH || a.is_empty() || b.is_empty() {
        return false;
    }
    let deeper = |a: &str, b: &str| alike(a, b, depth + 1);
    if a.contains('±') || b.contains('±') {
        let signs = |text: &str| match text.split_once('±') {
            Some((left, right)) => vec![format!("{left}+{right}"), format!("{left}-{right}")],
            None => split(text, ',').iter().map(|s| (*s).to_owned()).collect(),
        };
        return unordered(&signs(a), &signs(b), &deeper);
    }
    if let (Some(a), Some(b)) = (matrix(a), matrix(b)) {
        let rows = a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.len() == b.len());
        let cells = || a.iter().flatten().zip(b.iter().flatten());
        return rows && cells().all(|(a, b)| deeper(a, b));
    }
    for separator in ['∪', ','] {
        let (parts_a, parts_b) = (split(a, separator), split(b, separator));
        if parts_a.len() > 1 || parts_b.len() > 1 {
            return unordered(&parts_a, &parts_b, &deeper);
        }
    }
    if let (Some((open, inner_a)), Some((open_b, inner_b))) = (bracketed(a), bracketed(b)) {
        let (parts_a, parts_b) = (split(inner_a, ','), split(inner_b, ','));
        if parts_a.len() > 1 || parts_b.len() > 1 {
            return if open == Bracket::Set && open_b == Bracket::Set {
                unordered(&parts_a, &parts_b, &deeper)
            } else {
                open == open_b
                    && parts_a.len() == parts_b.len()
                    && parts_a.iter().zip(&parts_b).all(|(a, b)| deeper(a, b))
            };
        }
        if open == Bracket::Set && open_b == Bracket::Set {
            return deeper(inner_a, inner_b);
        }
    }
    match (equation(a), equation(b)) {
        (Some((la, ra)), Some((lb, rb))) => {
            same_equation((la, ra), (lb, rb))
                || deeper(la, lb) && deeper(ra, rb)
                || deeper(la, rb) && deeper(ra, lb)
        }
        (Some((name, value)), None) if is_name(name) => deeper(value, b),
        (None, Some((name, value))) if is_name(name) => deeper(a, value),
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => same_value(a, b) || same_words(a, b) || same_but_for_base(a, b),
    }
}

/// Without spaces and outer roman type, in the case it has.
fn bare(text: &str) -> String {
    let inner = text
        .strip_prefix("\\text{")
        .or_else(|| text.strip_prefix("\\text {"))
        .and_then(|t| t.strip_suffix('}'))
        .filter(|t| !t.contains(['{', '}']));
    let spaceless = inner.unwrap_or(text).replace(' ', "");
    spaceless.replace("\\{", "{").replace("\\}", "}")
}

/// Whether both are the same words, in whatever case; a single letter keeps its case unless it is in brackets, as options do.
fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        let bare = bare(text);
        let option = bare.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        option.unwrap_or(&bare).to_owned()
    };
    let (a, b) = (words(a), words(b));
    let is_word = |t: &str| {
        t.chars()
            .all(|c| c.is_alphabetic() || c == '-' || c == '\'')
    };
    if !is_word(&a) || !is_word(&b) {
        return false;
    }
    let short = a.chars().count() < 2;
    a == b || !short && a.to_lowercase() == b.to_lowercase()
}

/// Whether both are the same digits, of which one says its base.
fn same_but_for_base(a: &str, b: &str) -> bool {
    let without = |text: &str| {
        let bare = bare(text);
        let (digits, base) = bare.split_once('_')?;
        let base = base.trim_matches(['{', '}']);
        let numeric = base.bytes().all(|b| b.is_ascii_digit());
        (numeric && digits.bytes().all(|b| b.is_ascii_alphanumeric()))
            .then(|| (digits.to_owned(), base.to_owned()))
    };
    match (without(a), without(b)) {
        (Some(a), Some(b)) => a == b,
        (Some((digits, _)), None) => digits == bare(b),
        (None, Some((digits, _))) => digits == bare(a),
        (None, None) => false,
    }
}

/// The value of a variable at a point: some number between 1 and 3, another for every name and point.
fn sampled(name: &str, point: u32) -> Complex {
    let hash = blake3::hash(format!("{point} {name}").as_bytes());
    let bytes = hash.as_bytes();
    let part = f64::from(u16::from_le_bytes([bytes[0], bytes[1]])) / f64::from(u16::MAX);
    Complex::real(1.0 + 2.0 * part)
}

fn same_value(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (Expression::read(a), Expression::read(b)) else {
        return false;
    };
    (0..POINTS).all(|point| {
        let at = |name: &str| sampled(name, point);
        a.value(&at).is_near(b.value(&at))
    })
}

/// Whether one equation is a multiple of the other.
fn same_equation(a: (&str, &str), b: (&str, &str)) -> bool {
    let difference =
        |(left, right): (&str, &str)| Some((Expression::read(left)?, Expression::read(right)?));
    let (Some(a), Some(b)) = (difference(a), difference(b)) else {
        return false;
    };
    let ratio = |point| {
        let at = |name: &str| sampled(name, point);
        let value = |(l, r): &(Expression, Expression)| l.value(&at).minus(r.value(&at));
        value(&a).over(value(&b))
    };
    let first = ratio(0);
    first.size() > 1e-9 && (1..POINTS).all(|point| ratio(point).is_near(first))
}

fn is_name(text: &str) -> bool {
    Expression::read(text).is_some_and(|e| e.is_name())
}

/// The two sides of a text with one equals sign.
fn equation(text: &str) -> Option<(&str, &str)> {
    let (left, right) = text.split_once('=')?;
    (!right.contains('=')).then_some((left.trim(), right.trim()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Set,
    /// By the marks at both ends: `[1, 2)` is no `(1, 2)`.
    Ends(char, char),
}

/// A text that one pair of brackets holds, and what is inside.
fn bracketed(text: &str) -> Option<(Bracket, &str)> {
    let text = text.trim();
    for (open, close) in [("\\{", "\\}"), ("{", "}")] {
        if let Some(inner) = text.strip_prefix(open).and_then(|t| t.strip_suffix(close)) {
            return Some((Bracket::Set, inner));
        }
    }
    let (first, last) = (text.chars().next()?, text.chars().next_back()?);
    let ends = matches!(first, '(' | '[') && matches!(last, ')' | ']') && text.len() > 1;
    ends.then(|| (Bracket::Ends(first, last), &text[1..text.len() - 1]))
}

/// The parts of a text between separators outside of brackets.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_i32, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ if c == separator && depth == 0 => {
                parts.push(text[from..i].trim());
                from = i + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether every part of one has a part of the other to itself.
fn unordered<T: AsRef<str>>(a: &[T], b: &[T], same: &dyn Fn(&str, &str) -> bool) -> bool {
    if a.len() != b.len() || a.len() > MAX_PARTS {
        return false;
    }
    let mut left: Vec<&str> = b.iter().map(AsRef::as_ref).collect();
    a.iter().all(|a| {
        let found = left.iter().position(|b| same(a.as_ref(), b));
        found.map(|i| left.swap_remove(i)).is_some()
    })
}

/// The cells of a matrix or a column.
fn matrix(text: &str) -> Option<Vec<Vec<String>>> {
    let rest = text.trim().strip_prefix("\\begin{")?;
    let (kind, rest) = rest.split_once('}')?;
    let inner = rest.strip_suffix(&format!("\\end{{{kind}}}"))?;
    let inner = inner.trim().trim_end_matches("\\\\");
    let row = |row: &str| row.split('&').map(|cell| cell.trim().to_owned()).collect();
    Some(inner.split("\\\\").map(row).collect())
}
