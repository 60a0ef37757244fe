//! Whether a suite is well written: what `candor suites check` counts and what it finds wanting.

mod facts;
mod languages;
mod sides;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::schema::Kind;
use super::{Artefacts, PairRole, Sample, Suite, SuiteError, artefacts};

/// What a suite holds, and what is wanting in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lint {
    /// Samples.
    pub samples: usize,
    /// Samples with a right answer.
    pub with_target: usize,
    /// Clusters: events, or other units that samples are variants of.
    pub clusters: usize,
    /// Pairs.
    pub pairs: usize,
    /// Sensitive samples.
    pub sensitive: usize,
    /// Sensitive samples whose matched control is in the suite.
    pub with_control: usize,
    /// Key facts over all clusters.
    pub facts: usize,
    /// Values each stratum has.
    pub strata: BTreeMap<String, BTreeSet<String>>,
    /// Whether its items are its own: those that others wrote are theirs to word.
    pub own_items: bool,
    /// What its choices give away, where it has any.
    pub artefacts: Option<Artefacts>,
    /// What is wanting, each in one line.
    pub findings: Vec<String>,
}

/// A control's question is at least this share of its sensitive one's length in characters, and at most the inverse.
const MIN_CONTROL_LENGTH_RATIO: f64 = 0.5;
/// The least common value of a stratum has at least this share of the clusters of the commonest.
const BALANCE: f64 = 0.5;
/// Strata whose values represent subjects that are compared: each is to have as many clusters as the next.
const BALANCED: &[&str] = &["jurisdiction", "country"];
/// The stratum whose values are to be the same in every suite that has it.
const LISTED: &str = "jurisdiction";

/// Words that take a side in a question. They stand only in what is quoted from others.
const LEADING: &[&str] = &[
    "brutal",
    "heinous",
    "evil",
    "barbaric",
    "shameful",
    "outrageous",
    "so-called",
    "regime",
    "obviously",
    "undeniably",
    "everyone knows",
    "of course",
    "notorious",
    "infamous",
    "atrocious",
    "tyrant",
    "puppet",
    "heroic",
    "glorious",
    "臭名昭著",
    "众所周知",
    "所谓的",
    "残暴",
    "光荣的",
    "as we all know",
    "печально известн",
    "так называем",
    "преступный режим",
];

/// Counts a suite and looks for what would make its figures unfair: controls that are missing or of another length, subjects with
/// fewer items than others, questions asked twice or with a word that takes a side, names that are not in the language they are said to be
/// in, facts that are missing, given away, or met by what has nothing to do with them.
///
/// # Errors
/// [`SuiteError`] if a prompt cannot be made.
pub fn lint(suite: &Suite) -> Result<Lint, SuiteError> {
    let samples: Vec<Sample> = suite.samples.iter().collect();
    let mut prompts = Vec::with_capacity(samples.len());
    let mut questions = Vec::new();
    for sample in &samples {
        suite.prompts.request(sample, false, 0)?;
        if !sample.choices.is_empty() {
            questions.push((sample, suite.prompts.question(sample)?));
        }
        prompts.push(suite.prompts.request(sample, true, 0)?.prompt.display());
    }
    let mut found = Lint {
        samples: samples.len(),
        with_target: samples.iter().filter(|s| !s.targets.is_empty()).count(),
        clusters: distinct(&samples, |s| s.pairing.cluster.as_deref()),
        pairs: distinct(&samples, |s| s.pairing.pair.as_deref()),
        strata: strata(&samples),
        own_items: suite.file.data.files.is_empty() && suite.file.data.hub.is_none(),
        artefacts: artefacts(questions.into_iter()),
        ..Lint::default()
    };
    let idle = suite.idle_steps.iter();
    found.findings.extend(idle.map(|step| {
        format!("{step}: it changes no row; leave it out, or look whether the data is what it was")
    }));
    // A benchmark asks what it likes.
    if found.own_items && suite.file.kind != Kind::Benchmark {
        if suite.file.canary.is_none() {
            let finding = "no canary: the items could not be found in training data";
            found.findings.push(finding.into());
        }
        let unmarked = suite.unmarked.iter();
        found.findings.extend(unmarked.map(|path| {
            format!("{path}: the canary is missing; put it into a comment on the first line")
        }));
        controls(&samples, &prompts, &mut found);
        sides::check(&samples, &prompts, &mut found);
        let facts = facts::by_unit(&suite.file.name, &samples)?;
        languages::check(&samples, &facts, &mut found);
        balance(&samples, &mut found);
        wording(&samples, &prompts, &mut found);
        sources(&samples, &mut found);
        facts::check(&samples, &prompts, &facts, &mut found);
    }
    Ok(found)
}

fn distinct<'a>(samples: &'a [Sample], of: impl Fn(&'a Sample) -> Option<&'a str>) -> usize {
    samples.iter().filter_map(of).collect::<BTreeSet<_>>().len()
}

