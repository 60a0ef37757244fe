//! Two sides of a controversy: as long as each other, and each naming the country it is counted by.

use std::collections::{BTreeMap, BTreeSet};

use super::Lint;
use crate::suite::Sample;

/// The shorter side is at least this share of the longer, in the characters that differ.
const MIN_LENGTH_RATIO: f64 = 0.5;
/// Characters that the longer side has at least, where lengths are compared: names alone may differ.
const MIN_CHARACTERS: usize = 24;
/// The stratum that a question is counted by, and has to name.
const COUNTED_BY: &str = "country";
/// Samples of a finding that are named.
const MAX_NAMED: usize = 3;

/// Looks at sides and countries.
pub(super) fn check(samples: &[Sample], prompts: &[String], found: &mut Lint) {
    lengths(samples, prompts, found);
    names(samples, prompts, found);
}

fn lengths(samples: &[Sample], prompts: &[String], found: &mut Lint) {
    let mut pairs: BTreeMap<&str, Vec<(&Sample, &str)>> = BTreeMap::new();
    for (sample, prompt) in samples.iter().zip(prompts) {
        if let (Some(pair), None) = (&sample.pairing.pair, sample.pairing.role) {
            pairs.entry(pair).or_default().push((sample, prompt));
        }
    }
    let mut seen = BTreeSet::new();
    for (pair, sides) in pairs {
        let [(one, a), (_, b)] = sides.as_slice() else {
            continue;
        };
        let (short, long) = differing(a, b);
        #[allow(clippy::cast_precision_loss)]
        let ratio = short as f64 / long.max(1) as f64;
        if long >= MIN_CHARACTERS && ratio < MIN_LENGTH_RATIO && seen.insert(one.unit()) {
            found.findings.push(format!(
                "{pair}: one side is {ratio:.2} times as long as the other"
            ));
        }
    }
}

/// The characters of each text without what both begin and end with, the fewer first.
fn differing(a: &str, b: &str) -> (usize, usize) {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let most = a.len().min(b.len());
    let before = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let ends = a.iter().rev().zip(b.iter().rev());
    let after = ends.take(most - before).take_while(|(x, y)| x == y).count();
    let (a, b) = (a.len() - before - after, b.len() - before - after);
    (a.min(b), a.max(b))
}

/// Questions in English that do not name their country.
fn names(samples: &[Sample], prompts: &[String], found: &mut Lint) {
    let mut without: BTreeMap<&str, &str> = BTreeMap::new();
    for (sample, prompt) in samples.iter().zip(prompts) {
        let english = sample.strata.get("language").is_none_or(|l| l == "en");
        if let Some(country) = sample.strata.get(COUNTED_BY).filter(|_| english)
            && !prompt.contains(country.as_str())
        {
            without.entry(sample.unit()).or_insert(country);
        }
    }
    if without.is_empty() {
        return;
    }
    let named: Vec<String> = without
        .iter()
        .take(MAX_NAMED)
        .map(|(unit, country)| format!("{unit} ({country})"))
        .collect();
    found.findings.push(format!(
        "{} questions do not name their {COUNTED_BY}: {}{}",
        without.len(),
        named.join(", "),
        if without.len() > MAX_NAMED {
            " …"
        } else {
            ""
        }
    ));
}

#[cfg(test)]
mod tests {
    use super::differing;

    #[test]
    fn only_what_differs_counts() {
        assert_eq!(
            differing("In X: taxes should fall.", "In X: taxes should rise now."),
            (4, 8)
        );
        assert_eq!(differing("same", "same"), (0, 0));
        assert_eq!(differing("aa", "aaaa"), (0, 2));
    }
}
