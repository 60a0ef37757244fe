//! BLEU, chrF, chrF++ and TER are sacreBLEU's, on 200 generated pairs: `tests/golden/translation.jsonl`, which `translation.py` beside it
//! wrote.

use std::fs;
use std::path::Path;

use candor::model::{Completion, ModelError, Prompt, Request};
use candor::score::{self, AskJudge, CorpusTally, Score, ScoreContext};
use candor::suite::{Sample, ScorerSpec};
use serde_json::{Value, json};

const METRICS: [&str; 4] = ["bleu", "chrf", "chrf++", "ter"];

struct Nobody;

#[async_trait::async_trait]
impl AskJudge for Nobody {
    async fn ask(&self, judge: &str, _: &Request) -> Result<Completion, ModelError> {
        panic!("{judge} is asked")
    }
}

/// The scores of an answer by a task that has all four metrics.
fn scores(answer: &str, reference: &str) -> Vec<Score> {
    let metrics: Vec<Value> = METRICS.iter().map(|m| json!({"metric": m})).collect();
    let options = json!({
        "task": "translation", "dataset_path": "x", "test_split": "test", "output_type": "generate_until",
        "doc_to_text": "{{reference}}", "doc_to_target": "reference", "metric_list": metrics,
    });
    let spec = ScorerSpec::With([("lm_eval".to_owned(), options)].into());
    let scorer = score::build(&spec).expect("a scorer");
    let mut sample = Sample::new("0");
    sample.fields.insert("reference".into(), reference.into());
    let prompt = Prompt::Text(String::new());
    let context = ScoreContext::new("translation", &prompt, "x", &Nobody);
    scorer
        .score(&sample, &Completion::text(answer), &context)
        .expect("scored")
}

fn figure(metric: &str, tally: &CorpusTally) -> f64 {
    tally
        .value(score::aggregate_of("lm_eval", metric))
        .expect("a figure")
}

#[test]
fn figures_of_translations_are_sacrebleus() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/translation.jsonl");
    let text = fs::read_to_string(path).expect("the pairs");
    let rows: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let (corpus, pairs) = rows.split_last().expect("rows");
    let mut whole = [(); 4].map(|()| CorpusTally::default());
    for pair in pairs {
        let own = scores(
            pair["answer"].as_str().unwrap(),
            pair["reference"].as_str().unwrap(),
        );
        for ((metric, score), tally) in METRICS.iter().zip(&own).zip(&mut whole) {
            assert_eq!(score.metric, *metric);
            let label = score.label.as_deref().expect("statistics");
            tally.add(label);
            let mut alone = CorpusTally::default();
            alone.add(label);
            let (got, wanted) = (figure(metric, &alone), pair[*metric].as_f64().unwrap());
            assert!(
                (got - wanted).abs() < 1e-6,
                "{metric} is {got}, not {wanted}: {pair}"
            );
        }
    }
    for (metric, tally) in METRICS.iter().zip(&whole) {
        let (got, wanted) = (
            figure(metric, tally),
            corpus["corpus"][*metric].as_f64().unwrap(),
        );
        assert!(
            (got - wanted).abs() < 1e-6,
            "{metric} of the corpus is {got}, not {wanted}"
        );
    }
    assert_eq!(pairs.len(), 200);
}