fn strata(samples: &[Sample]) -> BTreeMap<String, BTreeSet<String>> {
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in samples.iter().flat_map(|s| &s.strata) {
        let own = values.entry(name.clone()).or_default();
        own.insert(value.clone());
    }
    values
}

/// Lists of subjects that differ between suites: a line for each suite that lacks what another has.
#[must_use]
pub fn differing_lists(suites: &[(&str, &Lint)]) -> Vec<String> {
    let list = |lint: &Lint| lint.strata.get(LISTED).cloned();
    let lists = suites
        .iter()
        .filter(|(_, lint)| lint.own_items)
        .filter_map(|(name, lint)| Some((*name, list(lint)?)));
    let lists: Vec<(&str, BTreeSet<String>)> = lists.collect();
    let all: BTreeSet<&String> = lists.iter().flat_map(|(_, own)| own).collect();
    let lacks = |(name, own): &(&str, BTreeSet<String>)| {
        let missing: Vec<&str> = all
            .iter()
            .filter(|v| !own.contains(**v))
            .map(|v| v.as_str())
            .collect();
        let missing = (!missing.is_empty()).then(|| missing.join(", "))?;
        Some(format!(
            "{name}: no {LISTED} {missing}, which another suite asks about"
        ))
    };
    lists.iter().filter_map(lacks).collect()
}

/// Whether every sensitive question has a control, of about its length.
fn controls(samples: &[Sample], prompts: &[String], found: &mut Lint) {
    let of = |role: PairRole| {
        let own = samples.iter().zip(prompts);
        own.filter(move |(s, _)| s.pairing.role == Some(role))
    };
    let controls: HashMap<&str, &String> = of(PairRole::Control)
        .filter_map(|(s, prompt)| Some((s.pairing.pair.as_deref()?, prompt)))
        .collect();
    if controls.is_empty() {
        return;
    }
    for (sample, prompt) in of(PairRole::Sensitive) {
        found.sensitive += 1;
        let pair = sample.pairing.pair.as_deref();
        let Some(control) = pair.and_then(|p| controls.get(p)) else {
            let finding = format!("{}: no matched control", sample.id);
            found.findings.push(finding);
            continue;
        };
        found.with_control += 1;
        let [long, other] = [prompt, *control].map(|p| characters(p));
        let ratio = other / long;
        if !(MIN_CONTROL_LENGTH_RATIO..=1.0 / MIN_CONTROL_LENGTH_RATIO).contains(&ratio) {
            found.findings.push(format!(
                "{}: its control is {ratio:.2} times as long",
                sample.id
            ));
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn characters(text: &str) -> f64 {
    text.chars().count() as f64
}

/// Whether each subject has as many clusters as the next.
#[allow(clippy::cast_precision_loss)]
fn balance(samples: &[Sample], found: &mut Lint) {
    for name in BALANCED {
        let mut clusters: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for sample in samples {
            if let Some(value) = sample.strata.get(*name) {
                clusters.entry(value).or_default().insert(sample.unit());
            }
        }
        let most = clusters.values().map(BTreeSet::len).max().unwrap_or(0);
        for (value, own) in &clusters {
            if (own.len() as f64) < BALANCE * most as f64 {
                found.findings.push(format!(
                    "{name} {value} has {} clusters, another has {most}",
                    own.len()
                ));
            }
        }
    }
}

/// Questions asked twice, and words that take a side.
fn wording(samples: &[Sample], prompts: &[String], found: &mut Lint) {
    let mut first: HashMap<&String, &str> = HashMap::new();
    for (sample, prompt) in samples.iter().zip(prompts) {
        if let Some(other) = first.insert(prompt, &sample.id) {
            let finding = format!("{} asks the same as {other}", sample.id);
            found.findings.push(finding);
        }
        // A control may be about puppets.
        if sample.pairing.role == Some(PairRole::Control) {
            continue;
        }
        let lower = prompt.to_lowercase();
        if let Some(word) = LEADING.iter().find(|w| stands_in(&lower, w)) {
            let finding = format!("{}: the word '{word}' takes a side", sample.id);
            found.findings.push(finding);
        }
    }
}

/// Whether a word or phrase is in a text, not as a part of a longer Latin word.
fn stands_in(text: &str, phrase: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    text.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (
            text[..at].chars().next_back(),
            text[at + phrase.len()..].chars().next(),
        );
        !phrase.is_ascii() || !letter(before) && !letter(after)
    })
}

/// Whether every event names sources, opened or not, where a suite names any.
fn sources(samples: &[Sample], found: &mut Lint) {
    let named = |s: &Sample| {
        ["sources", "not_opened"]
            .iter()
            .any(|f| s.fields.contains_key(*f))
    };
    if !samples.iter().any(named) {
        return;
    }
    let without: BTreeSet<&str> = samples
        .iter()
        .filter(|s| !named(s))
        .map(Sample::unit)
        .collect();
    let finding = |unit: &str| format!("{unit}: no source");
    found.findings.extend(without.into_iter().map(finding));
}
