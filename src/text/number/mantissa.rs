//! Digits with what groups them and parts off their decimals.
//!
//! What a comma or a point between digits means:
//!
//! | written | read as |
//! |---|---|
//! | groups of three after one to three digits, `1,234`, `1 234`, `1'234`, `1_234`, `1{,}234`, `1.234.567` | thousands |
//! | groups of two before a last group of three, `12,34,567` | lakh and crore |
//! | both marks, `1.234,56`, `1,234.56` | the last is the decimal mark |
//! | one point, `1.234` | decimals; thousands where the text's language writes decimals with a comma, or in an amount of euros (`€1.234`, and R$, ₺, kr, zł, Rp, ₫, руб) |
//! | one comma before other than three digits, or after 0, `3,5`, `0,125` | decimals |
//! | a plain space, `1 234` | thousands where there are two of them, alone between braces, or where the text's language writes decimals with a comma; else two numbers |
//! | LaTeX's tie, `1~000` | thousands where it is all that is between braces; else a range |
//! | two points, `1.2.3` | no number |

use super::context::euros;
use super::convention::Convention;
use super::digits::{digit, vulgar};

/// Digits read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mantissa {
    pub value: f64,
    pub end: usize,
    /// It has no decimals.
    pub integral: bool,
    /// Its value were its only mark to group where it parts decimals, or the other way round: 1.234, 1,234.
    pub other: Option<f64>,
}

pub(super) enum Read {
    Number(Mantissa),
    /// Not a number, up to here.
    Opaque(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Comma,
    Point,
    ArabicDecimal,
    /// Marks that only ever group.
    Group(char),
    /// A plain space, which usually parts two numbers.
    Space,
    /// LaTeX's space that does not break; elsewhere it makes a range.
    Tie,
}

struct Group {
    /// What is before it; none before the first.
    mark: Option<Mark>,
    digits: String,
    end: usize,
}

/// Groups that are looked at: more than any number has.
const MAX_GROUPS: usize = 12;

/// How marks are written, LaTeX's forms before the characters that they begin with.
const MARKS: &[(&str, Mark)] = &[
    ("{,}\\!", Mark::Comma),
    ("{,}", Mark::Comma),
    (",\\!", Mark::Comma),
    (",\\,", Mark::Comma),
    (",", Mark::Comma),
    ("،", Mark::Comma),
    ("，", Mark::Comma),
    ("{.}", Mark::Point),
    (".", Mark::Point),
    ("．", Mark::Point),
    ("٫", Mark::ArabicDecimal),
    ("٬", Mark::Group('٬')),
    ("{\\,}", Mark::Group(' ')),
    ("\\,", Mark::Group(' ')),
    ("\\;", Mark::Group(' ')),
    ("\\:", Mark::Group(' ')),
    ("\\ ", Mark::Group(' ')),
    ("\\!", Mark::Group(' ')),
    ("\u{a0}", Mark::Group(' ')),
    ("\u{202f}", Mark::Group(' ')),
    ("\u{2009}", Mark::Group(' ')),
    ("\u{2007}", Mark::Group(' ')),
    ("'", Mark::Group('\'')),
    ("’", Mark::Group('\'')),
    ("_", Mark::Group('_')),
    (" ", Mark::Space),
    ("~", Mark::Tie),
];

/// Whether a number without digits before its point begins here: ".5".
pub(super) fn leading_point(text: &str, at: usize) -> bool {
    let mut rest = text[at..].chars();
    let point = matches!(rest.next(), Some('.' | '٫'));
    let before = text[..at].chars().next_back();
    point
        && rest.next().is_some_and(|c| digit(c).is_some())
        && !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '.'))
}

/// The mantissa that begins at `at`.
pub(super) fn read(text: &str, at: usize, convention: &Convention<'_>) -> Read {
    let first = text[at..].chars().next();
    if let Some((c, value)) = first.and_then(|c| Some((c, vulgar(c)?))) {
        return Read::Number(Mantissa {
            value,
            end: at + c.len_utf8(),
            integral: false,
            other: None,
        });
    }
    if leading_point(text, at) {
        let start = at + first.map_or(0, char::len_utf8);
        let (digits, end) = digits(text, start);
        return number(&format!("0.{digits}"), end, false);
    }
    let groups = groups(text, at);
    let mark = |i: usize| groups.get(i).and_then(|g| g.mark);
    let Some(second) = mark(1) else {
        return number(&groups[0].digits, groups[0].end, true);
    };
    let thousands = thousands(&groups, second);
    // The mark and the groups before the decimals, if there are any.
    let (whole, decimals) = match second {
        Mark::Comma if thousands > 0 => (
            thousands,
            matches!(mark(thousands + 1), Some(Mark::Point | Mark::ArabicDecimal))
                && mark(thousands + 2) != Some(Mark::Point),
        ),
        Mark::Comma => (0, decimal_comma(text, at, &groups)),
        Mark::Point
            if mark(2) == Some(Mark::Point)
                && (thousands < 2 || mark(thousands + 1) == Some(Mark::Point)) =>
        {
            let last = groups
                .iter()
                .skip(1)
                .take_while(|g| g.mark == Some(Mark::Point))
                .last();
            return Read::Opaque(rest_of_version(text, last.map_or(groups[0].end, |g| g.end)));
        }
        Mark::Point
            if thousands > 0
                && mark(thousands + 1) == Some(Mark::Comma)
                && mark(thousands + 2) != Some(Mark::Comma) =>
        {
            (thousands, true)
        }
        Mark::Point
            if thousands > 1
                || thousands == 1
                    && (convention.decimal_comma() || euros(text, at, groups[1].end)) =>
        {
            (thousands, false)
        }
        Mark::Point | Mark::ArabicDecimal => (0, true),
        Mark::Tie if !groups.get(thousands).is_some_and(|g| braced(text, at, g)) => (0, false),
        Mark::Space
            if !(thousands > 1
                || thousands == 1
                    && (braced(text, at, &groups[1]) || convention.space_groups())) =>
        {
            (0, false)
        }
        Mark::Group(_) | Mark::Space | Mark::Tie => (
            thousands,
            thousands > 0
                && matches!(
                    mark(thousands + 1),
                    Some(Mark::Comma | Mark::Point | Mark::ArabicDecimal)
                ),
        ),
    };
    let mut written: String = groups[..=whole].iter().map(|g| g.digits.as_str()).collect();
    let mut end = groups[whole].end;
    if decimals && let Some(group) = groups.get(whole + 1) {
        written = format!("{written}.{}", group.digits);
        end = group.end;
    }
    let mut read = number(&written, end, !decimals);
    if let Read::Number(mantissa) = &mut read {
        mantissa.other = other(&groups, end, decimals);
    }
    read
}

