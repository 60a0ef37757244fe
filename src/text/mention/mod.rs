//! What names something in a text: words that must stand close together, in any script.
//!
//! A [`Mention`] is one or several lists of alternatives; each list must be met, all in one sentence or two neighbouring ones. An
//! alternative is a phrase or a number:
//!
//! | written | met by |
//! |---|---|
//! | `martial law` | these words one after the other, whole, in any case, with or without accents |
//! | `soldier*`, `*schuss` | a word that begins, ends so |
//! | `开枪` | these characters anywhere: scripts without spaces have no whole words |
//! | `{120}`, `{90..99}`, `{500000..}`, `{..12}` | a number of that value, however it is written |
//!
//! Prefixes that Arabic and Hebrew write onto a word, and Korean's particles, may be there. A number that is written as a year is not
//! taken for a count by a range that is not a range of years.

mod clitics;
mod folded;
mod parse;
mod passage;
mod years;

use std::ops::Range;

pub use parse::MentionError;
pub use passage::Passage;

use passage::Gap;

/// What names something: see the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Mention {
    parts: Vec<Part>,
}

/// Alternatives, of which one is enough.
#[derive(Debug, Clone, PartialEq)]
struct Part(Vec<Alternative>);

#[derive(Debug, Clone, PartialEq)]
enum Alternative {
    Phrase(Vec<Word>),
    /// Both ends included.
    Number {
        low: f64,
        high: f64,
    },
}

/// A word of a phrase.
#[derive(Debug, Clone, PartialEq)]
struct Word {
    /// Folded.
    text: String,
    /// What may be before it, and behind.
    open: Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    No,
    AtEnd,
    AtBeginning,
    AtBoth,
}

/// A place where a mention is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The numbers of the first and the last sentence, which may be the same one.
    pub sentences: (usize, usize),
    /// What met each part, in bytes of the passage's text.
    pub spans: Vec<Range<usize>>,
}

/// Where a part is met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    sentence: usize,
    start: usize,
    end: usize,
}

/// The first year and the last that a range of years has.
const YEARS: (f64, f64) = (1400.0, 2100.0);

impl Mention {
    /// Whether a number alone is enough, and not one that is unmistakable: four digits or more, neither round nor a year.
    #[must_use]
    pub fn is_bare_number(&self) -> bool {
        let common = |a: &Alternative| match a {
            Alternative::Phrase(_) => false,
            Alternative::Number { low, high } => {
                low != high
                    || *low < 1000.0
                    || low % 100.0 == 0.0
                    || (YEARS.0..=YEARS.1).contains(low)
            }
        };
        match self.parts.as_slice() {
            [Part(only)] => only.iter().any(common),
            _ => false,
        }
    }

    /// Every place in a passage where all its parts are met in one sentence or two neighbouring ones, in order.
    #[must_use]
    pub fn all_in(&self, passage: &Passage) -> Vec<Met> {
        let mut hits = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let own = part.hits(passage);
            if own.is_empty() {
                return Vec::new();
            }
            hits.push(own);
        }
        let mut met: Vec<Met> = Vec::new();
        for anchor in &hits[0] {
            // With its own sentence or the one before first, then the one behind.
            for from in [anchor.sentence, anchor.sentence.wrapping_sub(1)] {
                let closest = |own: &Vec<Hit>| closest(own, anchor, from);
                let Some(all) = hits.iter().map(closest).collect::<Option<Vec<Hit>>>() else {
                    continue;
                };
                let sentences = all.iter().map(|h| h.sentence);
                let found = Met {
                    sentences: (
                        sentences.clone().min().unwrap_or(anchor.sentence),
                        sentences.max().unwrap_or(anchor.sentence),
                    ),
                    spans: all.iter().map(|h| h.start..h.end).collect(),
                };
                if met
                    .last()
                    .is_none_or(|last| last.sentences != found.sentences)
                {
                    met.push(found);
                }
                break;
            }
        }
        met
    }

    /// Every place where that of its several parts is met that is met least often, but is met.
    #[must_use]
    pub fn rarest_part_in(&self, passage: &Passage) -> Vec<Met> {
        if self.parts.len() < 2 {
            return Vec::new();
        }
        let hits = self.parts.iter().map(|part| part.hits(passage));
        let rarest = hits.filter(|h| !h.is_empty()).min_by_key(Vec::len);
        let met = |h: Hit| Met {
            sentences: (h.sentence, h.sentence),
            spans: std::iter::once(h.start..h.end).collect(),
        };
        rarest.into_iter().flatten().map(met).collect()
    }

    /// Every place where one of its parts is met, with its sentence's number: of a mention of one part, all that it is met by.
    #[must_use]
    pub fn occurrences(&self, passage: &Passage) -> Vec<(usize, Range<usize>)> {
        let hits = self.parts.iter().flat_map(|part| part.hits(passage));
        hits.map(|h| (h.sentence, h.start..h.end)).collect()
    }

    /// Whether a passage mentions it.
    #[must_use]
    pub fn is_in(&self, passage: &Passage) -> bool {
        !self.all_in(passage).is_empty()
    }
}

