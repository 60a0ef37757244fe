//! lm-evaluation-harness: `MODEL/results_DATE.json`, and `MODEL/samples_TASK_DATE.jsonl` with a line per document and filter.
//!
//! A document's repetitions are one line, as lm-eval has them: their answers side by side, their scores averaged. Scores without a value, and figures
//! of a whole corpus, whose samples hold no score, are in the results alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::figures::Figure;
use super::files::{Output, file_name, json_line};
use super::{Answers, full_name, joined_name};
use crate::model::Completion;
use crate::report::ReportError;
use crate::report::transcripts::natural;
use crate::score::Aggregate;
use crate::store::TrialRecord;
use crate::text::hex;

/// The filter of a metric whose name tells none.
const NO_FILTER: &str = "none";

pub(super) fn write(answers: &Answers<'_>, output: &mut Output<'_>) -> Result<(), ReportError> {
    // lm-eval parts a name at its first and last `_`: a date has none.
    let date = answers
        .created
        .strftime("%Y-%m-%dT%H-%M-%S.%6f")
        .to_string();
    let folder = file_name(&answers.model.identity.name, "__");
    let task = file_name(&answers.suite.name, "__");
    let documents = Document::all(answers.trials);
    let mut lines = String::new();
    let mut hashes = String::new();
    for (number, document) in documents.iter().enumerate() {
        for filter in document.filters() {
            let line = document.line(number, &filter);
            for name in ["doc_hash", "prompt_hash", "target_hash"] {
                hashes += line[name].as_str().unwrap_or_default();
            }
            lines += &json_line(&line);
        }
    }
    output.write_text(&[&folder, &format!("samples_{task}_{date}.jsonl")], &lines)?;
    let results = results(answers, &task, documents.len(), &hash(&hashes));
    output.add_to_object(&[&folder, &format!("results_{date}.json")], results);
    Ok(())
}

fn hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Metric and filter of a name with the filter behind a comma.
fn parts(name: &str) -> (&str, &str) {
    name.rsplit_once(',').unwrap_or((name, NO_FILTER))
}

/// A question with all its trials.
struct Document<'a> {
    id: &'a str,
    /// By epoch.
    trials: Vec<&'a TrialRecord>,
}

impl<'a> Document<'a> {
    /// Every question, in natural order of their ids: a run asks them in an order that was drawn.
    fn all(trials: &'a [TrialRecord]) -> Vec<Self> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut all: Vec<Self> = Vec::new();
        for trial in trials {
            let at = *places.entry(&trial.sample).or_insert_with(|| {
                all.push(Self {
                    id: &trial.sample,
                    trials: Vec::new(),
                });
                all.len() - 1
            });
            all[at].trials.push(trial);
        }
        for document in &mut all {
            document.trials.sort_by_key(|trial| trial.epoch);
        }
        all.sort_by(|a, b| natural(a.id, b.id));
        all
    }

    fn first(&self) -> Option<&'a TrialRecord> {
        self.trials.first().copied()
    }

    /// The filters that its metrics' names tell; at least one, so that no answer is lost.
    fn filters(&self) -> Vec<String> {
        let mut filters: Vec<String> = Vec::new();
        for score in self.trials.iter().flat_map(|t| &t.scores) {
            let name = full_name(score);
            let filter = parts(&name).1;
            if filters.iter().all(|known| known != filter) {
                filters.push(filter.to_owned());
            }
        }
        if filters.is_empty() {
            filters.push(NO_FILTER.into());
        }
        filters
    }

    fn line(&self, number: usize, filter: &str) -> Value {
        let prompt = self.first().map(|t| t.prompt.display()).unwrap_or_default();
        let target = match self.first().map_or(&[][..], |t| t.targets.as_slice()) {
            [] => String::new(),
            [one] => one.clone(),
            several => json!(several).to_string(),
        };
        let strata = self.first().map(|t| &t.strata);
        let question = self.first().map(|t| t.prompt.question());
        let doc = json!({"id": self.id, "question": question, "strata": strata});
        let answers: Vec<&Completion> = self
            .trials
            .iter()
            .filter_map(|t| t.completion.as_ref())
            .collect();
        let continuations = answers.first().map_or(0, |c| c.continuations.len());
        let (arguments, resps, filtered) = if continuations > 0 {
            likelihoods(&prompt, &answers, continuations)
        } else {
            let said: Vec<&str> = answers.iter().map(|c| c.text.as_str()).collect();
            let read = self.read(filter).or(said.first().map(|s| (*s).to_owned()));
            let arguments = json!({"gen_args_0": {"arg_0": prompt, "arg_1": {}}});
            (arguments, json!([said]), json!([read.unwrap_or_default()]))
        };
        let metrics = self.metrics(filter);
        let id = self
            .id
            .parse::<u64>()
            .map_or_else(|_| json!(number), |n| json!(n));
        let mut line = json!({
            "doc_id": id,
            "doc": doc,
            "target": target,
            "arguments": arguments,
            "resps": resps,
            "filtered_resps": filtered,
            "filter": filter,
            "metrics": metrics.keys().collect::<Vec<_>>(),
            "doc_hash": hash(&doc.to_string()),
            "prompt_hash": hash(&prompt),
            "target_hash": hash(&target),
        });
        if let Value::Object(fields) = &mut line {
            fields.extend(metrics);
        }
        line
    }

    /// What a scorer read in the first answer, where it says so.
    fn read(&self, filter: &str) -> Option<String> {
        let scores = self.first()?.scores.iter();
        let mut own = scores.filter(|s| parts(&full_name(s)).1 == filter);
        own.find_map(|s| s.label.clone().or_else(|| s.explanation.clone()))
    }

    /// The metrics under a filter, each as the mean over the trials that have it.
    #[allow(clippy::cast_precision_loss)]
    fn metrics(&self, filter: &str) -> Map<String, Value> {
        let mut sums: Vec<(String, f64, usize)> = Vec::new();
        for score in self.trials.iter().flat_map(|t| &t.scores) {
            let name = full_name(score);
            let (metric, own) = parts(&name);
            let Some(value) = score.value.filter(|_| own == filter) else {
                continue;
            };
            match sums.iter_mut().find(|(known, ..)| known == metric) {
                Some((_, sum, n)) => {
                    *sum += value;
                    *n += 1;
                }
                None => sums.push((metric.to_owned(), value, 1)),
            }
        }
        let means = sums.into_iter();
        means
            .map(|(name, sum, n)| (name, json!(sum / n as f64)))
            .collect()
    }
}

