//! Translation edit rate (Snover et al. 2006) as sacreBLEU computes it after Tercom: words in lower case, and phrases shifted as long as
//! that saves edits.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::edits::{Edit, Matrix};
use super::split;
use crate::text::is_space;

/// Longest phrase that is shifted, in words.
const MAX_SHIFT: usize = 10;
/// Furthest that it is shifted.
const MAX_DISTANCE: usize = 50;
/// Shifts that are tried for one answer.
const MAX_CANDIDATES: usize = 1000;

/// Edits of the answer, and words of the reference.
pub(super) fn statistics(reference: &str, answer: &str) -> Vec<f64> {
    let lower = |text: &str| text.trim_end_matches(is_space).to_lowercase();
    let (reference, answer) = (lower(reference), lower(answer));
    let (reference, answer) = (split(&reference), split(&answer));
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if reference.is_empty() {
        return vec![count(answer.len()), 0.0];
    }
    vec![f64::from(edits(answer, &reference)), count(reference.len())]
}

/// Shifts and edits that make the reference of the answer.
fn edits(mut words: Vec<&str>, reference: &[&str]) -> u32 {
    let (mut shifts, mut tried) = (0, 0);
    loop {
        let matrix = Matrix::new(&words, reference, None);
        let shifted = best_shift(&words, reference, &matrix, &mut tried);
        match shifted {
            Some(shifted) if tried < MAX_CANDIDATES => {
                shifts += 1;
                words = shifted;
            }
            _ => return shifts + matrix.distance(),
        }
    }
}

/// What makes one shift better than another: edits saved, length, and how early it starts and ends.
type Rank = (i64, usize, Reverse<usize>, Reverse<usize>);

/// The answer with the phrase shifted that saves most; none where no shift saves anything. Of equal ones the longest phrase, the earliest,
/// the one that goes furthest to the front.
fn best_shift<'t>(
    words: &[&'t str],
    reference: &[&str],
    matrix: &Matrix,
    tried: &mut usize,
) -> Option<Vec<&'t str>> {
    let alignment = Alignment::of(&matrix.edits());
    let before = i64::from(matrix.distance());
    let mut best: Option<(Rank, Vec<&'t str>)> = None;
    for (start, target, length) in phrases(words, reference) {
        // Only what is wrong is shifted, to where something is wrong, and not within itself.
        let wrong = |errors: &[bool], from: usize| {
            errors.iter().skip(from).take(length).any(|wrong| *wrong)
        };
        let aligned = alignment.places.get(&target).copied();
        let within =
            aligned.is_some_and(|at| (to_signed(start)..to_signed(start + length)).contains(&at));
        if !wrong(&alignment.answer_errors, start)
            || !wrong(&alignment.reference_errors, target)
            || within
        {
            continue;
        }
        let mut last = None;
        for offset in 0..=length {
            let place = match (target + offset).checked_sub(1) {
                None => 0,
                Some(before) => match alignment.places.get(&before) {
                    Some(at) => usize::try_from(at + 1).unwrap_or(0),
                    None => break,
                },
            };
            if last.replace(place) == Some(place) {
                continue;
            }
            let shifted = shift(words, start, length, place);
            let same = words
                .iter()
                .zip(&shifted)
                .take_while(|(a, b)| a == b)
                .count();
            let cost = Matrix::new(&shifted, reference, Some((matrix, same))).distance();
            let rank = (
                before - i64::from(cost),
                length,
                Reverse(start),
                Reverse(place),
            );
            *tried += 1;
            if best
                .as_ref()
                .is_none_or(|(known, words)| (rank, &shifted) > (*known, words))
            {
                best = Some((rank, shifted));
            }
        }
        if *tried >= MAX_CANDIDATES {
            break;
        }
    }
    best.filter(|((saved, ..), _)| *saved > 0)
        .map(|(_, words)| words)
}

fn to_signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Which word of the answer each word of the reference is at, and which words are wrong.
#[derive(Default)]
struct Alignment {
    places: HashMap<usize, i64>,
    reference_errors: Vec<bool>,
    answer_errors: Vec<bool>,
}

impl Alignment {
    /// The edits lead from the answer to the reference; the alignment is read the other way round.
    fn of(edits: &[Edit]) -> Self {
        let mut own = Self::default();
        let mut at = -1;
        for edit in edits {
            let wrong = *edit != Edit::Keep;
            if *edit != Edit::Insert {
                at += 1;
                own.answer_errors.push(wrong);
            }
            if *edit != Edit::Delete {
                own.places.insert(own.reference_errors.len(), at);
                own.reference_errors.push(wrong);
            }
        }
        own
    }
}

/// Phrases that answer and reference share: where in each, and how many words.
fn phrases<'a>(
    words: &'a [&str],
    reference: &'a [&str],
) -> impl Iterator<Item = (usize, usize, usize)> + 'a {
    (0..words.len()).flat_map(move |start| {
        let from = start.saturating_sub(MAX_DISTANCE);
        let to = reference.len().min(start + MAX_DISTANCE + 1);
        (from..to).flat_map(move |target| {
            let same = words[start..].iter().zip(&reference[target..]);
            let length = same.take(MAX_SHIFT).take_while(|(a, b)| a == b).count();
            (1..=length).map(move |length| (start, target, length))
        })
    })
}

/// The words with a phrase moved to before a place.
fn shift<'t>(words: &[&'t str], start: usize, length: usize, place: usize) -> Vec<&'t str> {
    let end = start + length;
    let slice = |from: usize, to: usize| {
        &words[from.min(words.len())..to.min(words.len()).max(from.min(words.len()))]
    };
    let parts: [&[&str]; 4] = if place < start {
        [
            slice(0, place),
            slice(start, end),
            slice(place, start),
            slice(end, words.len()),
        ]
    } else if place > end {
        [
            slice(0, start),
            slice(end, place),
            slice(start, end),
            slice(place, words.len()),
        ]
    } else {
        [
            slice(0, start),
            slice(end, length + place),
            slice(start, end),
            slice(length + place, words.len()),
        ]
    };
    parts.concat()
}

/// TER of a corpus, in edits per 100 words of the references.
pub(in crate::score::lm_eval) fn score(sums: &[f64]) -> Option<f64> {
    let [edits, words] = *sums else { return None };
    Some(if words > 0.0 {
        100.0 * edits / words
    } else if edits > 0.0 {
        100.0
    } else {
        0.0
    })
}