/// The hit in sentence `from` or the next that stands closest to the anchor, in its own sentence if it can.
fn closest(hits: &[Hit], anchor: &Hit, from: usize) -> Option<Hit> {
    let begin = hits.partition_point(|h| h.sentence < from);
    let end = hits.partition_point(|h| h.sentence <= from.saturating_add(1));
    let distance = |h: &&Hit| {
        (
            h.sentence.abs_diff(anchor.sentence),
            h.start.abs_diff(anchor.start),
        )
    };
    hits.get(begin..end)?.iter().min_by_key(distance).cloned()
}

impl Part {
    /// Where it is met, in order.
    fn hits(&self, passage: &Passage) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for alternative in &self.0 {
            match alternative {
                Alternative::Phrase(words) => phrase_hits(words, passage, &mut hits),
                Alternative::Number { low, high } => {
                    let years = *low >= YEARS.0 && *high <= YEARS.1;
                    let own = passage.between(*low, *high).iter();
                    hits.extend(own.filter(|a| years || !a.like_a_year).map(|a| Hit {
                        sentence: a.sentence,
                        start: a.span.start,
                        end: a.span.end,
                    }));
                }
            }
        }
        hits.sort_unstable();
        hits.dedup();
        hits
    }
}

fn phrase_hits(words: &[Word], passage: &Passage, hits: &mut Vec<Hit>) {
    let [first, rest @ ..] = words else { return };
    let tokens = passage.tokens();
    let mut add = |at: usize| {
        let goes_on = rest.iter().zip(at + 1..).all(|(word, next)| {
            tokens.get(next).is_some_and(|t| t.gap != Gap::Hard) && word.fits(passage.word(next))
        });
        if goes_on {
            hits.push(Hit {
                sentence: tokens[at].sentence,
                start: tokens[at].span.start,
                end: tokens[at + rest.len()].span.end,
            });
        }
    };
    match first.open {
        Open::No | Open::AtEnd => {
            let found = passage.beginning(&first.text);
            found
                .filter(|(_, form)| first.ends(&form[first.text.len()..]))
                .for_each(|(at, _)| add(at));
        }
        Open::AtBeginning => passage.ending(&first.text).for_each(&mut add),
        Open::AtBoth => (0..tokens.len())
            .filter(|at| first.fits(passage.word(*at)))
            .for_each(&mut add),
    }
}

impl Word {
    /// Whether a word of a text is this one.
    fn fits(&self, word: &str) -> bool {
        match self.open {
            Open::AtBoth => word.contains(&self.text),
            Open::AtBeginning => word.ends_with(&self.text),
            Open::No | Open::AtEnd => clitics::forms(word).any(|skip| {
                word[skip..]
                    .strip_prefix(&self.text)
                    .is_some_and(|rest| self.ends(rest))
            }),
        }
    }

    /// Whether the word may continue so.
    fn ends(&self, rest: &str) -> bool {
        rest.is_empty()
            || self.open == Open::AtEnd
            || clitics::takes_particles(&self.text) && clitics::is_particles(rest)
    }
}

#[cfg(test)]
mod tests;
