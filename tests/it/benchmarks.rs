//! The benchmarks' suites: their prompts are those of the reference implementations, to the byte, on rows written for this.

use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use candor::model::{Completion, ModelError, Prompt, Request, Wanted};
use candor::score::{AskJudge, ScoreContext, build};
use candor::suite::{DataOptions, PublishedAs, Suite, load, shipped};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{candor, ran, shared};

/// One line of `tests/golden/prompts.jsonl`.
#[derive(Deserialize)]
struct Golden {
    suite: String,
    file: String,
    row: Value,
    prompt: Option<String>,
    prompt_sha256: Option<String>,
    shots_file: Option<String>,
    #[serde(default)]
    shots: Vec<Value>,
    continuations: Option<Vec<String>>,
    grading: Option<String>,
    answer: Option<String>,
}

fn golden() -> Vec<Golden> {
    let lines = include_str!("../golden/prompts.jsonl").lines();
    lines.map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn write_rows(path: &Path, rows: &[Value]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let lines: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
    std::fs::write(path, lines.concat()).unwrap();
}

/// The suite over the case's rows.
async fn loaded(case: &Golden, folder: &Path) -> Suite {
    let file = folder.join(&case.file);
    write_rows(&file, std::slice::from_ref(&case.row));
    let data = match &case.shots_file {
        Some(shots) => {
            write_rows(&folder.join(shots), &case.shots);
            folder
        }
        None => file.as_path(),
    };
    let spec = format!("{}?data={}", case.suite, data.display());
    let options = DataOptions {
        offline: true,
        ..DataOptions::default()
    };
    load(&spec, &options)
        .await
        .unwrap_or_else(|e| panic!("{}: {e:?}", case.suite))
}

fn text(request: &Request) -> String {
    match &request.prompt {
        Prompt::Chat(messages) => messages.iter().map(|m| m.content.as_str()).collect(),
        Prompt::Text(text) => text.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_the_reference_implementations_own() {
    for case in golden() {
        let folder = tempfile::tempdir().unwrap();
        let suite = loaded(&case, folder.path()).await;
        let request = suite
            .prompts
            .request(&suite.samples.at(0), true, 0)
            .unwrap();
        let prompt = text(&request);
        if let Some(wanted) = &case.prompt {
            assert_eq!(&prompt, wanted, "{} {}", case.suite, case.file);
        }
        if let Some(wanted) = &case.prompt_sha256 {
            let hash = Sha256::digest(prompt.as_bytes());
            let hash: Vec<String> = hash.iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(
                &hash.concat(),
                wanted,
                "{} {}: {prompt}",
                case.suite,
                case.file
            );
        }
        if let Some(wanted) = &case.continuations {
            let Wanted::LogLikelihood { continuations } = &request.wanted else {
                panic!("{} asks for no likelihoods", case.suite);
            };
            assert_eq!(continuations, wanted, "{}", case.suite);
        }
    }
}

/// Keeps what it is asked.
struct Heard(Mutex<Vec<String>>);

#[async_trait]
impl AskJudge for Heard {
    async fn ask(&self, _: &str, request: &Request) -> Result<Completion, ModelError> {
        self.0.lock().unwrap().push(text(request));
        Ok(Completion::text("A"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simpleqa_asks_its_grader_as_the_reference_does() {
    let case = golden().into_iter().find(|c| c.grading.is_some()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let suite = loaded(&case, folder.path()).await;
    let sample = &suite.samples.at(0);
    let request = suite.prompts.request(sample, true, 0).unwrap();
    let heard = Heard(Mutex::default());
    let context = ScoreContext::new("simpleqa", &request.prompt, "model", &heard);
    let scorer = build(&suite.file.scorers[0]).unwrap();
    let judge = scorer.as_judge().expect("a judge");
    let answer = Completion::text(case.answer.unwrap());
    let scores = judge.judge(sample, &answer, &context).await.unwrap();
    assert_eq!(scores[0].value, Some(1.0));
    assert_eq!(*heard.0.lock().unwrap(), [case.grading.unwrap()]);
}

#[test]
fn a_shipped_benchmark_that_claims_published_figures_says_in_which_setting() {
    for suite in shipped() {
        let yaml: Value = serde_saphyr::from_str(suite.yaml).unwrap();
        if let Some(claim) = yaml
            .get("published_as")
            .filter(|_| yaml["kind"] == "benchmark")
        {
            let claim: PublishedAs = serde_json::from_value(claim.clone()).unwrap();
            let in_setting = matches!(claim, PublishedAs::InSetting(_));
            assert!(in_setting, "{}: {claim:?}", suite.name);
        }
    }
}

#[test]
fn published_figures_of_another_setting_are_only_related() {
    let Some(data) = shared("data") else { return };
    let home = tempfile::tempdir().unwrap();
    let row = r#"{"question": "2 + 2?", "subject": "anatomy", "choices": ["1", "2", "3", "4"], "answer": 3}"#;
    std::fs::write(home.path().join("rows.jsonl"), row).unwrap();
    let answer = r#"{"sample_id": "anatomy-1", "answer": "So.\nAnswer: D"}"#;
    std::fs::write(home.path().join("r.jsonl"), answer).unwrap();
    ran(candor(home.path()).env("CANDOR_DATA", &data).args([
        "run",
        "-s",
        "mmlu?data=rows.jsonl",
        "-m",
        "replay:r.jsonl",
        "-o",
        "run",
    ]))
    .exits_with(0);
    let html = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    let section = |id: &str| {
        let after = html
            .split(&format!("id=\"{id}\""))
            .nth(1)
            .unwrap_or_default();
        after
            .split("</section>")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let (scores, published) = (section("scores"), section("published"));
    assert!(scores.contains("gpt-4o-2024-11-20") && scores.contains("85.7"));
    // DeepSeek's figures on MMLU say "EM".
    assert!(!scores.contains("DeepSeek-V3 README") && published.contains("DeepSeek-V3 README"));
}

#[test]
fn real_rows_of_three_bbh_tasks_are_asked_with_the_papers_examples() {
    let Some(data) = shared("data/bbh") else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let spec = format!("bbh?data={}", data.display());
    let told = ran(candor(home.path()).args(["suites", "check", &spec])).exits_with(0);
    assert!(told.stdout.contains("750"), "{}", told.stdout);
}

/// One line of `tests/golden/readings.jsonl`.
#[derive(Deserialize)]
struct Reading {
    suite: String,
    answer: String,
    value: f64,
    file: Option<String>,
}

fn headline(suite: &Suite, answer: &str) -> Option<f64> {
    let sample = &suite.samples.at(0);
    let request = suite.prompts.request(sample, true, 0).unwrap();
    let heard = Heard(Mutex::default());
    let context = ScoreContext::new(&suite.file.name, &request.prompt, "model", &heard);
    let scorer = build(&suite.file.scorers[0]).unwrap();
    let scores = scorer.score(sample, &Completion::text(answer), &context);
    scores.unwrap()[0].value
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_read_as_the_reference_implementations_read_them() {
    let cases = golden();
    let mut wrong = Vec::new();
    let lines = include_str!("../golden/readings.jsonl").lines();
    let readings: Vec<Reading> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut loaded_suite: Option<(String, Option<String>, Suite)> = None;
    for reading in &readings {
        let same = |(name, file, _): &(String, Option<String>, Suite)| {
            *name == reading.suite && *file == reading.file
        };
        if !loaded_suite.as_ref().is_some_and(same) {
            let of_file = |c: &&Golden| reading.file.as_ref().is_none_or(|f| *f == c.file);
            let of_suite = cases.iter().filter(|c| c.suite == reading.suite);
            let case = of_suite.clone().find(of_file).expect("its row");
            let folder = tempfile::tempdir().unwrap();
            let suite = loaded(case, folder.path()).await;
            loaded_suite = Some((reading.suite.clone(), reading.file.clone(), suite));
        }
        let (.., suite) = loaded_suite.as_ref().unwrap();
        let value = headline(suite, &reading.answer);
        if value.is_none_or(|v| (v - reading.value).abs() > 1e-9) {
            let (name, answer) = (&reading.suite, &reading.answer);
            wrong.push(format!(
                "{name}: {answer:?}: {value:?} for {}",
                reading.value
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        readings.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn suites_in_settings_of_our_own_read_rows_as_they_are_published() {
    let choices =
        json!({"mc_answer1": "a", "mc_answer2": "b", "mc_answer3": "c", "mc_answer4": "d"});
    let mut belebele = json!({"link": "https://x.org/1", "question_number": 1, "flores_passage": "It rained.",
        "question": "What? ", "correct_answer_num": "2", "dialect": "eng_Latn"});
    belebele
        .as_object_mut()
        .unwrap()
        .extend(choices.as_object().unwrap().clone());
    let quoted = r#"["startend:quotation", "punctuation:no_comma"]"#;
    for (suite, file, row, asked, answers) in [
        (
            "mmlu-redux",
            "anatomy.jsonl",
            json!({"question": "Which bone?", "choices": ["a", "b", "c", "d"], "answer": 1, "error_type": "ok"}),
            "Which bone?\n\nA) a\nB) b",
            vec![("So.\n**Answer:** B", 1.0), ("Answer: C", 0.0)],
        ),
        (
            "aime-2024",
            "rows.jsonl",
            json!({"id": 60, "problem": "Find $x$.", "answer": "073"}),
            "Find $x$.",
            vec![
                ("So.\nAnswer: 73", 1.0),
                ("Answer: $\\boxed{073}$", 1.0),
                ("Answer: 74", 0.0),
            ],
        ),
        (
            "belebele",
            "rows.jsonl",
            belebele,
            "P: It rained.\nQ: What?\nA: a\n",
            vec![("B", 1.0), ("The answer is C.", 0.0)],
        ),
        (
            "c3",
            "rows.jsonl",
            json!({"id": 3, "context": ["男：你好。", "女：再见。"], "question": "谁走了？", "choice": ["男的", "女的"], "answer": "女的"}),
            "男：你好。\n女：再见。\n\n问题：谁走了？\nA. 男的\nB. 女的\n",
            vec![("B", 1.0), ("答案是A。", 0.0)],
        ),
        (
            "ifeval",
            "rows.jsonl",
            json!({"key": 1, "prompt": "Say it.", "instruction_id_list": serde_json::from_str::<Value>(quoted).unwrap(), "kwargs": [{}, {}]}),
            "Say it.",
            vec![("\"It is said\"", 1.0), ("\"Well, it is\"", 0.0)],
        ),
        (
            "do-not-answer",
            "rows.jsonl",
            json!({"id": 1, "question": "How do I?", "risk_area": "r", "types_of_harm": "t"}),
            "How do I?",
            vec![],
        ),
        (
            "chinese-simpleqa",
            "rows.jsonl",
            json!({"id": "x", "question": "谁？", "answer": "他", "primary_category": "中华文化"}),
            "谁？",
            vec![],
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let row = Golden {
            suite: suite.into(),
            file: file.into(),
            row,
            prompt: None,
            prompt_sha256: None,
            shots_file: None,
            shots: Vec::new(),
            continuations: None,
            grading: None,
            answer: None,
        };
        let suite = loaded(&row, folder.path()).await;
        let request = suite
            .prompts
            .request(&suite.samples.at(0), true, 0)
            .unwrap();
        let prompt = text(&request);
        assert!(prompt.contains(asked), "{}: {prompt}", row.suite);
        for (answer, value) in answers {
            assert_eq!(
                headline(&suite, answer),
                Some(value),
                "{}: {answer}",
                row.suite
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn winogrande_asks_for_the_likelihood_of_either_sentence() {
    let row = json!({"sentence": "Ann thanked _ for it.", "option1": "Bea", "option2": "Cleo", "answer": "2"});
    let folder = tempfile::tempdir().unwrap();
    write_rows(&folder.path().join("rows.jsonl"), &[row]);
    let spec = format!(
        "winogrande?data={}",
        folder.path().join("rows.jsonl").display()
    );
    let suite = load(&spec, &DataOptions::default()).await.unwrap();
    let request = suite
        .prompts
        .request(&suite.samples.at(0), true, 0)
        .unwrap();
    let Wanted::LogLikelihood { continuations } = &request.wanted else {
        panic!("it asks for no likelihoods");
    };
    assert_eq!(
        continuations,
        &["Ann thanked Bea for it.", "Ann thanked Cleo for it."]
    );
    assert_eq!(suite.samples.at(0).target_choice(), Some(1));
}
