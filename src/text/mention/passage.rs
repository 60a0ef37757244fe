//! A text cut into words and sentences, and indexed, once for all the mentions that are looked for in it.

use std::cell::OnceCell;
use std::ops::Range;

use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};

use super::clitics::forms;
use super::folded::{is_invisible, push_folded};
use super::years::is_like_a_year;
use crate::text::number::{digit, numbers};

/// What is between a word and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    /// Spaces, hyphens, quotation marks, signs of typography.
    Soft,
    /// A comma, a bracket, an end: no phrase goes over it.
    Hard,
}

/// A word of a script that puts spaces between words; a character of one that does not.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Its folded text, in the passage's.
    folded: Range<usize>,
    /// Where it is in the text itself.
    pub span: Range<usize>,
    /// Its sentence's number.
    pub sentence: usize,
    pub gap: Gap,
}

/// A number and its sentence's number.
#[derive(Debug, Clone)]
pub(super) struct Amount {
    pub value: f64,
    pub span: Range<usize>,
    pub sentence: usize,
    /// It is written as years are, with nothing that makes it a count.
    pub like_a_year: bool,
}

/// A text, or several, in which mentions are looked for.
///
/// Making one takes time in proportion to the text; looking for a mention, in proportion to the places where its words stand.
#[derive(Debug)]
pub struct Passage {
    folded: String,
    tokens: Vec<Token>,
    /// Every form of every token, sorted by it.
    index: Vec<(Range<usize>, u32)>,
    /// Token numbers, sorted by their text read backwards.
    backwards: OnceCell<Vec<(String, u32)>>,
    /// In order of value.
    amounts: Vec<Amount>,
    /// The span of each sentence in the text.
    sentences: Vec<Range<usize>>,
}

/// Tokens after which a sentence of a script without full stops ends at a space.
const LONG_SENTENCE: usize = 100;
/// Letters of a capitalised word that a full stop may shorten ("St. Petersburg" continues).
const MAX_ABBREVIATION_LETTERS: usize = 3;

impl Passage {
    /// One text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self::of_texts([text])
    }

    /// Several texts, one behind the other; no mention reaches from one into the next. Spans and sentences count through all of them.
    #[must_use]
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut scan = Scan::default();
        for text in texts {
            scan.text(text);
        }
        scan.finish()
    }

    /// The words of a phrase: no numbers are looked for.
    pub(super) fn of_words(text: &str) -> Self {
        let mut scan = Scan {
            words_alone: true,
            ..Scan::default()
        };
        scan.text(text);
        scan.finish()
    }

    /// The spans of its sentences, in order.
    #[must_use]
    pub fn sentences(&self) -> &[Range<usize>] {
        &self.sentences
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub(super) fn word(&self, token: usize) -> &str {
        &self.folded[self.tokens[token].folded.clone()]
    }

    /// Tokens that have a form that begins with `start`, with that form.
    pub(super) fn beginning<'s>(
        &'s self,
        start: &'s str,
    ) -> impl Iterator<Item = (usize, &'s str)> + 's {
        let form = |entry: &(Range<usize>, u32)| &self.folded[entry.0.clone()];
        let from = self.index.partition_point(|entry| form(entry) < start);
        let rest = self.index[from..].iter();
        rest.map(move |entry| (entry.1 as usize, form(entry)))
            .take_while(move |(_, form)| form.starts_with(start))
    }

    /// Tokens that end with `end`.
    pub(super) fn ending<'s>(&'s self, end: &str) -> impl Iterator<Item = usize> + 's {
        let reversed: String = end.chars().rev().collect();
        let all = self.backwards.get_or_init(|| {
            let reversed = |i: usize| self.word(i).chars().rev().collect();
            let mut all: Vec<(String, u32)> = (0..self.tokens.len())
                .map(|i| (reversed(i), number(i)))
                .collect();
            all.sort_unstable();
            all
        });
        let from = all.partition_point(|(word, _)| *word < reversed);
        all[from..]
            .iter()
            .take_while(move |(word, _)| word.starts_with(&reversed))
            .map(|(_, token)| *token as usize)
    }

    /// Numbers from `low` to `high`.
    pub(super) fn between(&self, low: f64, high: f64) -> &[Amount] {
        let from = self.amounts.partition_point(|a| a.value < low);
        let to = self.amounts.partition_point(|a| a.value <= high);
        self.amounts.get(from..to).unwrap_or_default()
    }
}

