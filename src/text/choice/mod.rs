//! The choice that an answer settles on.
//!
//! First that applies; within one row the last such statement counts, since answers correct themselves:
//!
//! | | where | which choice |
//! |---|---|---|
//! | 1 | the whole answer | the choice whose text or letter it is |
//! | 2 | an announcement ("The answer is", "Antwort:", "故选", "the correct option is") or a box | the letter it names, or the text it begins with |
//! | 3 | a verdict: "B is correct", "I would choose B", "so it must be B"; the one letter not denied in a sentence that denies another: "not A but B" | its letter |
//! | 4 | an answer of three words or fewer; a last sentence that is a letter; "… is B." | its letter |
//! | 5 | a line of its own | the letter, where all such lines hold the same |
//! | 6 | the beginning: "B) …", "B, because …" | the letter, unless the choices are listed again |
//! | 7 | the last sentence with a letter in brackets, in bold or after "option"; else the whole text | its only letter |
//! | 8 | anywhere | the choice that "Yes, …" or "No, …" begins with, or the only choice whose text is there |
//!
//! A letter that is denied ("not B", "B is wrong", "A and B are wrong") or struck out (`~~B~~`) counts nowhere. Two letters in one place ("A or B", "both A and B") settle
//! nothing. An article, a pronoun or a preposition is not a letter, and neither is one within a name: "vitamin C", "B-cell", "N/A".

mod correction;
mod denial;
mod labels;
mod named;
mod placed;
mod stated;
mod struck;
mod tokens;
mod verdict;
mod words;

use std::ops::Range;

use super::announce::{hangul, unspaced};
use labels::Case;
use named::Named;
use struck::without_struck;
use tokens::{Kind, Token, tokens};
use words::OPTION;

/// Of a longer text, in bytes, only this much of its end is read: an answer ends with its choice.
const MAX_BYTES: usize = 100_000;

/// The index of the choice that a text settles on, by the table above.
#[must_use]
pub fn answer_choice(text: &str, choices: &[String]) -> Option<usize> {
    let text = &text[text.floor_char_boundary(text.len().saturating_sub(MAX_BYTES))..];
    let text = &*without_struck(text);
    let named = Named::new(choices);
    if let Some(whole) = named.whole(text) {
        return Some(whole);
    }
    let mut answer = Answer::of(text, named);
    answer.join();
    answer.denied = answer.denials();
    if let Some(alone) = answer.alone() {
        return Some(alone);
    }
    let stated = answer.stated();
    if let Some(choice) = stated.iter().rev().find_map(|s| s.choice) {
        return Some(choice);
    }
    let open = !stated.is_empty();
    answer
        .verdict()
        .or_else(|| answer.brief())
        .or_else(|| answer.equated())
        .or_else(|| answer.lines().filter(|_| !open))
        .or_else(|| answer.opening().filter(|_| !open))
        .or_else(|| answer.marked().filter(|_| !open))
        .or_else(|| {
            answer
                .named
                .polar(text)
                .or_else(|| answer.named.only(text))
                .filter(|_| !open)
        })
}

/// The index of the choice that a text names and says nothing more: its text, or its letter in whatever dress ("(B)", "Ｂ", "b.").
#[must_use]
pub fn named_choice(text: &str, choices: &[String]) -> Option<usize> {
    let named = Named::new(choices);
    named
        .whole(text)
        .or_else(|| Answer::of(text, named).alone())
}

/// An answer under reading.
struct Answer<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// By token: the next label in a coordination with this one, "A, B and C".
    joined: Vec<Option<usize>>,
    /// By token: a label that is denied.
    denied: Vec<bool>,
    /// What is in each box.
    boxes: Vec<Range<usize>>,
    named: Named,
}

/// Where an answer states its choice, and which; none where it names several.
struct Statement {
    at: usize,
    choice: Option<usize>,
}

/// Announcements that are looked at, from the last back.
const MAX_ANNOUNCEMENTS: usize = 256;
/// Tokens of a sentence in which what it announces is looked for.
const REACH: usize = 24;

impl<'t> Answer<'t> {
    fn of(text: &'t str, named: Named) -> Self {
        let (tokens, boxes) = tokens(text, named.choices());
        Self {
            text,
            joined: vec![None; tokens.len()],
            denied: vec![false; tokens.len()],
            tokens,
            boxes,
            named,
        }
    }
}

