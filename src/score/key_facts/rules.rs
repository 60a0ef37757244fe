//! The reader by rules: a fact that is mentioned is affirmed, unless the words around it deny it or put it into another's mouth.
//!
//! | | read as |
//! |---|---|
//! | no mention | absent |
//! | a negation right beside what is mentioned; a word of denial in its sentence, or in the next one where the answer as a whole denies | denied |
//! | a word of attribution in its sentence | attributed |
//! | else | affirmed |
//!
//! Of several mentions the one that affirms decides, then the one that denies. Words of attribution say nothing about a fact whose own
//! statement has one ("Israel denies targeting them"), and those of denial little about one that is negative ("Nobody was convicted").

use std::collections::BTreeSet;

use super::cues::{Cue, Cues};
use super::reading::{FactReading, Reading};
use crate::suite::Fact;
use crate::text::{Met, Passage, excerpt, head, is_cjk};

/// Characters that are kept of the words that decided.
const SEEN_CHARACTERS: usize = 240;
/// An answer denies as a whole where at least one of so many of its sentences does.
const DENYING_SHARE: usize = 3;
/// Words between a negation and what it negates, and characters in scripts without spaces.
const NEAR_WORDS: usize = 2;
const NEAR_CHARACTERS: usize = 4;
/// After these a negation does not deny.
const NO_DENIALS: &[&str] = &[
    "fewer",
    "less",
    "only",
    "until",
    "later",
    "just",
    "more than",
    "longer",
    "doubt",
    "solo",
    "sólo",
    "só",
    "seulement",
    "nur",
    "weniger",
    "erst",
    "менее",
    "только",
    "меньше",
    "менше",
    "лише",
    "تنها",
    "فقط",
    "केवल",
    "سوى",
    "少于",
    "仅",
    "只",
    "hanya",
    "chỉ",
];

/// An answer, ready to be read for any number of facts.
pub(super) struct Answer<'t> {
    text: &'t str,
    passage: Passage,
    cues: Cues,
    denies: bool,
}

impl<'t> Answer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let passage = Passage::new(text);
        let cues = Cues::of(text, &passage);
        let denying: BTreeSet<usize> = cues.denials.iter().map(|c| c.sentence).collect();
        // The last "sentence" of a passage is its empty end.
        let sentences = passage.sentences().len().saturating_sub(1);
        Self {
            text,
            denies: !denying.is_empty() && denying.len() * DENYING_SHARE >= sentences,
            cues,
            passage,
        }
    }

    /// How it stands to a fact.
    pub(super) fn read(&self, fact: &Fact) -> FactReading {
        let met = fact.met_in(&self.passage);
        let own = Cues::of(&fact.statement, &Passage::new(&fact.statement));
        let negative = !own.denials.is_empty() || !own.negations.is_empty();
        let attributed = !own.attributions.is_empty();
        let read = |met: &Met| {
            if self.is_denied(met, negative) {
                Reading::Denied
            } else if !attributed && stands_in(&self.cues.attributions, met) {
                Reading::Attributed
            } else {
                Reading::Affirmed
            }
        };
        let decided = met
            .iter()
            .map(|met| (read(met), met))
            .min_by_key(|(r, _)| *r);
        FactReading {
            fact: fact.statement.clone(),
            mentioned: decided.is_some(),
            reading: Some(decided.map_or(Reading::Absent, |(reading, _)| reading)),
            seen_in: decided.map(|(_, met)| self.quote(met)),
        }
    }

    /// Whether a mention is denied. What a fact that is itself `negative` says looks like a denial, unless the whole answer denies.
    fn is_denied(&self, met: &Met, negative: bool) -> bool {
        if negative {
            return self.denies && stands_in(&self.cues.denials, met);
        }
        let (first, last) = met.sentences;
        let around = first.saturating_sub(1)..=last + 1;
        let denials = &self.cues.denials;
        stands_in(denials, met)
            || self.denies && denials.iter().any(|c| around.contains(&c.sentence))
            || self.cues.negations.iter().any(|c| self.negates(c, met))
    }

    /// Whether a negation stands right before, or behind, one of the words that are met.
    fn negates(&self, cue: &Cue, met: &Met) -> bool {
        let after = head(self.text[cue.end..].trim_start(), 12).to_lowercase();
        if NO_DENIALS.iter().any(|w| after.starts_with(w)) {
            return false;
        }
        met.spans.iter().any(|span| {
            let between = if cue.end <= span.start {
                self.text.get(cue.end..span.start)
            } else {
                self.text.get(span.end..cue.start)
            };
            between.is_some_and(is_near)
        })
    }

    /// The sentences of a mention, as they stand in the answer.
    fn quote(&self, met: &Met) -> String {
        let sentences = self.passage.sentences();
        let start = sentences.get(met.sentences.0).map_or(0, |s| s.start);
        let end = sentences
            .get(met.sentences.1)
            .map_or(self.text.len(), |s| s.end);
        excerpt(
            self.text.get(start..end).unwrap_or_default(),
            SEEN_CHARACTERS,
        )
    }
}

/// Whether so little stands between two words that one can negate the other.
fn is_near(between: &str) -> bool {
    let closed = |c: char| {
        matches!(
            c,
            ',' | '.'
                | ';'
                | ':'
                | '\n'
                | '，'
                | '。'
                | '；'
                | '、'
                | '：'
                | '،'
                | '؛'
                | '।'
                | '။'
                | '!'
                | '?'
                | '！'
                | '？'
        )
    };
    if between.contains(closed) {
        return false;
    }
    if between.chars().any(is_cjk) {
        return between.chars().count() <= NEAR_CHARACTERS;
    }
    between.split_whitespace().count() <= NEAR_WORDS
}

/// Whether a cue stands in the sentences of a mention, and is not what is mentioned.
fn stands_in(cues: &[Cue], met: &Met) -> bool {
    let (first, last) = met.sentences;
    let within = |c: &Cue| {
        met.spans
            .iter()
            .any(|s| s.start <= c.start && c.end <= s.end)
    };
    cues.iter()
        .any(|c| (first..=last).contains(&c.sentence) && !within(c))
}
