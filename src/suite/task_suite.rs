//! From a task's file to a suite with its samples.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::data::DataOptions;
use super::error::SuiteError;
use super::form::Form;
use super::letter_form::{group_in_letters, in_letters};
use super::lm_eval::{
    Examples, Found, Named, OutputType, Registry, SCORER, Setting, Shape, Spec, Task, TaskError,
    index, place, scoring,
};
use super::loaded::Loaded;
use super::prompt_builder::PromptBuilder;
use super::ready::{Suite, SuiteParts, distinct, hash_of, scorers_hash};
use super::sample::Sample;
use super::samples::Samples;
use super::schema::{
    Ask, ChoiceAs, DataSource, Kind, PromptTemplates, SampleTemplates, ScorerSpec, SuiteFile,
};
use super::task_documents::{Documents, Shelf};
use super::task_prompts::TaskPrompts;
use crate::files::Row;
use crate::model::Parameters;
use crate::text::python_text;

/// The suites of the tasks that a specification names, and the groups that they came by. Where it names several tasks, those that cannot
/// be used are left out, and logged.
///
/// # Errors
/// [`SuiteError`] if it names none that can be used.
pub(super) async fn load_all(written: &str, options: &DataOptions) -> Result<Loaded, SuiteError> {
    let spec = Spec::read(written).map_err(|reason| TaskError::Spec {
        spec: written.to_owned(),
        reason,
    })?;
    let registry = options.registries.get(&spec.folder)?;
    let Named { tasks, groups } = match registry.find(&spec.names) {
        Ok(found) => found,
        // A file that cannot be read may be the one that is asked for.
        Err(unknown) => return Err(registry.wrong().first().cloned().unwrap_or(unknown).into()),
    };
    let several = tasks.len() > 1;
    let (mut suites, mut left_out) = (Vec::new(), Vec::new());
    for Found { name, config } in tasks {
        let mut config = Arc::unwrap_or_clone(config);
        config.remove("group");
        let made = match Task::read(&config) {
            Ok(task) => {
                let options_of_scorer = scoring(config.fields(), &name);
                suite(
                    task,
                    name.clone(),
                    options_of_scorer,
                    &spec,
                    &registry,
                    options,
                )
                .await
            }
            Err(error) => Err(error.into()),
        };
        let made = match spec.form {
            Form::Likelihood => made,
            Form::Letter => made.and_then(in_letters),
        };
        match made {
            Ok(suite) => suites.push((spec.of_task(&name), suite)),
            Err(error) if several => left_out.push((name, error)),
            Err(error) => return Err(error),
        }
    }
    for (name, error) in &left_out {
        tracing::warn!("{name} is left out: {error}");
    }
    match left_out.into_iter().next() {
        Some((_, error)) if suites.is_empty() => Err(error),
        _ => {
            let groups = match spec.form {
                Form::Likelihood => groups,
                Form::Letter => {
                    let names: HashSet<&str> =
                        suites.iter().map(|(_, s)| s.file.name.as_str()).collect();
                    let groups = groups.into_iter();
                    groups.map(|g| group_in_letters(g, &names)).collect()
                }
            };
            Ok(Loaded { suites, groups })
        }
    }
}

