//! Task files of lm-evaluation-harness give what lm-evaluation-harness itself gave: requests, filtered answers, metrics, aggregates.
//!
//! The runs lie in `CANDOR_GOLDEN_LM_EVAL`, else beside the checkout in `golden/lm_eval`: `summary.json` with each run's options, resolved
//! configuration and results, `docs/` with its documents, `runs/TASK.SETTING.jsonl` with what was asked and answered.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candor::model::{Completion, ContinuationScore, Message, ModelError, Prompt, Request, Role};
use candor::score::{self, Aggregate, AskJudge, CorpusTally, Score, ScoreContext};
use candor::stats::standard_error_of_mean;
use candor::suite::{self, DataOptions, PromptBuilder, Requested, Sample, Suite};
use serde_json::{Map, Value, json};

use crate::support::shared;

/// How far figures may be apart.
const TOLERANCE: f64 = 1e-9;

fn golden() -> Option<PathBuf> {
    match std::env::var_os("CANDOR_GOLDEN_LM_EVAL") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => shared("golden/lm_eval"),
    }
}

/// The stub's chat template: its generation prompt follows unless the conversation ends with the model's own words.
fn chat(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        let role = match message.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        text.extend(["<|", role, "|>", &message.content, "<|end|>"]);
    }
    if messages.last().is_none_or(|m| m.role != Role::Assistant) {
        text += "<|assistant|>";
    }
    text
}

fn written(prompt: &Prompt) -> String {
    match prompt {
        Prompt::Text(text) => text.clone(),
        Prompt::Chat(messages) => chat(messages),
    }
}

/// A folder with the task's file and its documents, and the specification of the run.
fn laid_out(folder: &Path, golden: &Path, run: &Value) -> String {
    let config = run["config"].as_object().expect("a configuration");
    let own = config["task"].as_str().expect("a name");
    let task = run["task"].as_str().expect("a name");
    fs::write(
        folder.join("task.yaml"),
        serde_json::to_vec(config).expect("JSON"),
    )
    .expect("written");
    let documents = folder.join("docs").join(own);
    fs::create_dir_all(&documents).expect("made");
    let splits = [
        "training_split",
        "validation_split",
        "test_split",
        "fewshot_split",
    ];
    let asked = ["test_split", "validation_split"]
        .iter()
        .find_map(|key| config.get(*key)?.as_str());
    for split in splits.iter().filter_map(|key| config.get(*key)?.as_str()) {
        let is_few = ["train", "dev"].contains(&split) && Some(split) != asked;
        let kind = if is_few { "few" } else { "test" };
        let from = golden.join(format!("docs/{task}.{kind}.jsonl"));
        fs::copy(from, documents.join(format!("{split}.jsonl"))).expect("copied");
    }
    let options = &run["options"];
    let mut settings = vec![format!("data={}", folder.join("docs").display())];
    if options["apply_chat_template"] == true {
        let single = options["fewshot_as_multiturn"] == false;
        settings.push(format!(
            "chat={}",
            if single { "single" } else { "multiturn" }
        ));
    }
    if let Some(shots) = options["num_fewshot"].as_u64() {
        settings.push(format!("fewshot={shots}"));
    }
    if let Some(system) = options["system_instruction"].as_str() {
        settings.push(format!(
            "system={}",
            system
                .replace('%', "%25")
                .replace('&', "%26")
                .replace('#', "%23")
        ));
    }
    format!("lm-eval:{}#{own}?{}", folder.display(), settings.join("&"))
}

/// The arguments of lm-eval's requests for a sample.
fn arguments(suite: &Suite, sample: &Sample) -> Value {
    let PromptBuilder::Task(prompts) = &suite.prompts else {
        panic!("{} is not a task", suite.file.name);
    };
    match prompts.requested(sample).expect("rendered") {
        Requested::Generate(prompt, options) => json!([[written(&prompt), options]]),
        Requested::Rolling(text) => json!([[text]]),
        Requested::LogLikelihood(pairs) => pairs
            .iter()
            .map(|(prompt, text)| json!([written(prompt), text]))
            .collect(),
    }
}

/// The recorded answers as a model would give them.
fn completion(responses: &Value) -> Completion {
    let first = |response: &Value| response[0].clone();
    let answers: Vec<Value> = responses
        .as_array()
        .expect("a list")
        .iter()
        .map(first)
        .collect();
    if let Some(text) = answers[0].as_str() {
        return Completion::text(text);
    }
    let mut completion = Completion::text("");
    completion.continuations = answers
        .iter()
        .map(|answer| ContinuationScore {
            log_likelihood: answer[0].as_f64().or(answer.as_f64()).expect("a number"),
            is_greedy: answer[1] == true,
            tokens: 1,
        })
        .collect();
    completion
}

struct Nobody;

#[async_trait::async_trait]
impl AskJudge for Nobody {
    async fn ask(&self, judge: &str, _: &Request) -> Result<Completion, ModelError> {
        panic!("{judge} is asked")
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE * b.abs().max(1.0)
}

/// The run's documents by filter, in order.
fn lines(golden: &Path, run: &Value) -> BTreeMap<String, Vec<Value>> {
    let name = format!(
        "runs/{}.{}.jsonl",
        run["task"].as_str().expect("x"),
        run["setting"].as_str().expect("x")
    );
    let text = fs::read_to_string(golden.join(name)).expect("the run is there");
    let mut by_filter: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).expect("JSON");
        by_filter
            .entry(line["filter"].as_str().expect("a filter").to_owned())
            .or_default()
            .push(line);
    }
    by_filter
}

