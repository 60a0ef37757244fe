//! What the shape of an answer says before any words do: that there is no text, that it is cut, that it is not language.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::{Completion, Finish};
use crate::text::{collisions, head, unspaced};

/// Words (characters, in scripts without spaces) of the runs whose repetition is counted.
const RUN: usize = 5;
/// Fewer runs than this say nothing: a chorus repeats itself too.
const MIN_RUNS: usize = 30;

/// What counts as a loop: of an answer's runs, more than `share` are there at least `repeats` times.
struct Loop {
    repeats: usize,
    share: f64,
}

/// Of an answer that ended by itself: refrains come three or four times.
const ENDED: Loop = Loop {
    repeats: 5,
    share: 0.6,
};
/// Of one that the token limit cut, since whoever loops does not stop by itself. Twice is a draft and its fair copy.
const CUT: Loop = Loop {
    repeats: 3,
    share: 0.5,
};
/// Units of an answer that are counted: a loop of more is a loop by then.
const MAX_UNITS: usize = 20_000;
/// Replacement characters, one in this many, that make a text unreadable.
const BROKEN: usize = 50;

/// Whether the token limit ended it, in the middle of a sentence.
pub(super) fn cut(completion: &Completion) -> bool {
    const ENDS: &str = ".!?。！？؟।”\"»」)`";
    let last = completion.text.trim_end().chars().next_back();
    completion.finish == Finish::Length && !last.is_some_and(|c| ENDS.contains(c))
}

/// Why a text is gibberish: no letters, repetition, broken characters, mixed scripts.
pub(super) fn incoherent(answer: &str, finish: Finish) -> Option<String> {
    // Blanks indent programs.
    let characters = answer.chars().filter(|c| !c.is_whitespace()).count();
    let letters = answer.chars().filter(|c| c.is_alphanumeric()).count();
    if characters >= 40 && letters * 3 < characters {
        return Some("hardly a letter".into());
    }
    let broken = answer.chars().filter(|c| *c == '\u{FFFD}').count();
    if broken >= 5 && broken * BROKEN > characters {
        return Some(format!("{broken} broken characters"));
    }
    looping(answer, finish)
        .or_else(|| few_characters(answer))
        .or_else(|| scattered(answer))
        .or_else(|| scraps(answer))
}

/// Words of spaced scripts, and single characters of others: what a text is counted in.
pub(super) fn units(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let first = rest.chars().next()?;
            let end = if unspaced(first) {
                first.len_utf8()
            } else {
                rest.find(unspaced).unwrap_or(rest.len())
            };
            let (unit, behind) = rest.split_at(end);
            rest = behind;
            Some(unit)
        })
    })
}

/// The same words over and over.
fn looping(answer: &str, finish: Finish) -> Option<String> {
    let units: Vec<&str> = units(answer).take(MAX_UNITS).collect();
    let runs: Vec<&[&str]> = units.windows(RUN).collect();
    if runs.len() < MIN_RUNS {
        return None;
    }
    let limit = if finish == Finish::Length { CUT } else { ENDED };
    let (repeated, loudest) = repetition(&runs, limit.repeats);
    let words = loudest?;
    (repeated > limit.share).then(|| format!("loops: {}", head(&words.join(" "), 80)))
}

/// The share of things that are there at least so often, and the most frequent.
#[allow(clippy::cast_precision_loss)]
fn repetition<T: Hash + Eq + Copy>(things: &[T], repeats: usize) -> (f64, Option<T>) {
    let mut counts: HashMap<T, usize> = HashMap::new();
    for thing in things {
        *counts.entry(*thing).or_default() += 1;
    }
    let again: usize = counts.values().filter(|n| **n >= repeats).sum();
    // Of several the first met, so that the reason is the same every time.
    let most = counts.values().copied().max().unwrap_or(0);
    let loudest = things.iter().find(|thing| counts[*thing] == most).copied();
    (again as f64 / things.len().max(1) as f64, loudest)
}

/// The same few characters over and over, in a text too short for runs.
fn few_characters(answer: &str) -> Option<String> {
    let all: Vec<char> = answer.chars().filter(|c| !c.is_whitespace()).collect();
    if all.len() < 60 || answer.split_whitespace().nth(MIN_RUNS).is_some() {
        return None;
    }
    let mut kinds = all.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let few = kinds.len() * 12 < all.len() && kinds.len() < 14;
    few.then(|| format!("loops over {} characters", kinds.len()))
}

/// Single letters in place of words.
fn scattered(answer: &str) -> Option<String> {
    let words: Vec<&str> = answer.split_whitespace().take(MAX_UNITS).collect();
    let single = |word: &&&str| {
        let mut letters = word.chars();
        letters
            .next()
            .is_some_and(|c| c.is_alphabetic() && !unspaced(c))
            && letters.next().is_none()
    };
    let scattered = words.iter().filter(single).count();
    (words.len() >= 30 && scattered * 10 >= words.len() * 6)
        .then(|| "single letters in place of words".into())
}

/// Letters of many scripts that collide within words.
fn scraps(answer: &str) -> Option<String> {
    let (scripts, words) = collisions(answer);
    (scripts >= 4 && words.len() >= 3)
        .then(|| format!("scraps of {scripts} scripts: {}", words[..3].join(" ")))
}
