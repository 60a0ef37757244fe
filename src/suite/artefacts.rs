//! What a multiple-choice suite gives away without being read: the length of the right option, its place, its words.

use std::borrow::Borrow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Sample;
use crate::text::answer_tokens;

/// Artefacts of multiple-choice samples, by which a model that does not read the question can be right.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Artefacts {
    /// Samples with choices and a right one.
    pub samples: usize,
    /// Those whose right option is longer, in characters, than every other.
    pub longest: usize,
    /// Those whose right option is shorter than every other.
    pub shortest: usize,
    /// Number of right options at each position.
    pub places: Vec<usize>,
    /// Those whose right option shares more words with the question than every other.
    pub most_shared: usize,
}

/// The artefacts of samples, each with its question; none if fewer than two have choices and a right one.
pub fn artefacts<S: Borrow<Sample>>(
    samples: impl Iterator<Item = (S, String)>,
) -> Option<Artefacts> {
    let mut found = Artefacts::default();
    for (sample, question) in samples {
        let sample = sample.borrow();
        let Some(right) = sample.target_choice().filter(|_| sample.choices.len() > 1) else {
            continue;
        };
        found.samples += 1;
        let lengths: Vec<usize> = sample.choices.iter().map(|c| c.chars().count()).collect();
        let others = |values: &[usize]| {
            let others = values.iter().enumerate().filter(|(i, _)| *i != right);
            others.map(|(_, v)| *v).collect::<Vec<_>>()
        };
        let beside = others(&lengths);
        found.longest += usize::from(beside.iter().all(|l| *l < lengths[right]));
        found.shortest += usize::from(beside.iter().all(|l| *l > lengths[right]));
        if found.places.len() <= right {
            found.places.resize(right + 1, 0);
        }
        found.places[right] += 1;
        let asked: HashSet<String> = answer_tokens(&question).into_iter().collect();
        let shares = |choice: &String| {
            let words: HashSet<String> = answer_tokens(choice).into_iter().collect();
            words.intersection(&asked).count()
        };
        let shared: Vec<usize> = sample.choices.iter().map(shares).collect();
        found.most_shared += usize::from(others(&shared).iter().all(|s| *s < shared[right]));
    }
    (found.samples > 1).then_some(found)
}

impl std::fmt::Display for Artefacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let n = self.samples;
        let places = self.places.iter().enumerate();
        let places: Vec<String> = places
            .map(|(i, k)| format!("{} {k}", super::sample::letter(i)))
            .collect();
        write!(
            f,
            "n {n}: the right option is the longest in {}, the shortest in {}; its position is {}; it shares most words with the question in {}",
            self.longest,
            self.shortest,
            places.join(", "),
            self.most_shared
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_the_right_option_away_is_counted() {
        let sample = |choices: [&str; 3], target: &str| {
            let mut sample = Sample::new(target);
            sample.choices = choices.map(str::to_owned).to_vec();
            sample.targets = vec![target.into()];
            sample
        };
        let one = sample(["a longer one", "short", "tiny"], "A");
        let two = sample(["red", "the blue whale", "green house"], "red");
        let asked = |s| (s, "Is it a short red one?".to_owned());
        let found = artefacts([&one, &two].into_iter().map(asked)).expect("two");
        assert_eq!((found.samples, found.longest, found.shortest), (2, 1, 1));
        assert_eq!(
            (found.places.as_slice(), found.most_shared),
            ([2].as_slice(), 1)
        );
        assert_eq!(artefacts([&one].into_iter().map(asked)), None);
    }
}
