//! A task: what its settings come to.

use serde_json::{Map, Value};

use super::config::Config;
use super::error::TaskError;
use super::field::Field;
use super::filter::Pipeline;
use super::metric::{self, MetricSpec};
use super::output::OutputType;
use super::template;

/// Where a task's documents are.
#[derive(Debug, Clone, Default)]
pub(in crate::suite) struct Dataset {
    pub path: String,
    pub name: Option<String>,
    pub options: Map<String, Value>,
    pub training_split: Option<String>,
    pub validation_split: Option<String>,
    pub test_split: Option<String>,
}

/// How a document becomes text: the task's own settings, or those of its worked examples.
#[derive(Debug, Clone)]
pub(in crate::suite) struct Form {
    pub text: Field,
    pub target: Field,
    pub choice: Option<Field>,
    pub gen_prefix: Option<String>,
    pub target_delimiter: String,
    pub delimiter: String,
}

/// How worked examples are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::suite) enum Sampler {
    /// Drawn anew for each document.
    Drawn,
    /// The first ones of the split.
    FirstN,
}

/// The worked examples.
#[derive(Debug, Clone)]
pub(in crate::suite) struct FewShot {
    pub sampler: Sampler,
    pub split: Option<String>,
    pub samples: Option<Vec<Map<String, Value>>>,
    pub indices: Option<Vec<usize>>,
    pub form: Form,
}

/// A task, read and checked.
#[derive(Debug, Clone)]
pub(in crate::suite) struct Task {
    /// Its name.
    pub name: String,
    /// The file that it is written in.
    pub file: String,
    /// What is asked.
    pub output: OutputType,
    pub(in crate::suite) dataset: Dataset,
    pub(in crate::suite) form: Form,
    pub(in crate::suite) description: String,
    pub(in crate::suite) fewshot: FewShot,
    /// Worked examples per document; none where the file does not say.
    pub(in crate::suite) num_fewshot: Option<usize>,
    pub(in crate::suite) generation: Map<String, Value>,
    /// Answers per document that are scored together, at least 1.
    pub(in crate::suite) repeats: u32,
    pub(in crate::suite) filters: Vec<Pipeline>,
    pub(in crate::suite) metrics: Vec<MetricSpec>,
    pub(in crate::suite) version: String,
    pub(in crate::suite) title: String,
}

/// Settings that a task file may have.
const KNOWN: &[&str] = &[
    "task",
    "task_alias",
    "tag",
    "group",
    "group_alias",
    "task_list",
    "custom_dataset",
    "dataset_path",
    "dataset_name",
    "dataset_kwargs",
    "training_split",
    "validation_split",
    "test_split",
    "fewshot_split",
    "process_docs",
    "doc_to_text",
    "doc_to_target",
    "doc_to_image",
    "doc_to_audio",
    "unsafe_code",
    "doc_to_choice",
    "process_results",
    "use_prompt",
    "description",
    "target_delimiter",
    "fewshot_delimiter",
    "fewshot_config",
    "num_fewshot",
    "metric_list",
    "output_type",
    "generation_kwargs",
    "repeats",
    "filter_list",
    "should_decontaminate",
    "doc_to_decontamination_query",
    "gen_prefix",
    "metadata",
];

/// Settings that candor has nothing for.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("class", "the task is a Python class"),
    ("custom_dataset", "the dataset is made by Python code"),
    ("process_docs", "documents are changed by Python code"),
    ("process_results", "answers are scored by Python code"),
    ("doc_to_image", "images are not supported"),
    ("doc_to_audio", "sound is not supported"),
    ("use_prompt", "prompts of promptsource are not supported"),
];

