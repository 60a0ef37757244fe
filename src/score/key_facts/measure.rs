//! How well statements are read: over the cases of `tests/fixtures/statements`, held out by event.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::context::Context;
use super::reader::{Reader, decided};
use super::rules::Answer;
use super::{FactReading, Reading, names};
use crate::suite::{DataOptions, Fact, Sample, load};
use crate::text::Passage;

/// An answer about an event, and how it relates to each of the event's facts.
#[derive(Debug, Deserialize)]
struct Case {
    event: String,
    language: String,
    answer: String,
    readings: Vec<Reading>,
}

fn lines<T: for<'d> Deserialize<'d>>(name: &str) -> Vec<T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/statements");
    let text = std::fs::read_to_string(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let read =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
    text.lines().map(read).collect()
}

/// The facts of each event, and its names.
fn events() -> HashMap<String, (Vec<Fact>, Vec<String>)> {
    let rows: Vec<BTreeMap<String, Value>> = lines("facts.jsonl");
    let row = |fields: BTreeMap<String, Value>| {
        let id = fields["id"].as_str().unwrap_or_default().to_owned();
        let sample = Sample {
            fields,
            ..Sample::new(id.clone())
        };
        let facts = sample.facts().unwrap_or_else(|e| panic!("{e}"));
        (id, (facts, names(&sample)))
    };
    rows.into_iter().map(row).collect()
}

/// A fact of a case: how it relates to it, and how it was read.
struct Outcome {
    event: String,
    language: String,
    want: Reading,
    got: Reading,
    sure: bool,
    kind: Kind,
}

/// What an answer does with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Affirms or leaves out, at least two facts affirmed.
    Account,
    /// Denies or leaves out, at least two facts denied.
    Denial,
    Other,
}

impl Kind {
    fn of(readings: &[Reading]) -> Self {
        let only = |reading| {
            let own = readings.iter().filter(|r| **r == reading).count();
            own > 1
                && readings
                    .iter()
                    .all(|r| *r == reading || *r == Reading::Absent)
        };
        match (only(Reading::Affirmed), only(Reading::Denied)) {
            (true, _) => Self::Account,
            (_, true) => Self::Denial,
            _ => Self::Other,
        }
    }
}

/// Every fact of every case, read by rules alone or by the reader. A reading that is not sure is the likeliest one.
fn results(file: &str, with: Option<&Reader>) -> Vec<Outcome> {
    let events = events();
    let mut results = Vec::new();
    for case in lines::<Case>(file) {
        let (facts, names) = &events[&case.event];
        let answer = Answer::new(&case.answer);
        let kind = Kind::of(&case.readings);
        let read = answer.read_all(facts, names, with);
        for ((fact, read), want) in facts.iter().zip(read).zip(&case.readings) {
            let likeliest = || {
                let evidence = answer.evidence(fact)?;
                let found = with?.probabilities(&evidence).ok()?;
                Some(decided(&evidence, &found).likeliest)
            };
            let got = read.reading.or_else(likeliest);
            results.push(Outcome {
                event: case.event.clone(),
                language: case.language.clone(),
                want: *want,
                got: got.unwrap_or(Reading::Absent),
                sure: read.reading.is_some(),
                kind,
            });
        }
    }
    results
}

/// The mean of the four readings' F1.
#[allow(clippy::cast_precision_loss)]
fn macro_f1(results: &[&Outcome]) -> f64 {
    let count = |of: &dyn Fn(&Outcome) -> bool| results.iter().filter(|r| of(r)).count() as f64;
    let f1 = |reading| {
        let hit = count(&|r| r.want == reading && r.got == reading);
        let told = count(&|r| r.got == reading) + count(&|r| r.want == reading);
        2.0 * hit / told.max(1.0)
    };
    Reading::ALL.map(f1).iter().sum::<f64>() / 4.0
}

/// The share of those that are read as affirmed.
#[allow(clippy::cast_precision_loss)]
fn affirmed(results: &[&Outcome]) -> f64 {
    let hit = results
        .iter()
        .filter(|r| r.got == Reading::Affirmed && r.sure)
        .count();
    hit as f64 / results.len().max(1) as f64
}

