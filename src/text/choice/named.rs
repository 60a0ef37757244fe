//! Choices named by their text.

use crate::text::announce::unspaced;
use crate::text::{is_cjk, squad_normalise};

/// As much of what is announced is looked at, in characters.
const LOOKED_AT: usize = 300;
/// Words that deny the choice which follows them.
const DENIALS: &str =
    "not never isnt wasnt nicht kein keine pas não не bukan không değil instead than";

/// Choices that an answer may begin with and then continue.
const POLAR: &str = "yes no true false maybe ja nein oui non sí sim não да нет evet hayır 是 否 对 错 不是 はい いいえ नहीं हाँ हां نعم لا بله خیر \
    예 아니오 아니요";

/// The choices' texts in their normal form.
pub(super) struct Named {
    texts: Vec<String>,
}

impl Named {
    pub(super) fn new(choices: &[String]) -> Self {
        Self {
            texts: choices.iter().map(|c| normal(c)).collect(),
        }
    }

    pub(super) fn choices(&self) -> usize {
        self.texts.len()
    }

    /// The one choice whose text is the whole of a text.
    pub(super) fn whole(&self, text: &str) -> Option<usize> {
        let normal = normal(text);
        let mut same = self
            .texts
            .iter()
            .enumerate()
            .filter(|(_, t)| !t.is_empty() && **t == normal);
        let (first, _) = same.next()?;
        same.next().is_none().then_some(first)
    }

    /// The choice whose text a line begins with: the longest.
    pub(super) fn leading(&self, text: &str) -> Option<usize> {
        let start = text
            .trim_start_matches(|c: char| c.is_whitespace() || super::super::announce::is_dress(c));
        let line = start.lines().next()?;
        let end = line
            .char_indices()
            .nth(LOOKED_AT)
            .map_or(line.len(), |(end, _)| end);
        let line = normal(&line[..end]);
        let begins = |t: &&String| {
            !t.is_empty() && line.starts_with(t.as_str()) && bounded(&line, 0, t.len())
        };
        let longest = self.texts.iter().filter(begins).max_by_key(|t| t.len())?;
        let mut same = self.texts.iter().enumerate().filter(|(_, t)| *t == longest);
        let (first, _) = same.next()?;
        same.next().is_none().then_some(first)
    }

    /// Whether a choice's own text follows at a place.
    pub(super) fn follows(&self, text: &str, at: usize, choice: usize) -> bool {
        let own = &self.texts[choice];
        let rest = &text[at..];
        // Punctuation and articles make the text longer than its normal form.
        let looked_at = 2 * own.chars().count() + 20;
        let end = rest
            .char_indices()
            .nth(looked_at)
            .map_or(rest.len(), |(end, _)| end);
        let rest = normal(&rest[..end]);
        !own.is_empty() && rest.starts_with(own.as_str()) && bounded(&rest, 0, own.len())
    }

    /// The choice that an answer says yes or no with at its beginning.
    pub(super) fn polar(&self, text: &str) -> Option<usize> {
        let (clause, _) = text
            .trim_start()
            .split_once([',', '.', ';', ':', '!', '，', '。', '、', '،', '।', '\n'])?;
        let choice = self.whole(clause)?;
        POLAR
            .split(' ')
            .any(|p| p == self.texts[choice])
            .then_some(choice)
    }

    /// The only choice whose text is in a text and is not denied there. A text within a longer choice's does not count.
    pub(super) fn only(&self, text: &str) -> Option<usize> {
        let normal = normal(text);
        let mut places: Vec<(usize, usize, usize)> = Vec::new();
        for (choice, own) in self.texts.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
            let found = normal
                .match_indices(own.as_str())
                .filter(|(at, _)| bounded(&normal, *at, own.len()));
            places.extend(
                found
                    .filter(|(at, _)| !denied(&normal, *at, own))
                    .map(|(at, _)| (at, at + own.len(), choice)),
            );
        }
        // Longest first where two begin together, so that what a longer one covers comes after it.
        places.sort_by_key(|(start, end, _)| (*start, usize::MAX - end));
        let mut reach = 0;
        let mut found: Option<usize> = None;
        for (_, end, choice) in places {
            if end <= reach {
                continue;
            }
            reach = end;
            match found {
                Some(other) if other != choice => return None,
                _ => found = Some(choice),
            }
        }
        found
    }
}

/// SQuAD's normal form, in which "can't" and "cannot" are one word.
fn normal(text: &str) -> String {
    let text = squad_normalise(text);
    let contracted = ["cant ", "can not ", "cant"]
        .iter()
        .any(|c| text.contains(c));
    if !contracted {
        return text;
    }
    let words: Vec<&str> = text
        .split(' ')
        .map(|w| if w == "cant" { "cannot" } else { w })
        .collect();
    words.join(" ").replace("can not ", "cannot ")
}

/// Whether what is at a place is not part of a longer word.
fn bounded(text: &str, at: usize, length: usize) -> bool {
    let joins = |outer: Option<char>, inner: Option<char>| match (outer, inner) {
        (Some(outer), Some(inner)) => outer.is_alphanumeric() && !unspaced(outer) && !is_cjk(inner),
        _ => false,
    };
    let inner = &text[at..at + length];
    let before = text[..at].chars().next_back();
    let after = text[at + length..].chars().next();
    // Suffixes are joined to words in Korean, Turkish and Finnish, but a longer word is another one.
    !joins(before, inner.chars().next()) && !joins(after, inner.chars().next_back())
}

/// Whether a word right before a choice's text denies it.
fn denied(text: &str, at: usize, own: &str) -> bool {
    if DENIALS.split(' ').any(|d| own.starts_with(d)) {
        return false;
    }
    let from = text.floor_char_boundary(at.saturating_sub(40));
    let before = text[from..at].trim_end();
    let word = before.rsplit(' ').next().unwrap_or_default();
    DENIALS.split(' ').any(|d| d == word)
        || before.ends_with("不是")
        || before.ends_with("并非")
        || before.ends_with("並非")
}
