//! The number that a text arrives at.
//!
//! First that applies:
//!
//! | | where | which number |
//! |---|---|---|
//! | 1 | GSM8K's marker: `####` with a number right after it, and no heading's words behind | that of the last marker |
//! | 2 | a box, `\boxed{…}` | the only number in the last box that holds any |
//! | 3 | an announcement ("The answer is", "A:", "Antwort:", "答案是" …) | of the last with a number: the one right after it, in digits or words; else the last of its sentence, or of the text where a colon announced |
//! | 4 | bold type in the last paragraph | the only number in bold |
//! | 5 | anywhere | the last; ordinals, list markers, "step 2" and the like only where there is no other |
//! | 6 | the whole text | a number in words that it begins with, or the last in Chinese numerals, or the only one in words |
//!
//! A calculation that is carried out is read for what it comes to, on whichever side of its last equals sign that stands: "3 + 4 = 7", "7 = 3 + 4".
//! Where the place that decides holds a range, a date ("June 5, 2023"), a time or several numbers, the text settles on none. Footnotes
//! ("12[1]") are not numbers.

mod context;
mod convention;
mod dates;
mod digits;
mod every;
mod han;
mod hangul;
mod latex;
mod lexicon;
mod mantissa;
mod scale;
mod scan;
mod sum;
mod words;

pub(super) use digits::digit;
pub use every::{Number, numbers};

use std::ops::Range;

use super::announce::{Announcement, Form, announcements, is_dress};
use super::boxed::boxed;
use super::language;
use convention::Convention;
use scan::{Found, scan};

/// After these a sentence gives its reasons.
const REASON_WORDS: &[&str] = &[
    " because ",
    " since ",
    " weil ",
    " parce ",
    " porque ",
    "因为",
];

/// What a place in a text says.
enum Reading {
    Number(f64),
    /// Something else than one number.
    Unsettled,
}

/// The number that a text arrives at, by the table above; a fraction is divided out, a percentage keeps its face value.
#[must_use]
pub fn answer_number(text: &str) -> Option<f64> {
    let announced = announcements(text);
    let convention = Convention::of(text, announced.iter().any(|a| a.decimal_comma));
    let numbers = Numbers {
        text,
        found: scan(text, &convention),
    };
    let reading = numbers
        .marked()
        .or_else(|| numbers.in_box())
        .or_else(|| numbers.announced(announced))
        .or_else(|| numbers.in_bold())
        .or_else(|| numbers.last_in(0..text.len()))
        .or_else(|| numbers.in_words());
    match reading? {
        Reading::Number(value) => Some(value),
        Reading::Unsettled => None,
    }
}

/// A text with its numbers.
struct Numbers<'t> {
    text: &'t str,
    found: Vec<Found>,
}

