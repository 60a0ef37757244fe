//! Whether facts exist, can be found, and are found only in texts about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::Lint;
use crate::suite::{Fact, PairRole, Sample, SuiteError};
use crate::text::Passage;

/// Minimum and maximum number of key facts per event, if a suite has facts.
const FACTS: std::ops::RangeInclusive<usize> = 3..=6;
/// Paragraphs on other things, some in each of many languages, a blank line between them.
const UNRELATED: &str = include_str!("unrelated.txt");
/// Unrelated paragraphs that may mention a fact: 2 in 100.
const MAX_UNRELATED: usize = 1;
/// Names of other events that may mention a fact, since events have neighbours.
const MAX_EVENTS: usize = 2;

/// Every event's facts.
///
/// # Errors
/// [`SuiteError::Sample`] names a sample whose facts cannot be read.
pub(super) fn by_unit<'a>(
    suite: &str,
    samples: &'a [Sample],
) -> Result<BTreeMap<&'a str, Vec<Fact>>, SuiteError> {
    let mut units: BTreeMap<&str, Vec<Fact>> = BTreeMap::new();
    for sample in samples {
        if !units.contains_key(sample.unit()) {
            let facts = sample.facts().map_err(|reason| SuiteError::Sample {
                suite: suite.to_owned(),
                sample: sample.id.clone(),
                reason,
            })?;
            units.insert(sample.unit(), facts);
        }
    }
    Ok(units)
}

/// Looks at every event's facts.
pub(super) fn check(
    samples: &[Sample],
    prompts: &[String],
    units: &BTreeMap<&str, Vec<Fact>>,
    found: &mut Lint,
) {
    if !samples.iter().any(|s| s.fields.contains_key("facts")) {
        return;
    }
    for (sample, prompt) in samples.iter().zip(prompts) {
        if sample.pairing.role != Some(PairRole::Control) {
            let passage = Passage::new(prompt);
            let facts = units.get(sample.unit()).into_iter().flatten();
            for fact in facts.filter(|f| !f.met_in(&passage).is_empty()) {
                let finding = format!(
                    "{}: the question itself states “{}”",
                    sample.id, fact.statement
                );
                found.findings.push(finding);
            }
        }
    }
    let others = Others::new(samples);
    for (unit, facts) in units {
        found.facts += facts.len();
        if !FACTS.contains(&facts.len()) {
            let n = facts.len();
            found
                .findings
                .push(format!("{unit}: {n} key facts; expected 3 to 6"));
        }
        for fact in facts {
            bare_numbers(unit, fact, found);
            others.check(unit, fact, found);
        }
    }
}

fn bare_numbers(unit: &str, fact: &Fact, found: &mut Lint) {
    let bare = fact.mentions.iter().filter(|(_, m)| m.is_bare_number());
    let languages: Vec<&str> = bare.map(|(language, _)| language.as_str()).collect();
    if !languages.is_empty() {
        found.findings.push(format!(
            "{unit}: only a number names “{}” in {}; add a string with what it counts",
            fact.statement,
            languages.join(", ")
        ));
    }
}

/// A text that has nothing to do with a fact.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Paragraph,
    Control,
    /// An event's name, with the subject it is counted by.
    Event(Option<&'a str>),
}

/// Texts that have nothing to do with most facts: every row's names, and paragraphs on other things.
struct Others<'a> {
    passage: Passage,
    /// Where each begins, whose it is, and what.
    texts: Vec<(usize, &'a str, Kind<'a>)>,
    subjects: HashMap<&'a str, Option<&'a str>>,
}

impl<'a> Others<'a> {
    fn new(samples: &'a [Sample]) -> Self {
        let mut all: Vec<(&str, &str, Kind)> = UNRELATED
            .split("\n\n")
            .map(|text| (text, "", Kind::Paragraph))
            .collect();
        let mut seen = BTreeSet::new();
        let mut subjects = HashMap::new();
        for sample in samples {
            if seen.insert(sample.unit()) {
                let subject = sample.strata.get("jurisdiction").map(String::as_str);
                subjects.insert(sample.unit(), subject);
                let names = [("event", Kind::Event(subject)), ("control", Kind::Control)];
                for (field, kind) in names {
                    all.extend(texts(sample, field).map(|text| (text, sample.unit(), kind)));
                }
            }
        }
        let passage = Passage::of_texts(all.iter().map(|(text, ..)| *text));
        let mut at = 0;
        let begun = all.into_iter().map(|(text, unit, kind)| {
            at += text.len();
            (at - text.len(), unit, kind)
        });
        Self {
            texts: begun.collect(),
            passage,
            subjects,
        }
    }

    /// What mentions a fact and should not.
    fn check(&self, unit: &str, fact: &Fact, found: &mut Lint) {
        let at = |start: usize| self.texts.partition_point(|(begin, ..)| *begin <= start) - 1;
        let met = fact.met_in(&self.passage);
        let texts = met
            .iter()
            .filter_map(|m| m.spans.first())
            .map(|s| at(s.start));
        let texts: BTreeSet<usize> = texts.collect();
        let (mut paragraphs, mut controls, mut events) = (0, BTreeSet::new(), BTreeSet::new());
        let own = self.subjects.get(unit).copied().flatten();
        for text in texts {
            match self.texts[text] {
                (_, _, Kind::Paragraph) => paragraphs += 1,
                (_, other, Kind::Control) => {
                    controls.insert(other);
                }
                (_, other, Kind::Event(subject)) if other != unit && subject != own => {
                    events.insert(other);
                }
                _ => {}
            }
        }
        let mut say = |what: String| {
            found.findings.push(format!(
                "{unit}: “{}” is mentioned by {what}",
                fact.statement
            ));
        };
        if paragraphs > MAX_UNRELATED {
            say(format!("{paragraphs} unrelated paragraphs"));
        }
        let listed = |units: BTreeSet<&str>| units.into_iter().collect::<Vec<_>>().join(", ");
        if !controls.is_empty() {
            say(format!("the controls of {}", listed(controls)));
        }
        if events.len() > MAX_EVENTS {
            say(format!("the names of other events: {}", listed(events)));
        }
    }
}

/// A field's texts: itself, or one for each language.
fn texts<'a>(sample: &'a Sample, field: &str) -> impl Iterator<Item = &'a str> {
    let value = sample.fields.get(field);
    let many = value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|m| m.values());
    value.into_iter().chain(many).filter_map(Value::as_str)
}
