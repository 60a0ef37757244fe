//! Canned answers: the same words for different questions.

use std::collections::BTreeSet;

use serde::Serialize;

use super::answers::Answer;
use crate::text::{Shingles, group_alike};

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
    canned_of(answers, |_| ())
}

/// The same; what the answers' words are made into on the way is shown to `look`, that of every answer once.
pub(super) fn canned_of(answers: &[&Answer], mut look: impl FnMut(&Shingles)) -> Vec<CannedAnswer> {
    let length = |text: &str| -> usize {
        // A character of a script without spaces says more.
        let weight = |c: char| if u32::from(c) >= 0x2e80 { 5 } else { 2 };
        text.chars()
            .take(2 * MIN_CHARACTERS)
            .map(weight)
            .sum::<usize>()
            / 2
    };
    let text = |i: &usize| answers[*i].completion.text.trim();
    let (places, short): (Vec<usize>, Vec<usize>) =
        (0..answers.len()).partition(|i| length(text(i)) >= MIN_CHARACTERS);
    for i in &short {
        look(&Shingles::of(text(i)));
    }
    let texts: Vec<&str> = places.iter().map(text).collect();
    let shingles = texts.iter().map(|text| Shingles::of(text)).inspect(look);
    let mut found: Vec<CannedAnswer> = group_alike(&texts, shingles, MIN_SIMILARITY)
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
    found
}