async fn suite(
    mut task: Task,
    name: String,
    mut scoring: Map<String, Value>,
    spec: &Spec,
    registry: &Registry,
    options: &DataOptions,
) -> Result<Suite, SuiteError> {
    task.name = name;
    let Some(split) = task.asked_split().map(str::to_owned) else {
        return Err(no_data(&task, "it names no split to ask".into()));
    };
    let below = Path::new(&task.file)
        .strip_prefix(&registry.folder)
        .ok()
        .and_then(Path::parent);
    let shelf = Shelf {
        task: &task,
        folders: spec.data.iter().chain(&options.folders).cloned().collect(),
        root: registry.root(),
        beside: registry.root().join(below.unwrap_or(Path::new(""))),
        options,
    };
    let Documents {
        rows: documents,
        mut pins,
    } = shelf.read(&split).await?;
    let shots = spec.setting.shots(&task);
    let pool = match (&task.fewshot.samples, task.example_split()) {
        _ if shots == 0 => Vec::new(),
        (Some(samples), _) if task.fewshot.split.is_none() => samples.clone(),
        (_, Some(own)) if own != split => {
            let others = shelf.read(own).await?;
            pins.extend(others.pins);
            others.rows
        }
        _ => documents.clone(),
    };
    let made = Made::new(&task, &spec.setting, documents, pool)?;
    let scorers = scorers(&mut scoring, made.shape);
    let parameters = parameters(&task);
    let file = SuiteFile {
        format: 1,
        name: task.name.clone(),
        version: task.version.clone(),
        kind: Kind::Benchmark,
        title: task.title.clone(),
        licence: "as its dataset's".into(),
        source: format!("{} ({})", task.dataset.path, task.file),
        canary: None,
        published_as: None,
        related_to: Vec::new(),
        data: DataSource::default(),
        constants: BTreeMap::new(),
        vary: BTreeMap::new(),
        sample: SampleTemplates::default(),
        prompt: templates(&task),
        parameters: parameters.clone(),
        scorers,
    };
    let parts = SuiteParts {
        items: made.items,
        prompts: hash_of(&(
            &file.prompt,
            shots,
            format!("{:?}", spec.setting),
            format!("{:?}{:?}", task.form, task.fewshot),
            &task.description,
        )),
        decoding: hash_of(&parameters),
        scorers: scorers_hash(&file.scorers),
    };
    let content_hash = hash_of(&(&parts.items, &parts.prompts, &parts.scorers, &file.version));
    // Filters are the scorer's.
    task.filters.clear();
    let prompts = PromptBuilder::Task(Box::new(TaskPrompts {
        setting: spec.setting.clone(),
        shape: made.shape,
        examples: made.examples,
        parameters,
        task,
    }));
    Ok(Suite {
        file,
        content_hash,
        parts,
        samples: made.samples,
        prompts,
        pins: distinct(pins),
        unmarked: Vec::new(),
        idle_steps: Vec::new(),
    })
}

fn no_data(task: &Task, reason: String) -> SuiteError {
    SuiteError::NoData {
        suite: task.name.clone(),
        reason,
        help: "name a test_split or a validation_split in its file".into(),
    }
}

/// Samples and examples of a task's documents.
struct Made {
    samples: Samples,
    examples: Examples,
    shape: Shape,
    /// The hash of documents and examples.
    items: String,
}

impl Made {
    fn new(
        task: &Task,
        setting: &Setting,
        documents: Vec<Row>,
        pool: Vec<Row>,
    ) -> Result<Self, SuiteError> {
        let wrong = |sample: String, reason: String| SuiteError::Sample {
            suite: task.name.clone(),
            sample,
            reason,
        };
        let first = documents
            .first()
            .ok_or_else(|| no_data(task, "it has no documents".into()))?;
        let shape = Shape::of(task, first).map_err(|why| wrong("0".into(), why))?;
        let mut hasher = blake3::Hasher::new();
        for row in documents.iter().chain(&pool) {
            hasher
                .update(&serde_json::to_vec(row).unwrap_or_default())
                .update(b"\n");
        }
        let shots = setting.shots(task);
        let examples = Examples::draw(task, pool, shots, &documents)
            .map_err(|why| wrong("(worked examples)".into(), why))?;
        let samples = documents.into_iter().enumerate().map(|(place, row)| {
            sample(task, shape, place, row).map_err(|why| wrong(place.to_string(), why))
        });
        Ok(Self {
            samples: samples.collect::<Result<_, _>>()?,
            examples,
            shape,
            items: hasher.finalize().to_hex().to_string(),
        })
    }
}