/// A metric's name under a filter, as candor has it.
fn metric(name: &str, filter: &str) -> String {
    if filter == "none" {
        name.to_owned()
    } else {
        format!("{name},{filter}")
    }
}

/// What a run gives, against what it gave.
async fn compare(golden: &Path, run: &Value) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let spec = laid_out(folder.path(), golden, run);
    let mut wrong = Vec::new();
    let suite = match suite::load(
        &spec,
        &DataOptions {
            offline: true,
            ..DataOptions::default()
        },
    )
    .await
    {
        Ok(suite) => suite,
        Err(error) => return vec![format!("not loaded: {error}")],
    };
    let scorer = score::build(&suite.file.scorers[0]).expect("a scorer");
    for (filter, documents) in lines(golden, run) {
        let mut values: BTreeMap<String, Vec<Score>> = BTreeMap::new();
        for document in &documents {
            let number = document["doc_id"].as_u64().expect("a number");
            let sample = &suite.samples.at(usize::try_from(number).expect("small"));
            let mut fields = Map::new();
            fields.extend(sample.fields.clone());
            if Value::Object(fields) != document["doc"] {
                wrong.push(format!("{filter} {number}: another document"));
            }
            let asked = arguments(&suite, sample);
            if asked != document["arguments"] {
                wrong.push(format!(
                    "{filter} {number}: asked {asked}\n  not {}",
                    document["arguments"]
                ));
            }
            let answer = completion(&document["resps"]);
            let prompt = Prompt::Text(String::new());
            let context = ScoreContext::new(&suite.file.name, &prompt, "stub", &Nobody);
            let scores = scorer.score(sample, &answer, &context).expect("scored");
            for name in document["metrics"]
                .as_array()
                .expect("metrics")
                .iter()
                .filter_map(Value::as_str)
            {
                let wanted = &document[name];
                let Some(own) = scores.iter().find(|s| s.metric == metric(name, &filter)) else {
                    wrong.push(format!("{filter} {number}: no {name}"));
                    continue;
                };
                let value = own.value.or_else(|| own.label.as_ref()?.parse().ok());
                if let (Some(wanted), Some(value)) = (wanted.as_f64(), value)
                    && !close(value, wanted)
                {
                    wrong.push(format!(
                        "{filter} {number}: {name} is {value}, not {wanted}"
                    ));
                }
                if wanted.is_number() && value.is_none() {
                    wrong.push(format!("{filter} {number}: {name} has no value"));
                }
                if name == "exact_match" && document["resps"][0][0].is_string() {
                    let filtered = &document["filtered_resps"][0];
                    if own.label.as_deref() != filtered.as_str() {
                        wrong.push(format!(
                            "{filter} {number}: filtered {:?}, not {filtered}",
                            own.label
                        ));
                    }
                }
                values.entry(name.to_owned()).or_default().push(own.clone());
            }
        }
        for (name, scores) in values {
            wrong.extend(summed(&name, &filter, &scores, &run["results"]));
        }
    }
    wrong
}

/// Aggregates and their standard errors.
fn summed(name: &str, filter: &str, scores: &[Score], results: &Value) -> Vec<String> {
    let aggregate = score::aggregate_of("lm_eval", &scores[0].metric);
    let numbers: Vec<f64> = scores.iter().filter_map(|s| s.value).collect();
    let value = if aggregate == Aggregate::Mean {
        #[allow(clippy::cast_precision_loss)]
        let n = numbers.len() as f64;
        Some(numbers.iter().sum::<f64>() / n)
    } else {
        let mut tally = CorpusTally::default();
        scores
            .iter()
            .filter_map(|s| s.label.as_deref())
            .for_each(|label| tally.add(label));
        tally.value(aggregate)
    };
    let mut wrong = Vec::new();
    let wanted = results[format!("{name},{filter}")].as_f64();
    if !value.zip(wanted).is_some_and(|(a, b)| close(a, b)) {
        wrong.push(format!("{name},{filter} is {value:?}, not {wanted:?}"));
    }
    // lm-eval bootstraps the errors of other figures, with draws of its own.
    if aggregate == Aggregate::Mean
        && let Some(wanted) = results[format!("{name}_stderr,{filter}")].as_f64()
    {
        let error = standard_error_of_mean(&numbers);
        if !error.is_some_and(|error| close(error, wanted)) {
            wrong.push(format!(
                "the error of {name},{filter} is {error:?}, not {wanted}"
            ));
        }
    }
    wrong
}

#[test]
fn tasks_ask_and_score_as_lm_eval_itself_does() {
    let Some(golden) = golden() else { return };
    let summary = fs::read_to_string(golden.join("summary.json")).expect("a summary");
    let runs: Vec<Value> = serde_json::from_str(&summary).expect("JSON");
    assert!(!runs.is_empty(), "{} has no runs", golden.display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut report = Vec::new();
    for run in &runs {
        let wrong = runtime.block_on(compare(&golden, run));
        if let Some(first) = wrong.first() {
            report.push(format!(
                "{} {}: {} differences, first: {first}",
                run["task"],
                run["setting"],
                wrong.len()
            ));
        }
    }
    assert!(
        report.is_empty(),
        "{} of {} runs differ:\n{}",
        report.len(),
        runs.len(),
        report.join("\n")
    );
}
