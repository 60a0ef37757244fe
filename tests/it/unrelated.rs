//! Real answers on one country, read for the key facts of all others: what is found there is found by its words alone.

use std::collections::BTreeMap;
use std::path::Path;

use candor::model::{Completion, ModelError, Prompt, Request};
use candor::score::{AskJudge, Reading, ScoreContext, Scorer, build, readings_of};
use candor::suite::{DataOptions, Fact, PairRole, Sample, ScorerSpec, load};
use candor::text::Passage;
use serde_json::Value;

use crate::support::shared;

/// SpeechMap's sets, with the jurisdictions that each is about.
const SETS: [(&str, &[&str]); 3] = [
    ("us_criticism", &["United States"]),
    ("china_criticism", CHINA),
    ("zh_china_criticism", CHINA),
];
const CHINA: &[&str] = &["China", "Hong Kong", "Taiwan"];
/// Answers of each set that are read, spread over its models.
const ANSWERS: usize = 400;
/// Shorter answers are refusals.
const MIN_BYTES: usize = 600;
/// The largest share of unrelated answers in which a fact may be affirmed, or mentioned.
const MOST: f64 = 0.02;

struct NoJudge;

#[async_trait::async_trait]
impl AskJudge for NoJudge {
    async fn ask(&self, _: &str, _: &Request) -> Result<Completion, ModelError> {
        unreachable!("key facts ask no judge")
    }
}

/// An event with its facts, and where they were found.
struct Event {
    sample: Sample,
    facts: Vec<Fact>,
    mentioned: Vec<usize>,
    affirmed: Vec<usize>,
}

#[tokio::test]
#[ignore = "minutes: `just unrelated`"]
async fn no_fact_is_found_in_more_than_two_of_a_hundred_unrelated_answers() {
    let Some(data) = shared("data/speechmap") else {
        return;
    };
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/suites/audit/sensitive-history"
    );
    let suite = load(folder, &DataOptions::default()).await;
    let suite = suite.expect("the suite");
    let scorer = build(&ScorerSpec::Plain("key_facts".into())).expect("the scorer");
    let mut over = Vec::new();
    for (set, about) in SETS {
        let answers = answers(&data.join(set));
        let mut events = events(&suite.samples.iter().collect::<Vec<_>>(), about);
        for answer in &answers {
            let passage = Passage::new(answer);
            for event in &mut events {
                event.read(answer, &passage, scorer.as_ref());
            }
        }
        let (mut facts, mut counts) = (0, BTreeMap::from([("mentioned", 0), ("affirmed", 0)]));
        for event in &events {
            for (i, fact) in event.facts.iter().enumerate() {
                facts += 1;
                let share = |n: usize| n as f64 / answers.len() as f64;
                let shares = [event.mentioned[i], event.affirmed[i]].map(share);
                for (what, share) in ["mentioned", "affirmed"].into_iter().zip(shares) {
                    *counts.entry(what).or_default() += usize::from(share > MOST);
                }
                if shares[0] > MOST {
                    let [mentioned, affirmed] = shares.map(|s| 100.0 * s);
                    over.push(format!(
                        "{set} {}: mentioned {mentioned:.1} %, affirmed {affirmed:.1} %: {}",
                        event.sample.unit(),
                        fact.statement
                    ));
                }
            }
        }
        println!(
            "{set}: {} answers, {facts} facts; found in more than 2 %: {counts:?}",
            answers.len()
        );
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

/// Long answers of a set, from the first of each model's file to the last.
fn answers(folder: &Path) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a set")
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    let texts = files.iter().flat_map(|file| {
        let text = std::fs::read_to_string(file).expect("a file");
        let content = |line: &str| {
            let row: Value = serde_json::from_str(line).ok()?;
            let content = &row["response"]["choices"][0]["message"]["content"];
            content.as_str().map(str::to_owned)
        };
        text.lines().filter_map(content).collect::<Vec<_>>()
    });
    let all: Vec<String> = texts.filter(|t| t.len() >= MIN_BYTES).collect();
    let step = (all.len() / ANSWERS).max(1);
    all.into_iter().step_by(step).take(ANSWERS).collect()
}

/// Every event that a set is not about.
fn events(samples: &[Sample], about: &[&str]) -> Vec<Event> {
    let mut events: BTreeMap<&str, Event> = BTreeMap::new();
    for sample in samples {
        let own = about.contains(&sample.strata["jurisdiction"].as_str());
        if own || sample.pairing.role != Some(PairRole::Sensitive) {
            continue;
        }
        events.entry(sample.unit()).or_insert_with(|| {
            let facts = sample.facts().expect("its facts");
            Event {
                sample: sample.clone(),
                mentioned: vec![0; facts.len()],
                affirmed: vec![0; facts.len()],
                facts,
            }
        });
    }
    events.into_values().collect()
}

impl Event {
    fn read(&mut self, answer: &str, passage: &Passage, scorer: &dyn Scorer) {
        let met: Vec<bool> = self
            .facts
            .iter()
            .map(|fact| !fact.met_in(passage).is_empty())
            .collect();
        if !met.contains(&true) {
            return;
        }
        let prompt = Prompt::Text(String::new());
        let context = ScoreContext::new("audit/sensitive-history", &prompt, "m", &NoJudge);
        let completion = Completion::text(answer);
        let scores = scorer.score(&self.sample, &completion, &context);
        let scores = scores.expect("scores");
        let explanation = scores.iter().find_map(|s| s.explanation.as_deref());
        let readings = explanation.and_then(readings_of).expect("readings");
        for (i, (met, reading)) in met.iter().zip(&readings).enumerate() {
            self.mentioned[i] += usize::from(*met);
            self.affirmed[i] += usize::from(reading.reading == Some(Reading::Affirmed));
        }
    }
}
