//! chrF and chrF++ (Popović 2015, 2017) as sacreBLEU computes them: character n-grams up to six without white space, word n-grams up to
//! two for chrF++, β = 2, the mean over the lengths that both texts have.

use std::collections::HashMap;

use super::split;

/// Longest n-gram of characters.
const CHARACTERS: usize = 6;

/// β², the weight of recall.
const FACTOR: f64 = 4.0;

/// Per length of n-gram: those of the answer, those of the reference, and those that both have.
pub(super) fn statistics(reference: &str, answer: &str, words: usize) -> Vec<f64> {
    let letters =
        |text: &str| -> Vec<String> { split(text).concat().chars().map(String::from).collect() };
    let (of_reference, of_answer) = (letters(reference), letters(answer));
    let mut numbers = Vec::with_capacity(3 * (CHARACTERS + words));
    for n in 1..=CHARACTERS {
        numbers.extend(meet(&of_reference, &of_answer, n));
    }
    let (of_reference, of_answer) = (without_marks(reference), without_marks(answer));
    for n in 1..=words {
        numbers.extend(meet(&of_reference, &of_answer, n));
    }
    numbers
}

fn meet(reference: &[String], answer: &[String], n: usize) -> [f64; 3] {
    let known = grams(reference, n);
    let (mut own, mut both) = (0, 0);
    for (gram, count) in grams(answer, n) {
        own += count;
        both += count.min(known.get(gram).copied().unwrap_or(0));
    }
    let all = known.values().sum();
    // What is said counts only where there is something to say.
    [if known.is_empty() { 0 } else { own }, all, both].map(f64::from)
}

fn grams(units: &[String], n: usize) -> HashMap<&[String], u32> {
    let mut counts = HashMap::new();
    for gram in units.windows(n) {
        *counts.entry(gram).or_default() += 1;
    }
    counts
}

/// Words with a punctuation mark at their end, or else at their beginning, as a word of its own.
fn without_marks(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in split(text) {
        let (first, last) = (word.chars().next(), word.chars().next_back());
        let is_mark = |c: Option<char>| c.is_some_and(|c| c.is_ascii_punctuation());
        if word.chars().count() == 1 {
            words.push(word.to_owned());
        } else if is_mark(last) {
            words.extend([&word[..word.len() - 1], &word[word.len() - 1..]].map(str::to_owned));
        } else if is_mark(first) {
            words.extend([&word[..1], &word[1..]].map(str::to_owned));
        } else {
            words.push(word.to_owned());
        }
    }
    words
}

/// chrF of a corpus, or chrF++ with n-grams of words, from 0 to 100.
pub(in crate::score::lm_eval) fn score(sums: &[f64], words: usize) -> Option<f64> {
    let sums = sums.get(..3 * (CHARACTERS + words))?;
    let (mut precision, mut recall, mut lengths) = (0.0, 0.0, 0.0);
    for of_length in sums.chunks(3) {
        let (answer, reference, both) = (of_length[0], of_length[1], of_length[2]);
        if answer > 0.0 && reference > 0.0 {
            precision += both / answer;
            recall += both / reference;
            lengths += 1.0;
        }
    }
    if precision + recall == 0.0 {
        return Some(0.0);
    }
    let (precision, recall) = (precision / lengths, recall / lengths);
    Some(100.0 * (1.0 + FACTOR) * precision * recall / (FACTOR * precision + recall))
}
