//! Numbers in words: "two hundred and five", "quatre-vingt-dix", "fünfundzwanzig", "lima ratus ribu", ثلاثة ملايين, ห้าแสน, 오십만.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::lexicon::{Entry, LEXICONS, Lexicon, UNSPACED_WORDS, beginnings, entries};
use super::scale::multiplier;
use super::sum::{Atom, Sum};
use super::{han, hangul};
use crate::text::announce::{hangul as is_hangul, is_word, unspaced, word_at};

/// A number in words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Said {
    pub value: f64,
    /// Where it ends.
    pub end: usize,
    /// The language of which it is one word that means something else more often; none if it can only be a number.
    pub doubtful: Option<&'static str>,
}

/// More words than any number in words has.
const MAX_WORDS: usize = 24;
/// What may be said before a number of itself.
const BEFORE: &[&str] = &["about", "exactly", "only", "just", "approximately"];
const NEGATIVE: &[&str] = &[
    "negative",
    "minus",
    "menos",
    "moins",
    "минус",
    "eksi",
    "सालिब",
    "ऋण",
    "سالب",
    "منفی",
];
const ARTICLES: &[&str] = &["a", "an"];

/// The number in words that a text begins with, its sign included, and how it is said.
pub(super) fn leading(text: &str) -> Option<(f64, Said)> {
    let (mut at, mut negative) = (0, false);
    while let Some(word) = text[at..]
        .chars()
        .next()
        .filter(|c| is_word(*c))
        .map(|_| word_at(text, at))
    {
        let lowered = folded(word);
        let negates = NEGATIVE.contains(&&*lowered);
        if !negates && !BEFORE.contains(&&*lowered) {
            break;
        }
        negative |= negates;
        at += word.len();
        at += text[at..].len() - text[at..].trim_start_matches(' ').len();
    }
    let said = said_at(text, at)?;
    let next = text[said.end..].trim_start();
    let goes_on = ["of ", "that ", "who ", "which ", "more ", "another "]
        .iter()
        .any(|w| next.starts_with(w));
    let value = if negative { -said.value } else { said.value };
    (!goes_on).then_some((value, said))
}

/// The number in words that begins at a place, where a word or, in a script that joins them, a letter begins.
pub(super) fn said_at(text: &str, at: usize) -> Option<Said> {
    let first = text[at..].chars().next()?;
    let sure = |value: f64, end: usize| Said {
        value,
        end,
        doubtful: None,
    };
    if han::is_numeral(first) || matches!(first, '负' | '負') {
        let (value, length) = han::leading(&text[at..])?;
        return Some(sure(value, at + length));
    }
    if is_hangul(first) {
        return hangul::leading(&text[at..]).map(|(value, length)| sure(value, at + length));
    }
    if unspaced(first) {
        return joined_script(text, at).map(|(value, end)| sure(value, end));
    }
    if !first.is_alphabetic() {
        return None;
    }
    spaced(text, at)
}

/// A word in lower case and one normal form; borrowed where it is in both already.
fn folded(word: &str) -> Cow<'_, str> {
    let composed = |c: char| matches!(c, '\u{958}'..='\u{95F}' | '\u{9DC}'..='\u{9DF}');
    if word.chars().any(|c| c.is_uppercase() || composed(c)) {
        let lowered = word.to_lowercase();
        return Cow::Owned(lowered.nfc().collect());
    }
    Cow::Borrowed(word)
}

/// Longer words are not numbers.
const MAX_WORD_BYTES: usize = 96;

fn spaced(text: &str, at: usize) -> Option<Said> {
    let word = word_at(text, at);
    if word.len() > MAX_WORD_BYTES {
        return None;
    }
    let lowered = folded(word);
    let runs = languages(&lowered).filter_map(|own| run(text, at, &LEXICONS[own], own));
    // Of two languages the one that explains more.
    runs.max_by_key(|said| (said.end, said.doubtful.is_none()))
}

/// The languages in which a number can begin with a word.
fn languages(word: &str) -> impl Iterator<Item = usize> + '_ {
    let english = ARTICLES.contains(&word).then_some(0);
    let whole = entries(word);
    let joined = (0..LEXICONS.len()).filter(move |own| {
        whole.is_empty()
            && LEXICONS[*own].joined
            && sum_of_compound(word, *own, Sum::new(LEXICONS[*own].units_first)).is_some()
    });
    english
        .into_iter()
        .chain(whole.iter().map(|(own, _)| *own))
        .chain(joined)
}