impl Numbers<'_> {
    /// The numbers that are in a span.
    fn within(&self, span: &Range<usize>) -> &[Found] {
        let from = self.found.partition_point(|n| n.range.start < span.start);
        let to = self.found.partition_point(|n| n.range.end <= span.end);
        self.found.get(from..to).unwrap_or_default()
    }

    /// 1. GSM8K's marker.
    fn marked(&self) -> Option<Reading> {
        let text = self.text;
        let written = text.trim_end().len();
        // What a marker may mark: up to the end of its line, or the next marker.
        let (mut end, mut reach) = (text.len(), text.len());
        while let Some(at) = text[..end].rfind("####") {
            let after_marker = at + 4;
            if let Some(newline) = text[after_marker..reach].find('\n') {
                reach = after_marker + newline;
            }
            let span = after_marker..reach;
            end = text[..at].trim_end_matches('#').len();
            reach = end;
            let Some(first) = self.within(&span).first().filter(|n| self.leads(&span, n)) else {
                continue;
            };
            let after = text[first.range.end..span.end]
                .trim_matches(|c: char| is_dress(c) || c.is_whitespace() || matches!(c, '}' | ')'));
            let last_line = written <= span.end;
            if is_unit(after, last_line) || calculates(after) {
                return Some(self.conclude(&span));
            }
        }
        None
    }

    /// 2. The last box with a number in it.
    fn in_box(&self) -> Option<Reading> {
        let boxes = boxed(self.text);
        let with_number = boxes.iter().rev().find(|b| !self.within(b).is_empty());
        if let Some(span) = with_number {
            let numbers = self.within(span);
            let several = numbers.iter().filter(|n| !n.weak).count() > 1;
            return Some(if several && !self.text[span.clone()].contains('=') {
                Reading::Unsettled
            } else {
                self.conclude(span)
            });
        }
        let in_words = boxes.iter().rev().find_map(|b| {
            let inner = undress(&self.text[b.clone()]);
            let inner = inner.strip_prefix("\\text{").unwrap_or(inner);
            self.said(inner)
        });
        in_words.map(|(value, _)| Reading::Number(value))
    }

    /// 3. What the last announcement with a number announces.
    fn announced(&self, mut announced: Vec<Announcement>) -> Option<Reading> {
        announced.extend(self.answer_lines());
        announced.sort_by_key(|a| a.content);
        let ends = self.sentence_ends();
        for announcement in announced.iter().rev() {
            let start = announcement.content;
            let end = ends
                .get(ends.partition_point(|e| *e < start))
                .copied()
                .unwrap_or(self.text.len());
            let span = start..end;
            let numbers = self.within(&span);
            let worked = matches!(announcement.form, Form::Colon | Form::Heading);
            if let Some(first) = numbers
                .first()
                .filter(|n| !self.heads_item(n) && self.leads(&span, n))
            {
                let goes_on = worked
                    && calculates(self.text[first.range.end..].trim_start())
                    && self.goes_on(end);
                return if goes_on {
                    self.last_in(start..self.text.len())
                } else {
                    Some(self.conclude(&span))
                };
            }
            if let Some((value, _)) = self.said(undress(&self.text[span.clone()])) {
                return Some(Reading::Number(value));
            }
            let between = ["between", "zwischen", "entre", "между", "介于", "介於"];
            if between
                .iter()
                .any(|b| undress(&self.text[span.clone()]).starts_with(b))
                && !numbers.is_empty()
            {
                return Some(Reading::Unsettled);
            }
            // What a colon announces may be a whole worked solution.
            let reach = if worked { start..self.text.len() } else { span };
            if let Some(reading) = self.last_in(reach) {
                return Some(reading);
            }
        }
        None
    }

    /// Lines that begin with "A:", as GSM8K's solutions end.
    fn answer_lines(&self) -> Vec<Announcement> {
        let lines = self.text.split_inclusive('\n').scan(0, |at, line| {
            let start = *at;
            *at += line.len();
            Some((start, line))
        });
        lines
            .filter_map(|(start, line)| {
                let rest = line
                    .trim_start_matches([' ', '\t', '*', '#'])
                    .strip_prefix("A:")?;
                Some(Announcement {
                    at: start,
                    content: start + line.len() - rest.len(),
                    form: Form::Colon,
                    decimal_comma: false,
                })
            })
            .collect()
    }

    /// 4. The only number in bold type in the last paragraph.
    fn in_bold(&self) -> Option<Reading> {
        let text = self.text.trim_end();
        let start = text.rfind("\n\n").map_or(0, |at| at + 2);
        let mut bold = Vec::new();
        let mut at = start;
        while let Some((open, close)) = text[at..]
            .find("**")
            .and_then(|open| Some((open, text[at + open + 2..].find("**")?)))
        {
            let span = at + open + 2..at + open + 2 + close;
            at = span.end + 2;
            let inner = &text[span.clone()];
            let numbers = self.within(&span);
            let words = inner.split_whitespace().count();
            if let [number] = numbers
                && !number.weak
                && words <= 4
                && !inner.trim_end().ends_with(':')
            {
                bold.push(number.value);
            }
        }
        match bold.as_slice() {
            [Some(value)] => Some(Reading::Number(*value)),
            _ => None,
        }
    }

    /// 5. The last number of a span.
    fn last_in(&self, span: Range<usize>) -> Option<Reading> {
        let numbers = self.within(&span);
        let last = |weak: bool| {
            numbers
                .iter()
                .rev()
                .find(|n| n.weak == weak && n.value.is_some())
        };
        let number = last(false).or_else(|| last(true))?;
        let number = self.worked_out(numbers, number).unwrap_or(number);
        number.value.map(Reading::Number)
    }

    /// "12 = 3 × 4": the number that the calculation which `last` ends is said to be.
    fn worked_out<'n>(&self, numbers: &'n [Found], last: &Found) -> Option<&'n Found> {
        let own = numbers.iter().position(|n| n.range == last.range)?;
        // From one number to the one before it: what is between, and that number.
        let mut back = (1..=own).rev().map(|i| {
            let (before, after) = (&numbers[i - 1], &numbers[i]);
            let between = self.text[before.range.end..after.range.start]
                .trim_matches([' ', '$', '\\', '(', ')']);
            (between, before)
        });
        let mut operators = 0;
        let whole = loop {
            match back.next()? {
                ("=", whole) => break whole,
                (between, _) if is_operator(between) => operators += 1,
                _ => return None,
            }
        };
        // On the other side stands one number and no calculation.
        let calculated = back
            .next()
            .is_some_and(|(between, _)| is_operator(between) || between == "=");
        (operators > 0 && !calculated).then_some(whole)
    }

    /// 6. The whole text, where it is a number in words.
    fn in_words(&self) -> Option<Reading> {
        let text = undress(self.text);
        if let Some((value, length)) = self.said(text) {
            let rest = &text[length..];
            if rest.len() < 80 && rest.split_whitespace().count() <= 3 {
                return Some(Reading::Number(value));
            }
        }
        han::last_han(text)
            .or_else(|| self.only_said())
            .map(Reading::Number)
    }

    /// The number in words that a text begins with, and its length. A word that is a number in one language and another word in others is one
    /// only where nothing follows it and the text is not in another language.
    fn said(&self, text: &str) -> Option<(f64, usize)> {
        let (value, said) = words::leading(text)?;
        let sure = said.doubtful.is_none_or(|code| {
            let rest = text[said.end..].trim_start_matches(is_dress);
            let ends =
                rest.is_empty() || rest.starts_with(['.', '\n', '!', '}', ',', '،', '।', '。']);
            ends && language(self.text).is_none_or(|own| own == code)
        });
        sure.then_some((value, said.end))
    }

    /// The one number in words of a text that says no other.
    fn only_said(&self) -> Option<f64> {
        let mut said = every::numbers(self.text).map(|n| n.value);
        let first = said.next()?;
        said.all(|other| other == first).then_some(first)
    }

    /// What a span says whose first number leads it: that number, or what a calculation that it begins comes to.
    fn conclude(&self, span: &Range<usize>) -> Reading {
        let numbers = self.within(span);
        let Some(first) = numbers.first() else {
            return Reading::Unsettled;
        };
        let text = &self.text[..span.end];
        let clause = text[first.range.end..]
            .find(['(', ';', '\n', '（', '，'])
            .into_iter()
            .chain(
                REASON_WORDS
                    .iter()
                    .filter_map(|r| text[first.range.end..].find(r)),
            )
            .min()
            .map_or(span.end, |at| first.range.end + at);
        let equals = self.text[span.start..clause]
            .rfind('=')
            .map(|at| span.start + at + 1);
        let stands = text[first.range.end..]
            .trim_start_matches([' ', '$', '*', '\\', ')'])
            .starts_with('=');
        let result = equals
            .filter(|at| *at <= first.range.start || !stands)
            .and_then(|at| numbers.iter().find(|n| n.range.start >= at));
        let settled = result.unwrap_or(first);
        let unfinished =
            result.is_none() && calculates(text[first.range.end..].trim_start_matches([' ', '$']));
        match settled.value {
            Some(value) if !unfinished => Reading::Number(value),
            _ => Reading::Unsettled,
        }
    }

    /// Whether a number marks an item of a list and more follows on its line.
    fn heads_item(&self, number: &Found) -> bool {
        number.weak && self.text[number.range.end..].starts_with(['.', ')', '、'])
    }

    /// Whether more is calculated after `at`.
    fn goes_on(&self, at: usize) -> bool {
        let later = self.found.partition_point(|n| n.range.start < at);
        self.found.len() > later && self.text[at..].contains('=')
    }

    /// Whether nothing but dress is before a span's first number.
    fn leads(&self, span: &Range<usize>, first: &Found) -> bool {
        const BEFORE: &str = "about approximately exactly only just around roughly also then \
            therefore 约 大约 ca. etwa environ около";
        let mut before = undress(&self.text[span.start..first.range.start]).trim_end();
        while let Some(rest) = BEFORE.split(' ').find_map(|w| before.strip_prefix(w)) {
            before = undress(rest).trim_end();
        }
        let blank = |c: char| {
            is_dress(c)
                || c.is_whitespace()
                || matches!(
                    c,
                    '(' | '['
                        | '{'
                        | '\\'
                        | ':'
                        | '：'
                        | '（'
                        | '「'
                        | '【'
                        | '<'
                        | '>'
                        | '='
                        | '≈'
                        | '-'
                        | '—'
                        | '→'
                )
        };
        let before = before.trim_start_matches(blank);
        // A box, a frame of text, a unit before the number.
        let command = [
            "boxed",
            "fbox",
            "text",
            "textbf",
            "mathbf",
            "mathrm",
            "displaystyle",
            "quad",
        ];
        let before = command
            .iter()
            .find_map(|c| before.strip_prefix(c))
            .unwrap_or(before);
        let before = before.trim_start_matches(blank);
        before.is_empty() || is_currency_word(before)
    }

    /// Where sentences and lines end.
    fn sentence_ends(&self) -> Vec<usize> {
        let mut ends = Vec::new();
        let mut rest = self.text.char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            let next = rest.peek().map(|(_, c)| *c);
            let ends_here = match c {
                '\n' | '。' | '！' | '？' | '؟' | '।' | '၊' | '။' => true,
                '.' | '!' | '?' => {
                    next.is_none_or(|n| n.is_whitespace() || is_dress(n) || matches!(n, ')' | '<'))
                }
                _ => false,
            };
            if ends_here {
                ends.push(at);
            }
        }
        ends
    }
}