impl Task {
    /// Reads a task's settings.
    ///
    /// # Errors
    /// [`TaskError`] names the setting and the file that it is in.
    pub(in crate::suite) fn read(config: &Config) -> Result<Self, TaskError> {
        if config
            .get("class")
            .is_some_and(|c| super::yaml::function(c).is_none())
        {
            return Err(config.unsupported("class", "the task is a Python class"));
        }
        config.without_functions()?;
        for (key, why) in UNSUPPORTED {
            if config.get(key).is_some() {
                return Err(config.unsupported(key, *why));
            }
        }
        if config.get("unsafe_code") == Some(&Value::Bool(true)) {
            let why = "answers are run as code, which candor does not do for task files";
            return Err(config.unsupported("unsafe_code", why));
        }
        if let Some(key) = config
            .fields()
            .keys()
            .find(|k| !KNOWN.contains(&k.as_str()))
        {
            return Err(config.wrong(key, "lm-evaluation-harness has no such setting"));
        }
        let name = config.text("task")?;
        let name = name.ok_or_else(|| config.wrong("task", "a task needs a name"))?;
        let output = match config.text("output_type")? {
            None => OutputType::GenerateUntil,
            Some(name) => OutputType::named(name)
                .ok_or_else(|| config.wrong("output_type", format!("there is no '{name}'")))?,
        };
        for key in ["description", "gen_prefix"] {
            if let Some(source) = config.text(key)? {
                template::parse(source).map_err(|why| config.wrong(key, why))?;
            }
        }
        let form = form(config)?;
        if output == OutputType::MultipleChoice && form.choice.is_none() {
            return Err(config.wrong("doc_to_choice", "a multiple_choice task needs its choices"));
        }
        Ok(Self {
            name: name.to_owned(),
            file: config.file.to_string(),
            output,
            dataset: dataset(config)?,
            description: config.text("description")?.unwrap_or_default().to_owned(),
            fewshot: few_shot(config, &form)?,
            num_fewshot: whole(config, "num_fewshot")?,
            generation: generation(config, output, &form)?,
            repeats: repeats(config)?,
            filters: Pipeline::read_all(config)?,
            metrics: metric::read_all(config, output)?,
            version: version(config),
            title: config
                .text("task_alias")
                .ok()
                .flatten()
                .unwrap_or(name)
                .to_owned(),
            form,
        })
    }

    /// The split whose documents are asked.
    pub(in crate::suite) fn asked_split(&self) -> Option<&str> {
        let splits = &self.dataset;
        splits
            .test_split
            .as_deref()
            .or(splits.validation_split.as_deref())
    }

    /// The split that worked examples are drawn from, where they are not written into the task.
    pub(in crate::suite) fn example_split(&self) -> Option<&str> {
        let splits = &self.dataset;
        self.fewshot
            .split
            .as_deref()
            .or(splits.training_split.as_deref())
            .or(splits.validation_split.as_deref())
            .or(splits.test_split.as_deref())
    }

    /// Whether each choice is its own context, and the target what follows it: `doc_to_text` is the index of the right one.
    pub(in crate::suite) fn measures_mutual_information(&self) -> bool {
        self.metrics.iter().any(|m| m.name == "acc_mutual_info")
    }
}

fn form(config: &Config) -> Result<Form, TaskError> {
    let field = |key: &str| {
        Field::read(config, key, config.get(key))?
            .ok_or_else(|| config.wrong(key, "the task needs it"))
    };
    Ok(Form {
        text: field("doc_to_text")?,
        target: field("doc_to_target")?,
        choice: Field::read(config, "doc_to_choice", config.get("doc_to_choice"))?,
        gen_prefix: config.text("gen_prefix")?.map(str::to_owned),
        target_delimiter: config.text("target_delimiter")?.unwrap_or(" ").to_owned(),
        delimiter: config
            .text("fewshot_delimiter")?
            .unwrap_or("\n\n")
            .to_owned(),
    })
}

fn dataset(config: &Config) -> Result<Dataset, TaskError> {
    let own = |key: &str| config.text(key).map(|t| t.map(str::to_owned));
    let path = own("dataset_path")?;
    let dataset = Dataset {
        path: path.ok_or_else(|| config.wrong("dataset_path", "the task names no dataset"))?,
        name: match config.get("dataset_name") {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(other) => Some(crate::text::python_text(other)),
        },
        options: config
            .get("dataset_kwargs")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
        training_split: own("training_split")?,
        validation_split: own("validation_split")?,
        test_split: own("test_split")?,
    };
    if dataset.test_split.is_none() && dataset.validation_split.is_none() {
        let why = "the task names neither a test_split nor a validation_split";
        return Err(config.wrong("test_split", why));
    }
    Ok(dataset)
}

/// Settings that `fewshot_config` may have.
const FEWSHOT: &[&str] = &[
    "sampler",
    "split",
    "process_docs",
    "fewshot_indices",
    "samples",
    "doc_to_text",
    "doc_to_choice",
    "doc_to_target",
    "gen_prefix",
    "fewshot_delimiter",
    "target_delimiter",
];