/// The number that a language reads at a place.
fn run(text: &str, start: usize, lexicon: &'static Lexicon, own: usize) -> Option<Said> {
    let mut sum = Sum::new(lexicon.units_first);
    let (mut at, mut end, mut words) = (start, None, 0);
    for _ in 0..MAX_WORDS {
        if !text[at..].chars().next().is_some_and(is_word) {
            break;
        }
        let word = word_at(text, at);
        let lowered = folded(word);
        let after = at + word.len();
        let article = words == 0 && ARTICLES.contains(&&*lowered);
        let next = if word.len() > MAX_WORD_BYTES {
            None
        } else if article {
            let after = next_word(text, after);
            let scaled = multiplier(text, after, false).is_some();
            sum.with(Atom::Add(1.0)).filter(|_| scaled)
        } else {
            with_word(sum, &lowered, lexicon, own)
        };
        let next = next.map(|sum| (sum, after)).or_else(|| {
            let (end, scale) = multiplier(text, at, false).filter(|_| words > 0)?;
            Some((sum.with(Atom::Times(scale))?, end))
        });
        match next {
            Some((more, after)) => {
                (sum, words, at) = (more, words + 1, after);
                end = Some(after);
            }
            None if words > 0 && lexicon.and.split(' ').any(|a| a == lowered) => at = after,
            None => break,
        }
        at = next_word(text, at);
    }
    let (end, value) = (end?, sum.value());
    // "Half" and "a half" measure nothing by themselves, unlike "three and a half".
    if value != value.trunc() && value < 1.0 {
        return None;
    }
    let alone = folded(&text[start..end]);
    let doubtful = words == 1 && lexicon.homographs.split(' ').any(|h| h == alone);
    Some(Said {
        value,
        end,
        doubtful: doubtful.then_some(lexicon.code),
    })
}

/// Past the spaces and the hyphen that part the words of a number.
fn next_word(text: &str, at: usize) -> usize {
    let rest = text[at..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let rest = rest
        .strip_prefix(['-', '\u{2010}', '\u{2011}'])
        .unwrap_or(rest);
    text.len() - rest.len()
}

/// The number with one more word of a language.
fn with_word(sum: Sum, word: &str, lexicon: &Lexicon, own: usize) -> Option<Sum> {
    if let Some((_, atom)) = of_language(entries(word), own) {
        return sum.with(atom);
    }
    if lexicon.joined {
        return sum_of_compound(word, own, sum);
    }
    // "And" is a letter that the next word begins with.
    let and = lexicon
        .and
        .chars()
        .next()
        .filter(|_| lexicon.and.chars().count() == 1)?;
    let (_, atom) = of_language(entries(word.strip_prefix(and)?), own)?;
    sum.with(atom)
}

fn of_language(entries: &[Entry], own: usize) -> Option<Entry> {
    entries
        .iter()
        .copied()
        .find(|(language, _)| *language == own)
}

/// The number with a word that is joined of several: "zweihundertfünfzig".
fn sum_of_compound(word: &str, own: usize, sum: Sum) -> Option<Sum> {
    if word.is_empty() {
        return Some(sum);
    }
    let own_parts = beginnings(word).filter(|(_, (language, _))| *language == own);
    let mut ways = own_parts.filter_map(|(part, (_, atom))| {
        let rest = &word[part.len()..];
        let sum = sum.with(atom)?;
        let mut ands = LEXICONS[own].and.split(' ').filter(|a| !a.is_empty());
        sum_of_compound(rest, own, sum).or_else(|| {
            ands.find_map(|and| {
                sum_of_compound(rest.strip_prefix(and).filter(|r| !r.is_empty())?, own, sum)
            })
        })
    });
    ways.next()
}

/// A number in a script without spaces, which takes a unit and a multiplier, or stands alone.
fn joined_script(text: &str, at: usize) -> Option<(f64, usize)> {
    let words = &UNSPACED_WORDS[match text[at..].chars().next()? {
        '\u{0E00}'..='\u{0E7F}' => 0,
        '\u{1000}'..='\u{109F}' => 1,
        '\u{0E80}'..='\u{0EFF}' => 2,
        _ => return None,
    }];
    let mut sum = Sum::new(false);
    let (mut end, mut atoms, mut multiplied) = (at, 0, false);
    for _ in 0..MAX_WORDS {
        let rest = &text[end..];
        let own = words.iter().find(|(word, _)| rest.starts_with(word));
        let own = own.map(|(word, atom)| (end + word.len(), *atom));
        let scale = || {
            let (end, scale) = multiplier(text, end, false).filter(|_| atoms > 0)?;
            Some((end, Atom::Times(scale)))
        };
        let Some((after, atom)) = own.or_else(scale) else {
            break;
        };
        // A ten after a unit that is not the first is two tens: สองสิบ is ยี่สิบ.
        let Some(more) = tens(sum, atom).or_else(|| sum.with(atom)) else {
            break;
        };
        multiplied |= !matches!(atom, Atom::Add(_));
        (sum, end, atoms) = (more, after, atoms + 1);
    }
    let before = text[..at].chars().next_back();
    let alone = !before.is_some_and(unspaced) && !text[end..].chars().next().is_some_and(unspaced);
    (atoms > 1 && multiplied || atoms == 1 && alone).then_some((sum.value(), end))
}

/// Thai and Lao tens multiply the unit before them.
fn tens(sum: Sum, atom: Atom) -> Option<Sum> {
    (atom == Atom::Ten).then(|| sum.with(Atom::Times(10.0)))?
}
