//! Near-duplicates among many texts: `MinHash` sketches in bands, then the Jaccard similarity of character 5-grams.
//!
//! Broder 1997 (resemblance of documents); one permutation after Shrivastava and Li 2014; banding after Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, 3.4.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rayon::prelude::*;

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

/// The hashed 5-grams of a text's folded characters, in the order they stand; of a shorter text itself.
#[derive(Debug, Clone, Default)]
pub struct Grams(Vec<u64>);

impl Grams {
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
        Self(if characters.len() < SHINGLE {
            vec![hashed(&characters)]
        } else {
            characters.windows(SHINGLE).map(hashed).collect()
        })
    }
}

/// A text's grams as a set: each once, ascending.
struct Shingles(Vec<u64>);

impl Shingles {
    fn of(text: &str) -> Self {
        let Grams(mut all) = Grams::of(text);
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
    fn of(grams: &[u64]) -> Self {
        let mut bins = [u64::MAX; BINS];
        for hash in grams {
            // The grams are scattered already: their highest bits choose the bin.
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

    /// What is kept of it to estimate similarities by.
    fn brief(&self) -> Brief {
        #[allow(clippy::cast_possible_truncation)]
        Brief(self.0.map(|least| least as u8))
    }
}

/// The lowest 8 bits of a sketch's hashes: an eighth of its memory, and compared in a few instructions. Different hashes are equal in them
/// once in 256 times: a quarter of a bin, which an estimate bears.
#[derive(Debug, Clone)]
struct Brief([u8; BINS]);

impl Brief {
    /// An estimate of the similarity of what two sketches are of.
    fn similarity(&self, other: &Self) -> f64 {
        // Added up in a byte, the comparison is one of whole registers.
        let pairs = self.0.iter().zip(&other.0);
        let equal: u8 = pairs.map(|(a, b)| u8::from(a == b)).sum();
        f64::from(equal) / f64::from(u8::try_from(BINS).unwrap_or(u8::MAX))
    }
}

/// Phrases to be looked for in many texts.
pub struct Phrases {
    /// The phrases that hold each 5-gram.
    holders: HashMap<u64, Vec<usize>, RandomState>,
    /// How many 5-grams each has.
    lengths: Vec<usize>,
}

impl Phrases {
    /// Phrases in their order.
    pub fn new<'a>(phrases: impl Iterator<Item = &'a str>) -> Self {
        let mut all = Self {
            holders: HashMap::default(),
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
    pub fn shares(&self, text: &Grams) -> Vec<f64> {
        let is_held = |gram: &&u64| self.holders.contains_key(gram);
        let mut held: Vec<&u64> = text.0.iter().filter(is_held).collect();
        held.sort_unstable();
        held.dedup();
        let mut found = vec![0_usize; self.lengths.len()];
        for number in held.iter().flat_map(|gram| &self.holders[gram]) {
            found[*number] += 1;
        }
        let shares = found.iter().zip(&self.lengths);
        shares.map(|(k, n)| *k as f64 / *n as f64).collect()
    }
}

/// What is kept of a text until it is compared. Texts that are alike are equal in one of its bands at least.
#[derive(Debug, Clone)]
pub struct Signature {
    bands: [u64; BANDS],
    sketch: Brief,
}

impl Signature {
    /// That of a text, by its grams.
    #[must_use]
    pub fn of(text: &Grams) -> Self {
        let sketch = Sketch::of(&text.0);
        Self {
            bands: sketch.bands(),
            sketch: sketch.brief(),
        }
    }
}

/// Texts that are alike.
struct Group {
    first: usize,
    /// Of the first text, once another was like it.
    shingles: Option<Shingles>,
    /// Besides the first.
    others: Vec<usize>,
}

/// Groups of texts of which each is at least `similarity` like the group's first, in the order of their first texts; texts that stand
/// alone are in none.
#[must_use]
pub fn near_duplicates(texts: &[&str], similarity: f64) -> Vec<Vec<usize>> {
    let signatures = texts.par_iter().map(|text| Signature::of(&Grams::of(text)));
    group_alike(texts, &signatures.collect::<Vec<_>>(), similarity)
}

/// The same, of texts whose signatures are known. A text is read again only where its signature is like another's.
///
/// # Panics
/// If there are not as many signatures as texts.
#[must_use]
pub fn group_alike(texts: &[&str], signatures: &[Signature], similarity: f64) -> Vec<Vec<usize>> {
    assert_eq!(texts.len(), signatures.len(), "each text has its own");
    let mut seen = shared_keys(signatures);
    let mut groups: Vec<Group> = Vec::new();
    // Of each group the sketch, and the last text that was held against it, which may share several bands: apart from all else, since a
    // text is held against many.
    let (mut sketches, mut seen_by): (Vec<Brief>, Vec<usize>) = (Vec::new(), Vec::new());
    for (i, signature) in signatures.iter().enumerate() {
        let keys = || signature.bands.iter().enumerate();
        if !keys().any(|(band, key)| seen[band].contains_key(key)) {
            continue;
        }
        let mut own: Option<Shingles> = None;
        let mut looks = 0;
        let near = keys().find_map(|(band, key)| {
            let mut candidates = seen[band].get(key)?.iter().copied();
            candidates.find(|number| {
                let number = *number as usize;
                if looks == MAX_EXACT_LOOKS || std::mem::replace(&mut seen_by[number], i) == i {
                    return false;
                }
                let estimate = sketches[number].similarity(&signature.sketch);
                if estimate < similarity - SKETCH_TOLERANCE {
                    return false;
                }
                looks += 1;
                let group = &groups[number];
                let own = own.get_or_insert_with(|| Shingles::of(texts[i]));
                let alike = match &group.shingles {
                    Some(first) => first.jaccard(own),
                    None => Shingles::of(texts[group.first]).jaccard(own),
                };
                alike >= similarity
            })
        });
        if let Some(number) = near {
            let group = &mut groups[number as usize];
            group
                .shingles
                .get_or_insert_with(|| Shingles::of(texts[group.first]));
            group.others.push(i);
            continue;
        }
        let number = u32::try_from(groups.len()).expect("fewer texts than fill the memory");
        for (band, key) in keys() {
            if let Some(there) = seen[band].get_mut(key)
                && there.len() < MAX_CANDIDATES
            {
                there.push(number);
            }
        }
        sketches.push(signature.sketch.clone());
        seen_by.push(i);
        groups.push(Group {
            first: i,
            shingles: None,
            others: Vec::new(),
        });
    }
    let found = groups.into_iter().filter(|group| !group.others.is_empty());
    found
        .map(|group| std::iter::once(group.first).chain(group.others).collect())
        .collect()
}

/// Of each band the keys that several texts have, with place for the groups met there. A key of one text alone leads to nothing.
fn shared_keys(signatures: &[Signature]) -> Vec<HashMap<u64, Vec<u32>, RandomState>> {
    let of_band = |band: usize| {
        let mut keys: Vec<u64> = signatures.iter().map(|s| s.bands[band]).collect();
        keys.sort_unstable();
        let runs = keys.chunk_by(|a, b| a == b).filter(|run| run.len() > 1);
        runs.map(|run| (run[0], Vec::new())).collect()
    };
    (0..BANDS).into_par_iter().map(of_band).collect()
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

    #[test]
    fn bands_lead_to_the_groups_that_every_pair_compared_gives() {
        let words = [
            "river", "treaty", "winter", "letter", "market", "border", "bridge", "strike",
        ];
        let texts: Vec<String> = (0..600_usize)
            .map(|i| {
                // Every fifth is one of seven sentences, with a word of its own at the end.
                let seed = if i.is_multiple_of(5) { i % 7 } else { 100 + i };
                let drawn = (0..30).map(|k| words[(mix((seed * 31 + k) as u64) % 8) as usize]);
                let own = ["indeed", "again", "then"][i % 3];
                format!("{} {own}.", drawn.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let sets: Vec<Shingles> = texts.iter().map(|text| Shingles::of(text)).collect();
        let mut expected: Vec<Vec<usize>> = Vec::new();
        for (i, own) in sets.iter().enumerate() {
            let alike = |group: &&mut Vec<usize>| sets[group[0]].jaccard(own) >= 0.8;
            match expected.iter_mut().find(alike) {
                Some(group) => group.push(i),
                None => expected.push(vec![i]),
            }
        }
        expected.retain(|group| group.len() > 1);
        assert!(expected.len() >= 7, "{}", expected.len());
        assert_eq!(near_duplicates(&texts, 0.8), expected);
    }
}
