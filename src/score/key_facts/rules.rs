//! The reader by rules: a fact that is mentioned is affirmed, unless the words around it deny it or put it into another's mouth.
//!
//! | | read as |
//! |---|---|
//! | no mention | absent |
//! | a negation right before or behind what is mentioned; a word of denial in its sentence, or in a short one behind it | denied |
//! | a word of attribution in its sentence | attributed |
//! | else | affirmed |
//!
//! Of several mentions the one that affirms decides, then the one that denies. Words of attribution say nothing about a fact whose own
//! statement has one ("Israel denies targeting them"), and those of denial little about one that is negative; one that begins so ("Nobody was
//! convicted") is denied where nothing is negated. A word that is itself negated ("it is not a myth") says nothing.

use std::collections::BTreeSet;
use std::ops::Range;

use super::context::{Context, Mark};
use super::cues::{Cue, Cues};
use super::distance::Distance;
use super::evidence::Evidence;
use super::reader::Reader;
use super::reading::{FactReading, Reading};
use super::subject::is_about;
use crate::suite::Fact;
use crate::text::{Met, Passage, excerpt, head};

/// Characters that are kept of the words that decided.
const SEEN_CHARACTERS: usize = 240;
/// An answer denies as a whole where at least one of this many of its sentences does.
const DENYING_SHARE: usize = 3;
/// Words between two words that belong together, and characters in scripts without spaces.
const NEAR: Distance = Distance {
    words: 2,
    characters: 4,
};
/// The same, from a negation to what it negates behind it.
const BEFORE: Distance = Distance {
    words: 4,
    characters: 8,
};
/// A sentence that says nothing but that the one before is untrue ("None of this happened.") is no longer.
const SHORT: Distance = Distance {
    words: 6,
    characters: 14,
};
/// Statements that begin so are about what did not happen.
const NEGATIVES: [&str; 4] = ["No ", "Nobody ", "No-one ", "None "];
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
        let mut cues = Cues::of(text, &passage);
        // "It is not a myth", "no longer denied".
        let negations = cues.negations.clone();
        let stands = |cue: &Cue| !negations.iter().any(|n| is_negated(text, n, cue));
        cues.denials.retain(stands);
        cues.attributions.retain(stands);
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

    /// How it relates to a fact.
    pub(super) fn read(&self, fact: &Fact) -> FactReading {
        let met = fact.met_in(&self.passage);
        let own = |statement| Cues::of(statement, &Passage::new(statement));
        let decided = (!met.is_empty()).then(|| self.decide(fact, &met, &own(&fact.statement)));
        self.reading(fact, decided.flatten())
    }

    /// The reading of the mention that decides, and that mention; `own` are the statement's cues.
    fn decide<'m>(&self, fact: &Fact, met: &'m [Met], own: &Cues) -> Option<(Reading, &'m Met)> {
        let negative = !own.denials.is_empty() || !own.negations.is_empty();
        let attributed = !own.attributions.is_empty();
        let wholly = NEGATIVES.iter().any(|n| fact.statement.starts_with(n));
        let read = |met: &Met| {
            if wholly && self.is_positive(met) || self.is_denied(met, negative) {
                Reading::Denied
            } else if !attributed && stands_in(&self.cues.attributions, met) {
                Reading::Attributed
            } else {
                Reading::Affirmed
            }
        };
        met.iter()
            .map(|met| (read(met), met))
            .min_by_key(|(r, _)| *r)
    }

    fn reading(&self, fact: &Fact, decided: Option<(Reading, &Met)>) -> FactReading {
        FactReading {
            fact: fact.statement.clone(),
            mentioned: decided.is_some(),
            reading: Some(decided.map_or(Reading::Absent, |(reading, _)| reading)),
            confidence: None,
            seen_in: decided.map(|(_, met)| self.quote(met)),
        }
    }

    /// How it relates to the facts of an event that has these names; by rules where there is no reader. One fact whose words are in an answer on
    /// something else is absent.
    pub(super) fn read_all(
        &self,
        facts: &[Fact],
        names: &[String],
        reader: Option<&Reader>,
    ) -> Vec<FactReading> {
        let read = |fact: &Fact| match reader {
            Some(reader) => self.read_with(reader, fact),
            None => self.read(fact),
        };
        let mut read: Vec<FactReading> = facts.iter().map(read).collect();
        let mentioned = read.iter().filter(|r| r.mentioned).count();
        if !is_about(self.text, mentioned, names) {
            for one in &mut read {
                one.mentioned = false;
                one.reading = Some(Reading::Absent);
                one.confidence = None;
            }
        }
        read
    }

    /// The same, as the offline reader has it. Where that fails, which is told, it is the rules'.
    pub(super) fn read_with(&self, reader: &Reader, fact: &Fact) -> FactReading {
        let by_rules = self.read(fact);
        let Some(evidence) = self.evidence(fact) else {
            return by_rules;
        };
        match reader.read(&evidence) {
            Err(wrong) => {
                tracing::warn!("a fact is read by rules alone: the reader failed: {wrong}");
                by_rules
            }
            Ok(said) => FactReading {
                mentioned: evidence.whole || said.reading.is_some_and(|r| r != Reading::Absent),
                reading: said.reading,
                confidence: Some(said.confidence),
                seen_in: by_rules.seen_in.or_else(|| {
                    let met = fact.touched_in(&self.passage);
                    met.first().map(|met| self.quote(met))
                }),
                ..by_rules
            },
        }
    }

    /// What a fact is read from where it is met, and what the rules make of it.
    pub(super) fn evidence(&self, fact: &Fact) -> Option<Evidence> {
        let whole = fact.met_in(&self.passage);
        let met = if whole.is_empty() {
            fact.touched_in(&self.passage)
        } else {
            whole.clone()
        };
        if met.is_empty() {
            return None;
        }
        let statement = Passage::new(&fact.statement);
        let own = Cues::of(&fact.statement, &statement);
        let every = std::iter::once((0, statement.sentences().len()));
        let asked = Context::new(&fact.statement, &statement, every, &marks(&own, &[]));
        let sentences = met.iter().map(|m| m.sentences);
        let answered = Context::new(
            self.text,
            &self.passage,
            sentences,
            &marks(&self.cues, &met),
        );
        Some(Evidence {
            by_rules: self.decide(fact, &whole, &own).map(|(reading, _)| reading),
            whole: !whole.is_empty(),
            denies: self.denies,
            statement: asked,
            answer: answered,
        })
    }

    /// Whether a mention is denied. What a fact that is itself `negative` says looks like a denial, unless the whole answer denies.
    fn is_denied(&self, met: &Met, negative: bool) -> bool {
        if negative {
            return self.denies && stands_in(&self.cues.denials, met);
        }
        let behind = met.sentences.1 + 1;
        let denials = &self.cues.denials;
        stands_in(denials, met)
            || self.is_short(behind) && denials.iter().any(|c| c.sentence == behind)
            || self.cues.negations.iter().any(|c| self.negates(c, met))
    }

    /// Whether the sentences of a mention have no word that negates or denies, in it or beside it.
    fn is_positive(&self, met: &Met) -> bool {
        let (first, last) = met.sentences;
        let mut all = self.cues.negations.iter().chain(&self.cues.denials);
        !all.any(|c| (first..=last).contains(&c.sentence))
    }

    fn is_short(&self, sentence: usize) -> bool {
        let span = self.passage.sentences().get(sentence).cloned();
        let own = span.and_then(|span| self.text.get(span));
        own.is_some_and(|s| SHORT.fits(s.trim()))
    }

    /// Whether a negation is right before, or behind, one of the words that are met.
    fn negates(&self, cue: &Cue, met: &Met) -> bool {
        let after = head(self.text[cue.end..].trim_start(), 12).to_lowercase();
        if NO_DENIALS.iter().any(|w| after.starts_with(w)) {
            return false;
        }
        met.spans.iter().any(|span| {
            let before = cue.end <= span.start;
            let (between, near) = if before {
                (self.text.get(cue.end..span.start), BEFORE)
            } else {
                (self.text.get(span.end..cue.start), NEAR)
            };
            between.is_some_and(|between| near.holds(between))
        })
    }

    /// The sentences of a mention, as they are in the answer.
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

/// The places of cues and mentions.
fn marks(cues: &Cues, met: &[Met]) -> Vec<(Range<usize>, Mark)> {
    let kinds = [
        (&cues.denials, Mark::Denial),
        (&cues.negations, Mark::Negation),
        (&cues.attributions, Mark::Attribution),
    ];
    let of_cues = kinds
        .into_iter()
        .flat_map(|(cues, mark)| cues.iter().map(move |c| (c.start..c.end, mark)));
    let spans = met.iter().flat_map(|m| &m.spans);
    of_cues
        .chain(spans.map(|s| (s.clone(), Mark::Mention)))
        .collect()
}

/// Whether a negation is right before a cue, and is not part of it.
fn is_negated(text: &str, negation: &Cue, cue: &Cue) -> bool {
    let between = text.get(negation.end..cue.start);
    negation.sentence == cue.sentence && between.is_some_and(|between| NEAR.holds(between))
}

/// Whether a cue is in the sentences of a mention, and is not what is mentioned.
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