/// A figure with its 95 % interval: of 2,000 draws of events with replacement, seeded.
fn interval(results: &[&Outcome], figure: Figure) -> String {
    let mut events: Vec<&str> = results.iter().map(|r| r.event.as_str()).collect();
    events.sort_unstable();
    events.dedup();
    let mut state = 42_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        events[usize::try_from(state >> 33).unwrap_or(0) % events.len()]
    };
    let mut drawn: Vec<f64> = (0..2000)
        .map(|_| {
            let some = (0..events.len()).flat_map(|_| {
                let event = draw();
                results.iter().copied().filter(move |r| r.event == event)
            });
            figure(&some.collect::<Vec<_>>())
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    format!(
        "{:.3} [{:.3}, {:.3}] (n {})",
        figure(results),
        drawn[50],
        drawn[1949],
        results.len()
    )
}

/// Prints the figures of docs/suites.md: `cargo test --lib key_facts::measure::figures -- --ignored --nocapture`.
#[test]
#[ignore = "prints figures, in some minutes"]
fn figures() {
    let reader = super::reader::reader(false);
    for file in ["validation.jsonl", "test.jsonl", "denials.jsonl"] {
        for (name, with) in [("rules", None), ("reader", reader)] {
            println!("## {file}, {name}");
            print_figures(&results(file, with));
        }
    }
}

type Figure = fn(&[&Outcome]) -> f64;

fn print_figures(all: &[Outcome]) {
    let of = |keep: &dyn Fn(&Outcome) -> bool| all.iter().filter(|r| keep(r)).collect::<Vec<_>>();
    let denied = of(&|r| r.kind == Kind::Denial && r.want == Reading::Denied);
    let told = of(&|r| r.kind == Kind::Account && r.want == Reading::Affirmed);
    let figures: [(&str, Vec<&Outcome>, Figure); 4] = [
        ("macro F1, every case", of(&|_| true), macro_f1),
        ("macro F1, where sure", of(&|r| r.sure), macro_f1),
        ("denials: facts affirmed", denied, affirmed),
        ("accounts: facts affirmed", told, affirmed),
    ];
    for (name, outcomes, figure) in figures {
        if !outcomes.is_empty() {
            println!("{name:25} {}", interval(&outcomes, figure));
        }
    }
    for want in Reading::ALL {
        let row = Reading::ALL.map(|got| of(&|r| r.want == want && r.got == got).len());
        println!("{:10} read as {row:?}", want.name());
    }
    let mut languages: Vec<&str> = all.iter().map(|r| r.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    for language in languages {
        let own = of(&|r| r.language == language && r.want == Reading::Affirmed);
        print!("{language} {:.2} of {}; ", affirmed(&own), own.len());
    }
    println!("(facts affirmed, read so)");
}

/// Counts how often facts are affirmed in answers to other questions: `SPEECHMAP` names the folder of its answers.
#[tokio::test]
#[ignore = "needs SpeechMap's answers"]
async fn unrelated_answers() {
    let folder = std::env::var("SPEECHMAP").unwrap_or_else(|e| panic!("{e}"));
    let suite = load("audit/sensitive-history", &DataOptions::default()).await;
    let suite = suite.unwrap_or_else(|e| panic!("{e}"));
    let reader = super::reader::reader(false);
    for (set, about) in [
        ("us_criticism", "United States"),
        ("china_criticism", "China"),
        ("zh_china_criticism", "China"),
    ] {
        let texts = answers(&Path::new(&folder).join(set), 4);
        let answers: Vec<Answer> = texts.iter().map(|a| Answer::new(a)).collect();
        let mut seen = BTreeSet::new();
        // How often each fact is affirmed by rules, and by the reader.
        let mut affirmed: Vec<(String, [usize; 2])> = Vec::new();
        for sample in suite.samples.iter() {
            let elsewhere = sample
                .strata
                .get("jurisdiction")
                .is_some_and(|j| j != about);
            if !elsewhere || !seen.insert(sample.unit().to_owned()) {
                continue;
            }
            let facts = sample.facts().unwrap_or_else(|e| panic!("{e}"));
            let mut counts = vec![[0; 2]; facts.len()];
            for answer in &answers {
                let is = |read: &FactReading| read.reading == Some(Reading::Affirmed);
                let by_rules = answer.read_all(&facts, &names(&sample), None);
                if by_rules.iter().any(is) {
                    let read = answer.read_all(&facts, &names(&sample), reader);
                    for (count, (rules, read)) in counts.iter_mut().zip(by_rules.iter().zip(&read))
                    {
                        count[0] += usize::from(is(rules));
                        count[1] += usize::from(is(read));
                    }
                }
            }
            let named = |f: &Fact| format!("{}: {}", sample.unit(), f.statement);
            affirmed.extend(facts.iter().map(named).zip(counts));
        }
        let of = answers.len();
        println!("## {set}: {of} answers, {} facts", affirmed.len());
        for (by, name) in ["rules", "reader"].into_iter().enumerate() {
            let all: usize = affirmed.iter().map(|(_, n)| n[by]).sum();
            let often = affirmed.iter().filter(|(_, n)| n[by] * 50 > of).count();
            println!("{name}: {all} times affirmed; {often} facts in more than 2 % of answers");
        }
        for (fact, [_, n]) in affirmed.iter().filter(|(_, n)| n[1] * 50 > of) {
            println!("    {n} {fact}");
        }
    }
}

/// Long answers of each model in a folder of SpeechMap's, as many of each.
fn answers(folder: &Path, per_model: usize) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|e| panic!("{e}"))
        .flatten()
        .map(|f| f.path())
        .collect();
    files.sort();
    let text = |line: &str| {
        let row: Value = serde_json::from_str(line).ok()?;
        let text = row
            .pointer("/response/choices/0/message/content")?
            .as_str()?;
        (text.len() > 600).then(|| text.to_owned())
    };
    let of_model = |path: std::path::PathBuf| {
        let lines = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{e}"));
        let found: Vec<String> = lines.lines().filter_map(text).collect();
        let step = (found.len() / per_model).max(1);
        found
            .into_iter()
            .step_by(step)
            .take(per_model)
            .collect::<Vec<_>>()
    };
    files.into_iter().flat_map(of_model).collect()
}

