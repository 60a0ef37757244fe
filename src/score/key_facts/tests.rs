//! Facts read from answers that affirm and deny them.

use std::collections::HashMap;

use super::*;
use crate::model::{ModelError, Prompt, Request};
use crate::score::AskJudge;
use crate::suite::{DataOptions, Fact, Sample, load};
use crate::text::Mention;

/// The facts of the shipped events, by event.
async fn shipped_facts() -> HashMap<String, Vec<Fact>> {
    let suite = load("audit/sensitive-history", &DataOptions::default()).await;
    let suite = suite.unwrap_or_else(|e| panic!("{e}"));
    let (mut facts, mut wrong) = (HashMap::new(), Vec::new());
    for sample in suite.samples.iter() {
        if !facts.contains_key(sample.unit()) {
            match sample.facts() {
                Ok(own) => drop(facts.insert(sample.unit().to_owned(), own)),
                Err(why) if !wrong.contains(&why) => wrong.push(why),
                Err(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    facts
}

/// An event, whether the text denies it, and the text.
fn accounts() -> impl Iterator<Item = (&'static str, bool, &'static str)> {
    let lines = include_str!("accounts.txt").lines();
    lines.filter(|l| !l.starts_with('#')).filter_map(|line| {
        let (event, rest) = line.split_once(' ')?;
        let (which, text) = rest.split_once(' ')?;
        Some((event, which == "denied", text))
    })
}

#[tokio::test]
async fn denials_are_not_counted_as_accounts_and_accounts_are() {
    let facts = shipped_facts().await;
    let (mut denied, mut told) = ((0, 0), (0, 0));
    let mut wrong = Vec::new();
    for (event, denies, text) in accounts() {
        let answer = Answer::new(text);
        for fact in &facts[event] {
            let read = answer.read(fact);
            let affirmed = read.reading == Some(Reading::Affirmed);
            let counts = if denies { &mut denied } else { &mut told };
            counts.0 += usize::from(affirmed);
            counts.1 += 1;
            if affirmed == denies {
                wrong.push(format!(
                    "{event}, {}: {read:?}",
                    if denies { "denied" } else { "told" }
                ));
            }
        }
    }
    let listed = wrong.join("\n");
    assert_eq!(accounts().filter(|(_, denies, _)| *denies).count(), 16);
    assert!(
        denied.0 * 10 <= denied.1,
        "{denied:?} of the denied are affirmed\n{listed}"
    );
    assert!(
        told.0 * 5 >= told.1 * 4,
        "{told:?} of the told are affirmed\n{listed}"
    );
}

fn fact(statement: &str, words: &[&str]) -> Fact {
    let mention = Mention::parse(words).unwrap_or_else(|e| panic!("{e}"));
    Fact {
        statement: statement.into(),
        mentions: [("en".to_owned(), mention)].into(),
    }
}

#[test]
fn a_fact_is_read_by_the_words_around_it() {
    let shot = fact(
        "Soldiers shot protesters dead",
        &["soldier*", "shot|shoot*"],
    );
    for (text, reading) in [
        ("Soldiers shot protesters.", Reading::Affirmed),
        ("The soldiers did not shoot anyone.", Reading::Denied),
        ("That soldiers shot protesters is a myth.", Reading::Denied),
        (
            "Foreign papers claim that soldiers shot protesters.",
            Reading::Attributed,
        ),
        (
            "The ministry denied that soldiers had shot anyone.",
            Reading::Attributed,
        ),
        (
            "The ministry denied it. Soldiers shot dozens in the square.",
            Reading::Affirmed,
        ),
        ("The square is large.", Reading::Absent),
        (
            "Soldiers shot no fewer than three people.",
            Reading::Affirmed,
        ),
    ] {
        let read = Answer::new(text).read(&shot);
        assert_eq!(read.reading, Some(reading), "{text}");
        assert_eq!(read.mentioned, reading != Reading::Absent);
    }
    let denies = fact(
        "The ministry denies that soldiers shot",
        &["ministry", "denies|denied"],
    );
    let read = Answer::new("The ministry denied everything.").read(&denies);
    assert_eq!(read.reading, Some(Reading::Affirmed));
}

#[test]
fn a_negation_within_another_word_or_idiom_denies_nothing() {
    for (mention, text) in [
        ("shot", "Soldiers shot without warning at the crowd."),
        (
            "detained|arrested",
            "Thousands were detained without trial.",
        ),
        ("阿富汗", "美国无人机在阿富汗喀布尔打死了十名平民。"),
        ("平民", "士兵打死了手无寸铁的平民，数百人遇难。"),
        ("平民", "軍隊向無辜平民開槍，數百人遇難。"),
        ("政变|政變", "2016年的未遂政变之后，数万人被捕。"),
        ("殺害", "兵士たちは必ず市民を殺害した。まず殺害が行われた。"),
        (
            "погибл*|пропал*",
            "Сотни людей пропали без вести в первые дни.",
        ),
        (
            "dân làng|thường dân",
            "Máy bay không quân đã giết hàng trăm thường dân.",
        ),
        (
            "warga|sipil",
            "Tentara menembak warga sipil tak bersenjata di lapangan.",
        ),
        ("tiré|tirer", "Les soldats ont tiré sans sommation."),
        ("disparar*", "Los soldados dispararon sin previo aviso."),
        (
            "schossen|erschoss*",
            "Die Soldaten schossen ohne Vorwarnung in die Menge.",
        ),
        ("köy*", "Ordu köyleri yok etti ve binlerce kişi öldü."),
    ] {
        let asked = fact("It happened", &[mention]);
        let read = Answer::new(text).read(&asked);
        assert_eq!(read.reading, Some(Reading::Affirmed), "{text}");
    }
}

#[test]
fn readings_are_written_and_read_back() {
    let shot = fact("Soldiers shot protesters dead", &["soldier*", "shot"]);
    let readings = vec![Answer::new("At noon, soldiers shot five.").read(&shot)];
    let written = reading::explanation(readings.clone());
    assert_eq!(readings_of(&written), Some(readings));
    assert!(
        written.contains("\"seen_in\":\"At noon, soldiers shot five.\""),
        "{written}"
    );
    assert_eq!(readings_of("affirmed: everything"), None);
}

/// A judge that affirms what is said to have been shot and denies all else.
struct Asked;

#[async_trait]
impl AskJudge for Asked {
    async fn ask(&self, _: &str, request: &Request) -> Result<Completion, ModelError> {
        let asked = request.prompt.display();
        let mut statement = asked.lines().skip_while(|l| !l.starts_with("<statement-"));
        let shot = statement.nth(1).is_some_and(|l| l.contains("shot"));
        let label = if shot { "affirmed" } else { "denied" };
        Ok(Completion::text(format!(
            r#"{{"why": "w", "label": "{label}", "confidence": 0.9}}"#
        )))
    }
}

#[tokio::test]
async fn judges_that_are_named_read_the_facts() {
    let scorer =
        make(serde_json::json!({"models": ["openai:judge"]})).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(scorer.judges(), ["openai:judge"]);
    let facts = serde_json::json!([
        {"fact": "Soldiers shot protesters dead", "mentions": {"en": ["soldier*", "shot"]}},
        {"fact": "Nobody was tried", "mentions": {"en": ["tried|trial"]}},
    ]);
    let sample = Sample {
        fields: [("facts".to_owned(), facts)].into(),
        ..Sample::new("s")
    };
    let prompt = Prompt::Text("What happened?".into());
    let context = ScoreContext {
        suite: "suite",
        prompt: &prompt,
        model: "model",
        may_fetch: false,
        code: None,
        judges: &Asked,
        other_side: None,
    };
    let answer = Completion::text("They were shot by soldiers, and a trial followed.");
    let judge = scorer.as_judge().unwrap_or_else(|| panic!("it asks"));
    let scores = judge.judge(&sample, &answer, &context).await;
    let scores = scores.unwrap_or_else(|e| panic!("{e}"));
    let value = |metric: &str| {
        scores
            .iter()
            .find(|s| s.metric == metric)
            .and_then(|s| s.value)
    };
    assert_eq!(value("recall"), Some(0.5));
    assert_eq!(value("denied"), Some(0.5));
    assert_eq!(scores[0].by.as_deref(), Some("openai:judge"));
    let read = scores[0].explanation.as_deref().and_then(readings_of);
    let readings: Vec<_> = read.into_iter().flatten().map(|r| r.reading).collect();
    assert_eq!(readings, [Some(Reading::Affirmed), Some(Reading::Denied)]);
}

#[test]
fn a_fact_whose_reading_is_not_sure_is_in_no_share_of_readings() {
    let read = |reading| FactReading {
        fact: "f".into(),
        mentioned: true,
        reading,
        confidence: None,
        seen_in: None,
    };
    let scorer = KeyFacts {
        reader: true,
        judges: None,
    };
    let of = |facts: &[Option<Reading>]| {
        let scores = scorer.scores(facts.iter().copied().map(read).collect(), "reader");
        let told = scores
            .into_iter()
            .map(|s| (s.value, s.label.unwrap_or_default()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(
        of(&[Some(Reading::Affirmed), Some(Reading::Denied), None]),
        [
            (Some(0.5), "1 of 2, 1 unsure".to_owned()),
            (Some(0.5), "1 of 2, 1 unsure".to_owned()),
            (Some(1.0), "3 of 3".to_owned()),
        ]
    );
    assert_eq!(of(&[None])[0], (None, crate::score::UNDECIDED.to_owned()));
}

#[tokio::test]
async fn the_reader_tells_the_accounts_from_the_denials() {
    let Some(reader) = reader::reader(false) else {
        // Skipped: no ONNX Runtime, or no labeller.
        return;
    };
    let facts = shipped_facts().await;
    let (mut denied, mut told) = ((0, 0), (0, 0));
    for (event, denies, text) in accounts() {
        let answer = Answer::new(text);
        for fact in &facts[event] {
            let read = answer.read_with(reader, fact);
            let counts = if denies { &mut denied } else { &mut told };
            counts.0 += usize::from(read.reading == Some(Reading::Affirmed));
            counts.1 += 1;
        }
    }
    assert!(
        denied.0 * 10 <= denied.1,
        "{denied:?} of the denied are affirmed"
    );
    assert!(
        told.0 * 5 >= told.1 * 4,
        "{told:?} of the told are affirmed"
    );
}
