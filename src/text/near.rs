//! Near-duplicates among many texts: `MinHash` sketches in bands, then the Jaccard similarity of character 5-grams.
//!
//! Broder 1997 (resemblance of documents); one permutation after Shrivastava and Li 2014; banding after Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 3.4.

use std::collections::HashMap;

use foldhash::HashSet;

use super::fold;

/// Characters of a shingle.
const SHINGLE: usize = 5;
/// Characters of a text that are looked at.
const LONGEST: usize = 2000;
/// Bands of a sketch, and hashes of a band: texts at a similarity of 0.8 share a band with probability 0.9998.
const BANDS: usize = 16;
const ROWS: usize = 4;

/// The hashed 5-grams of a text's folded characters; of a shorter text itself.
fn shingles(text: &str) -> HashSet<u64> {
    let folded = fold(text);
    let characters: Vec<u64> = folded
        .chars()
        .take(LONGEST)
        .map(|c| u64::from(u32::from(c)))
        .collect();
    // Five characters of 21 bits, one over the other at odd distances, then scattered.
    let hashed = |gram: &[u64]| {
        let folded = gram
            .iter()
            .fold(1_u64, |state, c| state.rotate_left(13) ^ c);
        mix(folded)
    };
    if characters.len() < SHINGLE {
        return std::iter::once(hashed(&characters)).collect();
    }
    characters.windows(SHINGLE).map(hashed).collect()
}

/// A bijection that scatters (`SplitMix64`'s finaliser).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The keys of a text's bands: the least hash of each of 64 bins, by one permutation; an empty bin borrows from the next
/// that is not (Shrivastava and Li 2014).
fn bands(shingles: &HashSet<u64>) -> [u64; BANDS] {
    const BINS: usize = BANDS * ROWS;
    let mut bins = [u64::MAX; BINS];
    for hash in shingles {
        // The shingles are scattered already: their highest bits choose the bin.
        let bin = usize::try_from(hash >> (u64::BITS - BINS.ilog2())).unwrap_or(0);
        bins[bin] = bins[bin].min(*hash);
    }
    let mut keys = [0; BANDS];
    for bin in 0..BINS {
        let lender = (0..BINS).find(|step| bins[(bin + step) % BINS] != u64::MAX);
        let least = lender.map_or(0, |step| mix(bins[(bin + step) % BINS] ^ step as u64));
        keys[bin / ROWS] = mix(keys[bin / ROWS] ^ least);
    }
    keys
}

fn jaccard(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let both = a.intersection(b).count();
    #[allow(clippy::cast_precision_loss)]
    let share = both as f64 / (a.len() + b.len() - both) as f64;
    share
}

/// Phrases to be looked for in many texts.
pub struct Phrases(Vec<HashSet<u64>>);

impl Phrases {
    /// Phrases in their order.
    pub fn new<'a>(phrases: impl Iterator<Item = &'a str>) -> Self {
        Self(phrases.map(shingles).collect())
    }

    /// The share of each phrase's 5-grams that stand in a text.
    pub fn shares(&self, text: &str) -> impl Iterator<Item = f64> {
        let own = shingles(text);
        self.0.iter().map(move |phrase| {
            let found = phrase.intersection(&own).count();
            #[allow(clippy::cast_precision_loss)]
            let share = found as f64 / phrase.len() as f64;
            share
        })
    }
}

/// Groups of texts of which each is at least `similarity` like the group's first, in the order of their first texts; texts that stand
/// alone are in none.
#[must_use]
pub fn near_duplicates(texts: &[&str], similarity: f64) -> Vec<Vec<usize>> {
    let mut seen: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    // Group by group: its first text's shingles, and its members.
    let mut groups: Vec<(HashSet<u64>, Vec<usize>)> = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        let own = shingles(text);
        let keys = bands(&own);
        let near = keys.iter().enumerate().find_map(|place| {
            let candidates = seen.get(&(place.0, *place.1))?;
            let like = |g: &&usize| jaccard(&groups[**g].0, &own) >= similarity;
            candidates.iter().find(like).copied()
        });
        if let Some(group) = near {
            groups[group].1.push(i);
            continue;
        }
        for place in keys.iter().enumerate() {
            let groups_there = seen.entry((place.0, *place.1)).or_default();
            groups_there.push(groups.len());
        }
        groups.push((own, vec![i]));
    }
    let members = groups.into_iter().map(|(_, members)| members);
    members.filter(|m| m.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_are_found_and_others_are_not() {
        let texts = [
            "Sorry, that's beyond my current scope. Let’s talk about something else.",
            "The Yangtze is the longest river of Asia and flows into the East China Sea.",
            "Sorry, that's beyond my current scope. Let's talk about something else!",
            "你好，这个问题我暂时无法回答，让我们换个话题再聊聊吧。",
            "The Yangtze is a river.",
            "你好，这个问题我暂时无法回答，让我们换个话题再聊聊吧！",
            "Yes",
            "yes",
        ];
        assert_eq!(
            near_duplicates(&texts, 0.8),
            [vec![0, 2], vec![3, 5], vec![6, 7]]
        );
        assert!(near_duplicates(&texts[..2], 0.8).is_empty());
    }
}