/// A token's number. A text of 4 GiB does not come here.
fn number(token: usize) -> u32 {
    u32::try_from(token).unwrap_or(u32::MAX)
}

/// What a character is to a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter, or a digit beside one, of a script with spaces.
    Word(Script),
    Digit,
    /// A character of a script without spaces.
    Alone,
    Other,
}

fn class(c: char) -> Class {
    if c.is_ascii_digit() || digit(c).is_some() {
        return Class::Digit;
    }
    if matches!(c, '\u{30FC}' | '\u{3005}' | '\u{3007}') {
        return Class::Alone;
    }
    if !c.is_alphanumeric() {
        return Class::Other;
    }
    match c.script() {
        Script::Han
        | Script::Hiragana
        | Script::Katakana
        | Script::Bopomofo
        | Script::Thai
        | Script::Lao
        | Script::Khmer
        | Script::Myanmar => Class::Alone,
        script => Class::Word(script),
    }
}

/// Whether a character continues the word that ends with a character of another class.
fn joins(before: Class, next: Class) -> bool {
    use Class::{Digit, Word};
    match (before, next) {
        // 3rd, 1990s, VX2; but 14만 and ב1948 are two.
        (Digit, Digit | Word(Script::Latin)) | (Word(Script::Latin), Digit) => true,
        (Word(one), Word(other)) => one == other || other == Script::Common,
        _ => false,
    }
}

#[derive(Default)]
struct Scan {
    folded: String,
    tokens: Vec<Token>,
    amounts: Vec<Amount>,
    sentences: Vec<Range<usize>>,
    /// Where the text that is read begins.
    offset: usize,
    /// The number of the sentence that is read, and where it began.
    sentence: usize,
    begun: usize,
    /// Its first token.
    first: usize,
    gap: Option<Gap>,
    words_alone: bool,
}

