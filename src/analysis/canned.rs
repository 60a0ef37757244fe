//! Canned answers: the same words for different questions.

use std::collections::BTreeSet;

use rayon::prelude::*;
use serde::Serialize;

use super::answers::Answer;
use crate::text::{Grams, Signature, group_alike};

/// Answers at least this alike, by the Jaccard similarity of their character 5-grams, are the same words.
const MIN_SIMILARITY: f64 = 0.8;
/// Words given to fewer different questions than this are not called canned.
const MIN_QUESTIONS: usize = 3;
/// Shorter answers are alike by chance: a year, a yes.
const MIN_CHARACTERS: usize = 25;

/// Words that a model gave to several questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CannedAnswer {
    /// The words, as first met.
    pub text: String,
    /// Different questions that got them: clusters, so that a question's phrasings count once.
    pub questions: usize,
    /// Answers.
    pub answers: usize,
    /// The answers, by their places in the list searched.
    #[serde(skip)]
    pub places: Vec<usize>,
}

/// The canned answers among a model's, those given most often first. Answers shorter than 25 characters (10 in Chinese or Japanese script)
/// are not looked at.
#[must_use]
pub fn canned_answers(answers: &[&Answer]) -> Vec<CannedAnswer> {
    canned_of(answers, |_| ()).0
}

/// The same, with what `look` sees in the grams of each answer, in no particular order: grams are made once for both.
pub(super) fn canned_of<T: Send>(
    answers: &[&Answer],
    look: impl Fn(&Grams) -> T + Sync,
) -> (Vec<CannedAnswer>, Vec<T>) {
    let text = |place: &usize| answers[*place].completion.text.trim();
    let (places, short): (Vec<usize>, Vec<usize>) =
        (0..answers.len()).partition(|place| is_long_enough(text(place)));
    let read = |place: &usize| {
        let grams = Grams::of(text(place));
        (Signature::of(&grams), look(&grams))
    };
    let (signatures, mut seen): (Vec<Signature>, Vec<T>) = places.par_iter().map(read).unzip();
    seen.par_extend(short.par_iter().map(|place| look(&Grams::of(text(place)))));
    let texts: Vec<&str> = places.iter().map(text).collect();
    let mut found: Vec<CannedAnswer> = group_alike(&texts, &signatures, MIN_SIMILARITY)
        .into_iter()
        .filter_map(|group| {
            let own: Vec<usize> = group.into_iter().map(|i| places[i]).collect();
            let unit = |i: &usize| (&answers[*i].suite, &answers[*i].unit);
            let questions = own.iter().map(unit).collect::<BTreeSet<_>>().len();
            (questions >= MIN_QUESTIONS).then(|| CannedAnswer {
                text: answers[own[0]].completion.text.trim().to_owned(),
                questions,
                answers: own.len(),
                places: own,
            })
        })
        .collect();
    found.sort_by_key(|c| std::cmp::Reverse((c.questions, c.answers)));
    (found, seen)
}

fn is_long_enough(text: &str) -> bool {
    // A character of a script without spaces says more.
    let weight = |c: char| if u32::from(c) >= 0x2e80 { 5 } else { 2 };
    let length = text.chars().take(2 * MIN_CHARACTERS).map(weight);
    length.sum::<usize>() / 2 >= MIN_CHARACTERS
}