impl Answer<'_> {
    fn kind(&self, i: usize) -> Option<Kind> {
        self.tokens.get(i).map(|t| t.kind)
    }

    fn word(&self, i: usize) -> &str {
        let token = self
            .tokens
            .get(i)
            .filter(|t| matches!(t.kind, Kind::Word | Kind::Label { .. }));
        token.map_or("", |t| &self.text[t.span.clone()])
    }

    fn label(&self, i: usize) -> Option<(usize, Case)> {
        self.tokens.get(i)?.label()
    }

    /// The token that begins at a place or after it.
    fn token_from(&self, at: usize) -> usize {
        self.tokens.partition_point(|t| t.span.start < at)
    }

    /// Whether a token ends a sentence.
    fn ends(&self, i: usize) -> bool {
        match self.kind(i) {
            None | Some(Kind::Line | Kind::Mark('!' | '?' | '。' | '！' | '？' | '।' | '؟')) => {
                true
            }
            // A point after a label belongs to it: "B. The grandson".
            Some(Kind::Mark('.')) => {
                let next = self.text[self.tokens[i].span.end..].chars().next();
                next.is_none_or(|c| !c.is_alphanumeric())
            }
            _ => false,
        }
    }

    /// Whether nothing that belongs to a label follows it.
    fn closed(&self, i: usize) -> bool {
        !matches!(
            self.kind(i + 1),
            Some(Kind::Word | Kind::Label { .. } | Kind::Boxed(_))
        )
    }

    /// The letter that is the whole answer.
    fn alone(&self) -> Option<usize> {
        let mut content = self.tokens.iter().filter(|t| {
            !matches!(
                t.kind,
                Kind::Line | Kind::Open | Kind::Close | Kind::Mark('.' | '。' | ':' | ',' | '!')
            )
        });
        let only = content.next()?;
        if content.next().is_some() {
            return None;
        }
        match only.kind {
            Kind::Label { index, .. } => Some(index),
            Kind::Boxed(own) => self.in_box(own),
            _ => None,
        }
    }

    /// The choice that is in a box: its letter alone, before its text, or its text.
    fn in_box(&self, own: usize) -> Option<usize> {
        let inner = &self.text[self.boxes[own].clone()];
        if let Some(choice) = self.named.whole(inner) {
            return Some(choice);
        }
        let (tokens, boxes) = tokens(inner, self.named.choices());
        let mut labels = tokens.iter().filter_map(Token::label);
        let first = labels.next();
        let choice = match tokens.as_slice() {
            [
                Token {
                    kind: Kind::Boxed(_),
                    ..
                },
            ] => {
                let innermost = boxes.last().map(|b| &inner[b.clone()])?;
                let (tokens, _) = tokens::tokens(innermost, self.named.choices());
                tokens.iter().find_map(Token::label)
            }
            [_] => first,
            // "B: the grandson", "(B) The grandson", "Option B"
            [one, more, ..] if one.label().is_some() => first.filter(|_| {
                one.marked
                    || matches!(
                        more.kind,
                        Kind::Mark(':' | '.' | '-' | ',' | '–') | Kind::Close
                    ) && labels.next().is_none()
            }),
            [one, two] if two.label().is_some() => {
                first.filter(|_| OPTION.has(&inner[one.span.clone()]))
            }
            _ => None,
        };
        choice
            .map(|(index, _)| index)
            .or_else(|| self.named.leading(inner))
    }
}

/// The index of "I", which is a pronoun more often than a choice.
const PRONOUN: usize = 8;

/// Letters that are words of their own in some language: A, E, I, K, O, S, U, V, W, Y, Z.
fn is_also_word(index: usize) -> bool {
    matches!(index, 0 | 4 | 8 | 10 | 14 | 18 | 20 | 21 | 22 | 24 | 25)
}

/// Small letters that are words in no language: b, c, d, f, g, h, j.
fn is_consonant(index: usize) -> bool {
    matches!(index, 1 | 2 | 3 | 5 | 6 | 7 | 9)
}

fn is_copula(word: &str) -> bool {
    const COPULAS: &str = "is was be ist wäre est serait es sería era é seria è sarebbe er är on jest to je este e είναι adalah là ni هو \
        هي است है হল হলো это является 是 为 は zou";
    COPULAS.split(' ').any(|c| c == word)
}

/// Whether a word is of a script that is joined to a letter before it.
fn is_joined(word: &str) -> bool {
    word.starts_with(|c| unspaced(c) || hangul(c))
}

/// The one choice that labels agree on.
fn only(mut labels: impl Iterator<Item = (usize, Case)>) -> Option<usize> {
    let (first, _) = labels.next()?;
    labels.all(|(index, _)| index == first).then_some(first)
}