/// A text without the dress and white space that it begins with.
fn undress(text: &str) -> &str {
    text.trim_start_matches(|c: char| is_dress(c) || c.is_whitespace())
}

/// Whether what follows a marker's number is a unit and no heading's words.
fn is_unit(after: &str, last_line: bool) -> bool {
    if after == "." {
        return true;
    }
    let mut words = after.split_whitespace().take(5);
    let named = !after.starts_with(['.', ')', ':', '-', '–', '）', '：']);
    let (first, more) = (words.next().unwrap_or_default(), words.count());
    let small = !first.chars().next().is_some_and(char::is_uppercase);
    named && (first.is_empty() || more < 3 && (small || last_line && more == 0))
}

/// Whether what is between two numbers calculates with them.
fn is_operator(between: &str) -> bool {
    matches!(
        between,
        "+" | "-"
            | "−"
            | "–"
            | "×"
            | "x"
            | "*"
            | "·"
            | "⋅"
            | "÷"
            | "/"
            | ":"
            | "times"
            | "cdot"
            | "div"
            | "plus"
            | "minus"
    )
}

/// Whether a text continues an operator.
fn calculates(text: &str) -> bool {
    let mut rest = text.chars();
    let first = rest.next();
    let second = rest.next();
    match first {
        Some('+' | '×' | '÷' | '*' | '⋅' | '·' | '−') => {
            second.is_some_and(|c| c != '*') || first != Some('*')
        }
        Some('-' | '/') => second.is_some_and(|c| c == ' '),
        Some('\\') => {
            text.starts_with("\\times") || text.starts_with("\\cdot") || text.starts_with("\\div")
        }
        _ => false,
    }
}

fn is_currency_word(text: &str) -> bool {
    let word = text.trim_end_matches(['.', ' ', '\\']);
    [
        "USD",
        "US",
        "EUR",
        "GBP",
        "Rs",
        "INR",
        "R",
        "Rp",
        "RMB",
        "CNY",
        "HK",
        "NT",
        "人民币",
        "人民幣",
        "¥",
        "x",
        "n",
        "N",
        "y",
    ]
    .contains(&word)
}

#[cfg(test)]
mod tests;