impl Scan {
    fn text(&mut self, text: &str) {
        let start_sentence = self.sentences.len();
        self.begun = self.offset;
        let mut last: Option<Class> = None;
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let end = at + cluster(&text[at..]);
            let own = class(c);
            match own {
                _ if is_invisible(c) => {}
                Class::Other => {
                    last = None;
                    self.between(text, at, c);
                }
                _ => {
                    let goes_on = own != Class::Alone && last.is_some_and(|l| joins(l, own));
                    self.push(&text[at..end], at, goes_on);
                    last = Some(own);
                }
            }
            at = end;
        }
        self.end_sentence(self.offset + text.len());
        self.number(text, start_sentence);
        self.offset += text.len();
        // Nothing is a neighbour of what is in another text.
        self.sentences.push(self.offset..self.offset);
        self.sentence = self.sentences.len();
        self.first = self.tokens.len();
        self.gap = Some(Gap::Hard);
    }

    fn push(&mut self, cluster: &str, at: usize, goes_on: bool) {
        let start = self.folded.len();
        match cluster.chars().next().and_then(digit) {
            Some(digit) => self.folded.push(char::from(b'0' + digit)),
            None => push_folded(cluster, &mut self.folded),
        }
        let (at, end) = (self.offset + at, self.offset + at + cluster.len());
        match self.tokens.last_mut() {
            Some(token) if goes_on => {
                token.folded.end = self.folded.len();
                token.span.end = end;
            }
            _ => self.tokens.push(Token {
                folded: start..self.folded.len(),
                span: at..end,
                sentence: self.sentence,
                gap: self.gap.take().unwrap_or(Gap::Soft),
            }),
        }
        self.gap = None;
    }

    /// What is between words at `at`.
    fn between(&mut self, text: &str, at: usize, c: char) {
        let after = &text[at + c.len_utf8()..];
        let hard = matches!(
            c,
            ',' | ';'
                | ':'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '|'
                | '\n'
                | '、'
                | '，'
                | '；'
                | '：'
                | '（'
                | '）'
                | '،'
                | '፣'
                | '፤'
                | '؛'
                | '…'
                | '–'
                | '—'
        );
        let ends = match c {
            '\n' | '。' | '！' | '？' | '؟' | '।' | '॥' | '။' | '።' | '۔' | '｡' => {
                true
            }
            '.' => self.ends_at_point(text, after),
            '!' | '?' => after
                .chars()
                .next()
                .is_none_or(|next| !next.is_alphanumeric()),
            c if c.is_whitespace() => self.is_long_without_spaces(),
            _ => false,
        };
        if ends {
            self.end_sentence(self.offset + at + c.len_utf8());
        }
        if hard || ends {
            self.gap = Some(Gap::Hard);
        }
    }

    /// Whether a full stop ends a sentence, from what is behind it and the word before.
    fn ends_at_point(&self, text: &str, after: &str) -> bool {
        let next = after.trim_start_matches(['"', '”', '’', '\'', ')', '*', '_', '»']);
        let spaced = next.chars().next().is_none_or(char::is_whitespace);
        let following = next.trim_start().chars().next();
        let abbreviated = self.tokens.last().is_some_and(|token| {
            let start = token.span.start.saturating_sub(self.offset);
            let word = text.get(start..token.span.end.saturating_sub(self.offset));
            let mut letters = word.unwrap_or_default().chars();
            let capital = letters.next().is_some_and(char::is_uppercase);
            let more = letters.count();
            more == 0 || capital && more < MAX_ABBREVIATION_LETTERS
        });
        spaced
            && (!abbreviated || next.trim_start_matches(' ').starts_with('\n'))
            && !following.is_some_and(char::is_lowercase)
    }

    fn is_long_without_spaces(&self) -> bool {
        let own = &self.tokens[self.first..];
        own.len() >= LONG_SENTENCE
            && own.last().is_some_and(|t| {
                let c = self.folded[t.folded.clone()].chars().next();
                c.is_some_and(|c| {
                    matches!(
                        c.script(),
                        Script::Thai | Script::Lao | Script::Khmer | Script::Myanmar
                    )
                })
            })
    }

    fn end_sentence(&mut self, at: usize) {
        if self.tokens.len() > self.first {
            self.sentences.push(self.begun..at);
            self.sentence = self.sentences.len();
            self.first = self.tokens.len();
            self.begun = at;
        }
    }

    /// The text's numbers, each in its sentence.
    fn number(&mut self, text: &str, first_sentence: usize) {
        let all = (!self.words_alone).then(|| numbers(text));
        for number in all.into_iter().flatten() {
            let at = self.offset + number.span.start;
            let own = self.sentences[first_sentence..].partition_point(|s| s.end <= at);
            self.amounts.extend(number.values().map(|value| Amount {
                value,
                span: at..self.offset + number.span.end,
                sentence: first_sentence + own,
                like_a_year: is_like_a_year(text, number.span.clone(), value),
            }));
        }
    }

    fn finish(mut self) -> Passage {
        self.amounts.sort_by(|a, b| a.value.total_cmp(&b.value));
        let folded = self.folded;
        let mut index: Vec<(Range<usize>, u32)> = Vec::with_capacity(self.tokens.len());
        for (i, token) in self.tokens.iter().enumerate() {
            let start = token.folded.start;
            let own = forms(&folded[token.folded.clone()]);
            index.extend(own.map(|skip| (start + skip..token.folded.end, number(i))));
        }
        index.sort_unstable_by(|a, b| {
            let order = folded[a.0.clone()].cmp(&folded[b.0.clone()]);
            order.then(a.1.cmp(&b.1))
        });
        Passage {
            folded,
            tokens: self.tokens,
            index,
            backwards: OnceCell::new(),
            amounts: self.amounts,
            sentences: self.sentences,
        }
    }
}

/// The length of the first character with the marks, and the medial and final jamo, that are on it.
fn cluster(text: &str) -> usize {
    let mut rest = text.char_indices();
    rest.next();
    rest.find(|(_, c)| {
        !is_combining_mark(*c) && !matches!(c, '\u{1160}'..='\u{11FF}' | '\u{FF9E}' | '\u{FF9F}')
    })
    .map_or(text.len(), |(at, _)| at)
}