/// The worked examples: `fewshot_config`, whose settings win over the task's own.
fn few_shot(config: &Config, form: &Form) -> Result<FewShot, TaskError> {
    let key = "fewshot_config";
    let empty = Map::new();
    let own = match config.get(key) {
        None => &empty,
        Some(Value::Object(own)) => own,
        Some(_) => return Err(config.wrong(key, "it is not a mapping")),
    };
    let value = |name: &str| own.get(name).filter(|v| !v.is_null());
    let text = |name: &str| match value(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => {
            Err(config.wrong(&format!("{key}.{name}"), format!("{other} is not a text")))
        }
    };
    let field = |name: &str| Field::read(config, &format!("{key}.{name}"), value(name));
    if let Some(name) = own.keys().find(|name| !FEWSHOT.contains(&name.as_str())) {
        return Err(config.wrong(&format!("{key}.{name}"), "there is no such setting"));
    }
    let sampler = match text("sampler")?.as_deref() {
        None | Some("default") => Sampler::Drawn,
        Some("first_n") => Sampler::FirstN,
        Some(other) => {
            let why =
                format!("the sampler '{other}' is not supported: candor has default and first_n");
            return Err(config.unsupported(&format!("{key}.sampler"), why));
        }
    };
    let split = if own.contains_key("split") {
        text("split")?
    } else {
        config.text("fewshot_split")?.map(str::to_owned)
    };
    Ok(FewShot {
        sampler,
        split,
        samples: match value("samples") {
            None => None,
            Some(Value::Array(samples)) => Some(rows(config, samples)?),
            Some(_) => {
                return Err(config.wrong(&format!("{key}.samples"), "it is not a list of rows"));
            }
        },
        indices: match value("fewshot_indices") {
            None => None,
            Some(list) => {
                let numbers = list.as_array().map(|l| l.iter().map(Value::as_u64));
                let numbers: Option<Vec<u64>> = numbers.and_then(Iterator::collect);
                let numbers = numbers.ok_or_else(|| {
                    config.wrong(
                        &format!("{key}.fewshot_indices"),
                        "it is not a list of row numbers",
                    )
                })?;
                let numbers = numbers.into_iter();
                Some(numbers.filter_map(|n| usize::try_from(n).ok()).collect())
            }
        },
        form: Form {
            text: field("doc_to_text")?.unwrap_or_else(|| form.text.clone()),
            target: field("doc_to_target")?.unwrap_or_else(|| form.target.clone()),
            choice: field("doc_to_choice")?.or_else(|| form.choice.clone()),
            gen_prefix: text("gen_prefix")?.or_else(|| form.gen_prefix.clone()),
            target_delimiter: text("target_delimiter")?
                .unwrap_or_else(|| form.target_delimiter.clone()),
            delimiter: text("fewshot_delimiter")?.unwrap_or_else(|| form.delimiter.clone()),
        },
    })
}

fn rows(config: &Config, samples: &[Value]) -> Result<Vec<Map<String, Value>>, TaskError> {
    let wrong = |i: usize| config.wrong(&format!("fewshot_config.samples[{i}]"), "it is not a row");
    let row = |(i, sample): (usize, &Value)| sample.as_object().cloned().ok_or_else(|| wrong(i));
    samples.iter().enumerate().map(row).collect()
}

fn whole(config: &Config, key: &str) -> Result<Option<usize>, TaskError> {
    match config.get(key) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .map(Some)
            .ok_or_else(|| config.wrong(key, format!("{value} is not a whole number"))),
    }
}

/// Most answers per document.
const MAX_REPEATS: u32 = 1000;

fn repeats(config: &Config) -> Result<u32, TaskError> {
    let key = "repeats";
    let own = whole(config, key)?.unwrap_or(1).max(1);
    let few = u32::try_from(own).ok().filter(|n| *n <= MAX_REPEATS);
    few.ok_or_else(|| config.wrong(key, format!("{own} are more than {MAX_REPEATS}")))
}

/// How answers are decoded, with what lm-eval adds where the file says nothing.
fn generation(
    config: &Config,
    output: OutputType,
    form: &Form,
) -> Result<Map<String, Value>, TaskError> {
    let key = "generation_kwargs";
    let mut own = match config.get(key) {
        None if output == OutputType::GenerateUntil => Map::from_iter([
            ("temperature".to_owned(), 0.0.into()),
            ("do_sample".to_owned(), false.into()),
            ("max_gen_toks".to_owned(), 256.into()),
        ]),
        None => return Ok(Map::new()),
        Some(Value::Object(own)) => own.clone(),
        Some(_) => return Err(config.wrong(key, "it is not a mapping")),
    };
    if let Some(temperature) = own.get_mut("temperature") {
        let number = match &*temperature {
            Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let number = number.ok_or_else(|| config.wrong(key, "its temperature is not a number"))?;
        *temperature = number.into();
    }
    if !own.contains_key("until") {
        own.insert("until".to_owned(), vec![form.delimiter.clone()].into());
    }
    Ok(own)
}

fn version(config: &Config) -> String {
    let metadata = config.get("metadata").and_then(Value::as_object);
    let version = metadata.and_then(|m| m.get("version"));
    version.map_or_else(|| "0".to_owned(), crate::text::python_text)
}
