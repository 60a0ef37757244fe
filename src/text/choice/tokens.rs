//! An answer as its labels, words and marks; dress, emphasis and LaTeX's wrappers left out.

use std::ops::Range;

use super::labels::{Case, label};
use crate::text::announce::{is_dress, is_word, unspaced, word_at};
use crate::text::boxed::boxed;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter that labels one of the choices.
    Label {
        index: usize,
        case: Case,
    },
    Word,
    Mark(char),
    Open,
    Close,
    Line,
    /// A box; its place among the boxes.
    Boxed(usize),
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
    /// In brackets or in emphasis of its own.
    pub marked: bool,
}

impl Token {
    pub(super) fn label(&self) -> Option<(usize, Case)> {
        match self.kind {
            Kind::Label { index, case } => Some((index, case)),
            _ => None,
        }
    }
}

/// Suffixes that Turkish joins to a letter.
const SUFFIXES: &str = "dir dır dur dür tir tır tur tür yi yı i ı ye ya nin nın";

/// The tokens of a text with `choices` choices; what is in a box is left to the box.
pub(super) fn tokens(text: &str, choices: usize) -> (Vec<Token>, Vec<Range<usize>>) {
    let boxes = boxed(text);
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut next_box = 0;
    while let Some(c) = text[at..].chars().next() {
        let end = at + c.len_utf8();
        let kind = match c {
            '\\' => {
                while boxes.get(next_box).is_some_and(|b| b.start <= at) {
                    next_box += 1;
                }
                let name: usize = text[end..]
                    .bytes()
                    .take_while(u8::is_ascii_alphabetic)
                    .count();
                let after = end + name;
                let own = boxes
                    .get(next_box)
                    .filter(|b| name > 0 && text[after..b.start].trim() == "{");
                if let Some(span) = own {
                    tokens.push(Token {
                        kind: Kind::Boxed(next_box),
                        span: at..span.end,
                        marked: false,
                    });
                    at = span.end;
                    continue;
                }
                // A wrapper or a space is dress; a symbol is a word.
                let wraps = name == 0 || WRAPPERS.split(' ').any(|w| *w == text[end..after]);
                if name == 0 {
                    at = end + text[end..].chars().next().map_or(0, char::len_utf8);
                    continue;
                }
                if wraps {
                    at = after;
                    continue;
                }
                tokens.push(Token {
                    kind: Kind::Word,
                    span: at..after,
                    marked: false,
                });
                at = after;
                continue;
            }
            '\n' => Some(Kind::Line),
            '(' | '[' | '（' | '【' | '「' | '『' | '〔' | '<' | '《' | '〈' | '［' => {
                Some(Kind::Open)
            }
            ')' | ']' | '）' | '】' | '」' | '』' | '〕' | '>' | '》' | '〉' | '］' => {
                Some(Kind::Close)
            }
            _ if label(&text[at..end]).is_some() && !is_word(c) => None,
            _ if is_word(c) => None,
            _ if c.is_whitespace() || is_dress(c) || matches!(c, '{' | '}') => {
                at = end;
                continue;
            }
            _ => Some(Kind::Mark(c)),
        };
        match kind {
            Some(Kind::Line) if tokens.last().is_some_and(|t| t.kind == Kind::Line) => {}
            Some(kind) => tokens.push(Token {
                kind,
                span: at..end,
                marked: false,
            }),
            None => {
                let token = word(text, at, end, choices);
                at = token.span.end + suffix(&text[token.span.end..]);
                tokens.push(token);
                continue;
            }
        }
        at = end;
    }
    (unbracketed(tokens), boxes)
}

const WRAPPERS: &str = "text textbf textit textrm textsf emph mathrm mathbf mathit mathsf mathtt bf rm left right quad qquad displaystyle \
    large Large bold boldsymbol underline boxed fbox";

/// The length of the suffix that a text begins with, its apostrophe included.
fn suffix(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['\'', '’']) else {
        return 0;
    };
    let word = word_at(rest, 0);
    let known = !word.is_empty() && SUFFIXES.split(' ').any(|s| s == word);
    if known {
        text.len() - rest.len() + word.len()
    } else {
        0
    }
}

/// Characters of a script without spaces that are read as one word at most.
const PIECE: usize = 48;

/// The word or label that begins at `at`.
fn word(text: &str, at: usize, one: usize, choices: usize) -> Token {
    let mut word = word_at(text, at);
    if word.is_empty() {
        word = &text[at..one];
    }
    // Where words are not parted, a run of them is read in pieces.
    if let Some((end, _)) = word
        .char_indices()
        .nth(PIECE)
        .filter(|_| word.starts_with(unspaced))
    {
        word = &word[..end];
    }
    if let Some((letter, suffix)) = word.split_once(['\'', '’'])
        && SUFFIXES.split(' ').any(|s| s == suffix)
        && letter.chars().all(char::is_uppercase)
    {
        word = letter;
    }
    let span = at..at + word.len();
    let known = label(word).filter(|(index, case)| {
        *index < choices
            && !embedded(text, &span)
            && !(*case == Case::Foreign && joined(text, &span))
    });
    let kind = known.map_or(Kind::Word, |(index, case)| Kind::Label { index, case });
    let before = text[..at].chars().next_back();
    let after = text[span.end..].chars().next();
    let dressed = |c: Option<char>| {
        c.is_some_and(|c| is_dress(c) && !matches!(c, '\'' | '’' | '#') || matches!(c, '{' | '}'))
    };
    Token {
        kind,
        marked: dressed(before) && dressed(after),
        span,
    }
}

/// Whether another script's letter touches a word, as a particle does.
fn joined(text: &str, span: &Range<usize>) -> bool {
    let before = text[..span.start].chars().next_back();
    let after = text[span.end..].chars().next();
    [before, after]
        .into_iter()
        .flatten()
        .any(char::is_alphanumeric)
}

/// Whether a letter is part of something longer: an initial, a hyphenated word, "N/A", "Q&A", "C++".
fn embedded(text: &str, span: &Range<usize>) -> bool {
    let mut back = text[..span.start].chars().rev();
    let mut ahead = text[span.end..].chars();
    let (before, before_that) = (back.next(), back.next());
    let (after, after_that) = (ahead.next(), ahead.next());
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !unspaced(c));
    let initial = matches!(after, Some('.'))
        && letter(after_that)
        && ahead.next().is_none_or(|c| !c.is_alphanumeric());
    let hyphen = |c: Option<char>| matches!(c, Some('-' | '‑' | '&' | '@'));
    let joined = hyphen(after) && letter(after_that) || hyphen(before) && letter(before_that);
    let after_initial = matches!(before, Some('.'))
        && letter(before_that)
        && back.next().is_none_or(|c| !c.is_alphanumeric())
        && matches!(after, Some('.'));
    let plus = matches!(after, Some('+'));
    let not_applicable = matches!(before, Some('/')) && matches!(before_that, Some('N' | 'n'))
        || matches!(after, Some('/')) && text[..span.end].ends_with('N');
    initial || joined || after_initial || plus || not_applicable
}

/// Labels alone in brackets, without the brackets.
fn unbracketed(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let inner = kept
            .len()
            .checked_sub(2)
            .filter(|open| kept[*open].kind == Kind::Open && kept[*open + 1].label().is_some());
        if token.kind == Kind::Close
            && let Some(open) = inner
        {
            let mut label = kept.split_off(open + 1);
            kept.pop();
            for token in &mut label {
                token.marked = true;
            }
            kept.append(&mut label);
            continue;
        }
        kept.push(token);
    }
    kept
}
