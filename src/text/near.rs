//! Near-duplicates among many texts: `MinHash` sketches in bands, then the Jaccard similarity of character 5-grams.
//!
//! Broder 1997 (resemblance of documents); one permutation after Shrivastava and Li 2014; banding after Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 3.4.

use std::collections::HashMap;

use super::fold;

/// Characters of a shingle.
const SHINGLE: usize = 5;
/// Characters of a text that are looked at.
const MAX_CHARACTERS: usize = 2000;
/// Bands of a sketch, and hashes of a band: texts at a similarity of 0.8 share a band with probability 0.9998.
const BANDS: usize = 16;
const ROWS: usize = 4;
const BINS: usize = BANDS * ROWS;
/// The similarity that two sketches show is off by 0.05 at 0.8, so that one three times as far below is not worth an exact look.
const SKETCH_TOLERANCE: f64 = 0.15;
/// Groups looked at per band, and exactly per text: where thousands are half alike, more would take for ever and find no more.
const MAX_CANDIDATES: usize = 64;
const MAX_EXACT_LOOKS: usize = 8;

/// The hashed 5-grams of a text's folded characters, each once, ascending; of a shorter text itself.
#[derive(Debug, Clone, Default)]
pub struct Shingles(Vec<u64>);

impl Shingles {
    /// Those of a text's first 2,000 folded characters.
    #[must_use]
    pub fn of(text: &str) -> Self {
        // Folding seldom halves a text, and what is behind is not looked at.
        let end = text.char_indices().nth(2 * MAX_CHARACTERS);
        let folded = fold(end.map_or(text, |(at, _)| &text[..at]));
        let characters: Vec<u64> = folded
            .chars()
            .take(MAX_CHARACTERS)
            .map(|c| u64::from(u32::from(c)))
            .collect();
        // Five characters of 21 bits, one over the other at odd distances, then scattered.
        let hashed = |gram: &[u64]| {
            let folded = gram
                .iter()
                .fold(1_u64, |state, c| state.rotate_left(13) ^ c);
            mix(folded)
        };
        let mut all: Vec<u64> = if characters.len() < SHINGLE {
            vec![hashed(&characters)]
        } else {
            characters.windows(SHINGLE).map(hashed).collect()
        };
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// How many of them another has too.
    fn shared(&self, other: &Self) -> usize {
        let (mut own, mut others) = (self.0.as_slice(), other.0.as_slice());
        let mut shared = 0;
        while let ([a, rest @ ..], [b, other_rest @ ..]) = (own, others) {
            shared += usize::from(a == b);
            if a <= b {
                own = rest;
            }
            if b <= a {
                others = other_rest;
            }
        }
        shared
    }

    #[allow(clippy::cast_precision_loss)]
    fn jaccard(&self, other: &Self) -> f64 {
        let both = self.shared(other);
        both as f64 / (self.0.len() + other.0.len() - both) as f64
    }
}

/// A bijection that scatters (`SplitMix64`'s finaliser).
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The least hash of each of 64 bins, by one permutation; an empty bin borrows from the next that is not (Shrivastava and Li 2014).
struct Sketch([u64; BINS]);

impl Sketch {
    fn of(shingles: &Shingles) -> Self {
        let mut bins = [u64::MAX; BINS];
        for hash in &shingles.0 {
            // The shingles are scattered already: their highest bits choose the bin.
            let bin = usize::try_from(hash >> (u64::BITS - BINS.ilog2())).unwrap_or(0);
            bins[bin] = bins[bin].min(*hash);
        }
        let lent = |bin: usize| {
            let lender = (0..BINS).find(|step| bins[(bin + step) % BINS] != u64::MAX);
            lender.map_or(0, |step| mix(bins[(bin + step) % BINS] ^ step as u64))
        };
        Self(std::array::from_fn(lent))
    }