/// Arguments, responses and filtered responses of a question whose continuations were scored: as texts, which is how lm-eval writes them.
fn likelihoods(prompt: &str, answers: &[&Completion], n: usize) -> (Value, Value, Value) {
    let shown = |answer: &Completion, at: usize| {
        let score = answer.continuations.get(at);
        let greedy = if score.is_some_and(|s| s.is_greedy) {
            "True"
        } else {
            "False"
        };
        let likelihood = score.map_or(f64::NAN, |s| s.log_likelihood);
        json!([format!("{likelihood:?}"), greedy])
    };
    let mut arguments = Map::new();
    for at in 0..n {
        let sent = json!({"arg_0": prompt, "arg_1": ""});
        arguments.insert(format!("gen_args_{at}"), sent);
    }
    let responses: Vec<Vec<Value>> = (0..n)
        .map(|at| answers.iter().map(|answer| shown(answer, at)).collect())
        .collect();
    let filtered: Vec<Value> = responses
        .iter()
        .filter_map(|repeats| repeats.first().cloned())
        .collect();
    (Value::Object(arguments), json!(responses), json!(filtered))
}

fn results(answers: &Answers<'_>, task: &str, documents: usize, task_hash: &str) -> Value {
    let Answers { model, suite, .. } = answers;
    let mut figures = Map::new();
    figures.insert("name".into(), task.into());
    figures.insert("alias".into(), suite.name.clone().into());
    figures.insert("sample_len".into(), documents.into());
    let (mut better, mut metrics) = (Map::new(), Vec::new());
    for Figure {
        scorer,
        metric,
        aggregate,
        estimate,
        ..
    } in answers.figures
    {
        let Ok(estimate) = estimate else { continue };
        let name = joined_name(scorer, metric);
        let (metric, filter) = parts(&name);
        let error = estimate.standard_error.map_or(json!("N/A"), |e| json!(e));
        figures.insert(format!("{metric},{filter}"), json!(estimate.value));
        figures.insert(format!("{metric}_stderr,{filter}"), error);
        let is_higher_better = !matches!(
            aggregate,
            Aggregate::Perplexity
                | Aggregate::WeightedPerplexity
                | Aggregate::BitsPerByte
                | Aggregate::Ter
        );
        better.insert(metric.to_owned(), is_higher_better.into());
        metrics.push(json!({"metric": metric, "higher_is_better": is_higher_better}));
    }
    let likelihoods = answers.trials.iter().filter_map(|t| t.completion.as_ref());
    let output_type = match likelihoods.map(|c| c.continuations.len()).max() {
        None | Some(0) => "generate_until",
        Some(1) => "loglikelihood",
        Some(_) => "multiple_choice",
    };
    #[allow(clippy::cast_precision_loss)]
    let date = answers.created.as_millisecond() as f64 / 1000.0;
    let folder = file_name(&model.identity.name, "__");
    let config = json!({
        "task": task,
        "dataset_path": suite.source,
        "output_type": output_type,
        "metric_list": metrics,
        "metadata": {"version": suite.version, "content_hash": suite.content_hash},
    });
    json!({
        "results": {task: figures},
        "group_subtasks": {},
        "configs": {task: config},
        "versions": {task: suite.version},
        "n-shot": {},
        "higher_is_better": {task: better},
        "n-samples": {task: {"original": suite.available, "effective": documents}},
        "config": {
            "model": "candor",
            "model_args": format!("model={}", model.identity.name),
            "limit": null,
            "bootstrap_iters": 0,
        },
        "git_hash": null,
        "date": date,
        "task_hashes": {task: task_hash},
        "model_source": answers.imported_from.unwrap_or("candor"),
        "model_name": model.identity.name,
        "model_name_sanitized": folder,
        "candor_version": env!("CARGO_PKG_VERSION"),
    })
}