/// What two groups parted by a comma or a point, the second of three digits, mean besides.
fn other(groups: &[Group], end: usize, decimals: bool) -> Option<f64> {
    let [whole, part, ..] = groups else {
        return None;
    };
    let either = matches!(part.mark, Some(Mark::Comma | Mark::Point))
        && part.end == end
        && part.digits.len() == 3
        && whole.digits.len() <= 3
        && !whole.digits.starts_with('0');
    let mark = if decimals { "" } else { "." };
    let written = format!("{}{mark}{}", whole.digits, part.digits);
    written.parse().ok().filter(|_| either)
}

/// Where "1.2.3.4" ends, read up to `end`.
fn rest_of_version(text: &str, mut end: usize) -> usize {
    while let Some(rest) = text[end..].strip_prefix('.') {
        let more: usize = rest
            .chars()
            .take_while(|c| digit(*c).is_some())
            .map(char::len_utf8)
            .sum();
        if more == 0 {
            break;
        }
        end += 1 + more;
    }
    end
}

fn number(written: &str, end: usize, integral: bool) -> Read {
    match written.parse() {
        Ok(value) => Read::Number(Mantissa {
            value,
            end,
            integral,
            other: None,
        }),
        Err(_) => Read::Opaque(end),
    }
}

/// How many groups after the first are thousands.
fn thousands(groups: &[Group], mark: Mark) -> usize {
    let first = &groups[0].digits;
    if first.len() > 3 || first.starts_with('0') {
        return 0;
    }
    let run: Vec<usize> = groups[1..]
        .iter()
        .take_while(|g| g.mark == Some(mark))
        .map(|g| g.digits.len())
        .collect();
    let threes = run.iter().take_while(|l| **l == 3).count();
    if threes > 0 {
        return threes;
    }
    let twos = run.iter().take_while(|l| **l == 2).count();
    let lakh = mark == Mark::Comma && first.len() <= 2 && twos > 0 && run.get(twos) == Some(&3);
    if lakh { twos + 1 } else { 0 }
}

/// Whether a comma that does not part thousands parts decimals: one alone, and not in a pair "(3,5)".
fn decimal_comma(text: &str, at: usize, groups: &[Group]) -> bool {
    let alone = groups.get(2).is_none_or(|g| g.mark != Some(Mark::Comma));
    let alone = alone && !listed(text, at);
    let paired = text[..at].ends_with(['(', '[']) && text[groups[1].end..].starts_with([')', ']']);
    let is_decimal = groups[1].digits.len() != 3 || groups[0].digits == "0";
    alone && !paired && is_decimal
}

/// Whether a digit and a comma are before a place: it is within a list.
fn listed(text: &str, at: usize) -> bool {
    let before = text[..at].strip_suffix(',');
    before.is_some_and(|b| b.chars().next_back().is_some_and(|c| digit(c).is_some()))
}

/// Whether two groups are all that is between braces.
fn braced(text: &str, at: usize, last: &Group) -> bool {
    text[..at].ends_with('{') && text[last.end..].starts_with('}')
}

fn groups(text: &str, at: usize) -> Vec<Group> {
    let (first, mut end) = digits(text, at);
    let mut groups = vec![Group {
        mark: None,
        digits: first,
        end,
    }];
    // Groups of other than two or three digits end a number, whose decimals and whose next mark are still looked at.
    let grows = |groups: &[Group]| {
        groups.len() < 3
            || groups[groups.len() - 2..]
                .iter()
                .all(|g| matches!(g.digits.len(), 2 | 3))
    };
    while groups.len() < MAX_GROUPS && grows(&groups) {
        let rest = &text[end..];
        let Some((written, mark)) = MARKS.iter().find(|(w, _)| rest.starts_with(w)) else {
            break;
        };
        let (more, after) = digits(text, end + written.len());
        if more.is_empty() {
            break;
        }
        end = after;
        groups.push(Group {
            mark: Some(*mark),
            digits: more,
            end,
        });
    }
    groups
}

/// The run of digits at a place, as ASCII, and where it ends.
fn digits(text: &str, at: usize) -> (String, usize) {
    let mut end = at;
    let mut run = String::new();
    for c in text[at..].chars() {
        let Some(d) = digit(c) else { break };
        run.push(char::from(b'0' + d));
        end += c.len_utf8();
    }
    (run, end)
}