/// A case of another's sentence (`models/statements/frames.py`).
#[derive(Debug, Deserialize)]
struct Derived {
    event: String,
    language: String,
    answer: String,
    readings: Vec<Option<Reading>>,
    framed: String,
    beside: String,
}

impl Derived {
    /// How it relates to a fact that is affirmed in the sentence it was made of, as the frame has it, or in the one beside it.
    fn reading(&self, fact: &Fact, framed: Reading) -> Option<Reading> {
        let has = |text: &str| !fact.met_in(&Passage::new(text)).is_empty();
        match (has(&self.framed), has(&self.beside)) {
            (true, false) => Some(framed),
            (false, true) => Some(Reading::Affirmed),
            _ => None,
        }
    }
}

/// Writes what the reader is trained on, into `STATEMENTS_OUT`; `STATEMENTS_FRAMED` names the output of `models/statements/frames.py`.
#[test]
#[ignore = "writes a file"]
fn evidence_for_training() {
    let path = |name: &str| std::env::var(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    let events = events();
    let mut rows = String::new();
    for split in ["train", "validation", "test"] {
        for (line, case) in lines::<Case>(&format!("{split}.jsonl")).iter().enumerate() {
            let answer = Answer::new(&case.answer);
            let about = serde_json::json!({"split": split, "answer": line, "event": case.event, "language": case.language});
            for (fact, want) in events[&case.event].0.iter().zip(&case.readings) {
                rows += &row(&about, &answer, fact, *want);
            }
        }
    }
    let framed =
        std::fs::read_to_string(path("STATEMENTS_FRAMED")).unwrap_or_else(|e| panic!("{e}"));
    for (line, text) in framed.lines().enumerate() {
        let case: Derived = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let answer = Answer::new(&case.answer);
        let about = serde_json::json!({"split": "framed", "answer": line, "event": case.event, "language": case.language});
        for (fact, framed) in events[&case.event].0.iter().zip(&case.readings) {
            if let Some(want) = framed.and_then(|r| case.reading(fact, r)) {
                rows += &row(&about, &answer, fact, want);
            }
        }
    }
    let out = path("STATEMENTS_OUT");
    std::fs::write(&out, rows).unwrap_or_else(|e| panic!("{out}: {e}"));
}

/// A line of what is read of a fact, with its right reading's number.
fn row(about: &Value, answer: &Answer, fact: &Fact, want: Reading) -> String {
    let mut row = about.clone();
    row["want"] = Value::from(want as usize);
    if let Some(evidence) = answer.evidence(fact) {
        row["rules"] = serde_json::json!(evidence.by_rules.map(|r| r as usize));
        row["whole"] = Value::from(evidence.whole);
        row["denies"] = Value::from(evidence.denies);
        row["statement"] = written(&evidence.statement);
        row["passage"] = written(&evidence.answer);
    }
    format!("{row}\n")
}

/// A text and its marks, in characters.
fn written(context: &Context) -> Value {
    let at = |byte: usize| context.text[..byte].chars().count();
    let marks = context.marks.iter();
    let marks: Vec<_> = marks
        .map(|(span, mark)| (at(span.start), at(span.end), *mark as usize))
        .collect();
    serde_json::json!([context.text, marks])
}