    /// The keys of its bands.
    fn bands(&self) -> [u64; BANDS] {
        let key = |band: &[u64]| band.iter().fold(0, |key, least| mix(key ^ least));
        std::array::from_fn(|band| key(&self.0[band * ROWS..][..ROWS]))
    }

    /// An estimate of the similarity of what two sketches are of.
    #[allow(clippy::cast_precision_loss)]
    fn similarity(&self, other: &Self) -> f64 {
        let equal = self.0.iter().zip(&other.0).filter(|(a, b)| a == b);
        equal.count() as f64 / BINS as f64
    }
}

/// Phrases to be looked for in many texts.
pub struct Phrases {
    /// The phrases that hold each 5-gram.
    holders: HashMap<u64, Vec<usize>>,
    /// How many 5-grams each has.
    lengths: Vec<usize>,
}

impl Phrases {
    /// Phrases in their order.
    pub fn new<'a>(phrases: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self {
            holders: HashMap::new(),
            lengths: Vec::new(),
        };
        for (number, phrase) in phrases.enumerate() {
            let own = Shingles::of(phrase);
            all.lengths.push(own.0.len());
            for gram in own.0 {
                all.holders.entry(gram).or_default().push(number);
            }
        }
        all
    }

    /// The share of each phrase's 5-grams that are in a text.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn shares(&self, text: &Shingles) -> Vec<f64> {
        let mut found = vec![0_usize; self.lengths.len()];
        for gram in &text.0 {
            for number in self.holders.get(gram).into_iter().flatten() {
                found[*number] += 1;
            }
        }
        let shares = found.iter().zip(&self.lengths);
        shares.map(|(k, n)| *k as f64 / *n as f64).collect()
    }
}

/// Texts that are alike.
struct Group {
    first: usize,
    sketch: Sketch,
    /// Of the first text, once another was like it.
    shingles: Option<Shingles>,
    members: Vec<usize>,
}

/// Groups of texts of which each is at least `similarity` like the group's first, in the order of their first texts; texts that stand
/// alone are in none. In memory stands a sketch per group, not its shingles.
#[must_use]
pub fn near_duplicates(texts: &[&str], similarity: f64) -> Vec<Vec<usize>> {
    let shingles = texts.iter().map(|text| Shingles::of(text));
    group_alike(texts, shingles, similarity)
}

/// The same, of texts whose shingles are made on the way for something else too.
pub fn group_alike(
    texts: &[&str],
    shingles: impl Iterator<Item = Shingles>,
    similarity: f64,
) -> Vec<Vec<usize>> {
    let mut seen: HashMap<(usize, u64), Vec<usize>> = HashMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (i, own) in shingles.enumerate() {
        let sketch = Sketch::of(&own);
        let bands = sketch.bands();
        let mut looks = 0;
        let near = bands.iter().enumerate().find_map(|(band, key)| {
            let mut candidates = seen.get(&(band, *key))?.iter().copied();
            candidates.find(|number| {
                let group = &groups[*number];
                if looks == MAX_EXACT_LOOKS
                    || group.sketch.similarity(&sketch) < similarity - SKETCH_TOLERANCE
                {
                    return false;
                }
                looks += 1;
                let alike = match &group.shingles {
                    Some(first) => first.jaccard(&own),
                    None => Shingles::of(texts[group.first]).jaccard(&own),
                };
                alike >= similarity
            })
        });
        if let Some(number) = near {
            let group = &mut groups[number];
            group
                .shingles
                .get_or_insert_with(|| Shingles::of(texts[group.first]));
            group.members.push(i);
            continue;
        }
        for (band, key) in bands.iter().enumerate() {
            let there = seen.entry((band, *key)).or_default();
            if there.len() < MAX_CANDIDATES {
                there.push(groups.len());
            }
        }
        groups.push(Group {
            first: i,
            sketch,
            shingles: None,
            members: vec![i],
        });
    }
    let members = groups.into_iter().map(|group| group.members);
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