/// A document as a sample: its place is its name, and its right answers are what a reader of transcripts wants to see.
fn sample(task: &Task, shape: Shape, number: usize, row: Row) -> Result<Sample, String> {
    let form = &task.form;
    let mut sample = Sample::new(number.to_string());
    if task.output != OutputType::LogLikelihoodRolling {
        let choices = form
            .choice
            .as_ref()
            .map(|c| c.choices(&row))
            .transpose()?
            .unwrap_or_default();
        let right = if shape.multiple_input {
            form.text.text(&row, true)?
        } else {
            form.target.target(&row, form.choice.is_some())?
        };
        let shown = |value: &Value| match index(value).filter(|_| !choices.is_empty()) {
            Some(at) => place(at, choices.len()).map(|i| choices[i].clone()),
            None => Some(python_text(value)),
        };
        sample.targets = match &right {
            Value::Array(several) => several.iter().filter_map(shown).collect(),
            one => shown(one).into_iter().collect(),
        };
        if task.output == OutputType::MultipleChoice {
            sample.choices = choices;
        }
    }
    sample.fields = row.into_iter().collect();
    Ok(sample)
}

fn scorers(scoring: &mut Map<String, Value>, shape: Shape) -> Vec<ScorerSpec> {
    scoring.insert("multiple_input".into(), shape.multiple_input.into());
    scoring.insert("multiple_target".into(), shape.multiple_target.into());
    let options = Value::Object(std::mem::take(scoring));
    vec![ScorerSpec::With([(SCORER.to_owned(), options)].into())]
}

fn templates(task: &Task) -> PromptTemplates {
    PromptTemplates {
        ask: match task.output {
            OutputType::GenerateUntil => Ask::Answer,
            _ => Ask::Choices,
        },
        user: task.form.text.source().unwrap_or_default().to_owned(),
        system: None,
        text: None,
        examples: Vec::new(),
        separator: task.form.delimiter.clone(),
        choice_prefix: task.form.target_delimiter.clone(),
        choice_as: ChoiceAs::Text,
        plain: false,
    }
}

/// Most tokens of an answer where a task does not say.
const MAX_TOKENS: u32 = 256;

/// Biases by token id, which JSON has as text.
fn biases(written: Option<&Value>) -> BTreeMap<u32, f64> {
    let all = written.and_then(Value::as_object).into_iter().flatten();
    all.filter_map(|(token, bias)| Some((token.parse().ok()?, bias.as_f64()?)))
        .collect()
}

/// How answers are decoded. Greedily, unless the task samples.
fn parameters(task: &Task) -> Parameters {
    let own = &task.generation;
    let number = |name: &str| own.get(name).and_then(Value::as_f64);
    let whole = |name: &str| {
        own.get(name)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let samples = own.get("do_sample").and_then(Value::as_bool);
    let temperature = number("temperature").filter(|_| samples != Some(false));
    let stop = match own.get("until") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let limit = [
        "max_gen_toks",
        "max_new_tokens",
        "max_tokens",
        "max_completion_tokens",
    ];
    let sampled = temperature.is_some_and(|t| t > 0.0);
    Parameters {
        max_tokens: limit
            .into_iter()
            .find_map(whole)
            .unwrap_or(MAX_TOKENS)
            .max(1),
        temperature: temperature.unwrap_or(0.0),
        top_p: number("top_p").filter(|_| sampled),
        top_k: whole("top_k").filter(|k| sampled && *k > 0),
        min_p: number("min_p").filter(|_| sampled),
        repetition_penalty: number("repetition_penalty"),
        presence_penalty: number("presence_penalty"),
        frequency_penalty: number("frequency_penalty"),
        logit_bias: biases(own.get("logit_bias")),
        stop: stop.into_iter().filter(|s| !s.is_empty()).collect(),
        ..Parameters::default()
    }
}
