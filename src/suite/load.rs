//! From a name or a folder to a suite with its samples.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::content::Content;
use super::data::{DataOptions, Given, read_source};
use super::form::Form;
use super::group::members;
use super::letter_form::in_letters;
use super::loaded::Loaded;
use super::make::Maker;
use super::place::{PlacedRow, PlacedRows};
use super::prompt::TemplatePrompts;
use super::prompt_builder::PromptBuilder;
use super::ready::{distinct, hash_of};
use super::schema::{Ask, SuiteFile};
use super::steps::Stepped;
use super::subset::{SubsetFile, is_subset};
use super::written::Written;
use super::{
    Suite, SuiteError, SuiteParts, lm_eval, scorers_hash, steps, task_suite, template, yaml,
};
use crate::files::Row;
use crate::text::SourceError;

/// Loads every suite that a specification names: one, unless it names a folder of suites (`audit`), or tasks of lm-evaluation-harness by
/// a group, a tag or a pattern (`lm-eval:DIR#NAME`).
///
/// # Errors
/// As [`load`].
pub async fn load_all(spec: &str, options: &DataOptions) -> Result<Loaded, SuiteError> {
    if lm_eval::is_spec(spec) {
        return task_suite::load_all(spec, options).await;
    }
    let mut specs = members(spec);
    if specs.is_empty() {
        specs.push(spec.to_owned());
    }
    let mut suites = Vec::with_capacity(specs.len());
    for spec in specs {
        let suite = load(&spec, options).await?;
        suites.push((spec, suite));
    }
    Ok(Loaded {
        suites,
        groups: Vec::new(),
    })
}

/// Loads a suite: a shipped one by name, or a folder with a `suite.yaml`; `?data=PATH` names its data, and `?form=letter` asks multiple
/// choice by letter rather than by log-likelihoods.
///
/// # Errors
/// [`SuiteError`] with file, line and column where something is written wrong, and what to do where something is missing.
pub async fn load(spec: &str, options: &DataOptions) -> Result<Suite, SuiteError> {
    if lm_eval::is_spec(spec) {
        let mut named = Box::pin(task_suite::load_all(spec, options)).await?.suites;
        let wrong = |reason: String| SuiteError::Unreadable {
            path: spec.into(),
            reason,
        };
        return match (named.pop(), named.len()) {
            (Some((_, suite)), 0) => Ok(suite),
            (_, others) => Err(wrong(format!("it names {} tasks, not one", others + 1))),
        };
    }
    let wrong = |reason: String| SuiteError::Unreadable {
        path: spec.into(),
        reason,
    };
    let (plain, form) = without_form(spec).map_err(wrong)?;
    let suite = load_plain(&plain, options).await?;
    match form {
        Form::Likelihood => Ok(suite),
        Form::Letter if suite.file.prompt.ask == Ask::Answer => {
            let why =
                "it asks for no log-likelihoods, and so has no other form; leave form=letter out";
            Err(wrong(why.into()))
        }
        Form::Letter => in_letters(suite),
    }
}

/// A specification without its `form=`, and which form that is.
fn without_form(spec: &str) -> Result<(String, Form), String> {
    let Some((name, query)) = spec.split_once('?') else {
        return Ok((spec.to_owned(), Form::default()));
    };
    let (forms, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|part| part.starts_with("form="));
    let form = forms.last().and_then(|form| form.strip_prefix("form="));
    let form = form.map_or(Ok(Form::default()), str::parse)?;
    let plain = if others.is_empty() {
        name.to_owned()
    } else {
        format!("{name}?{}", others.join("&"))
    };
    Ok((plain, form))
}

/// Loads a suite as it is written.
async fn load_plain(spec: &str, options: &DataOptions) -> Result<Suite, SuiteError> {
    let (name, query) = spec
        .split_once('?')
        .map_or((spec, None), |(n, q)| (n, Some(q)));
    let wrong = |reason: String| SuiteError::Unreadable {
        path: spec.into(),
        reason,
    };
    let given = match query.map(|q| q.split_once('=')) {
        None => None,
        Some(Some(("data", written))) => Some(written.parse::<Given>().map_err(wrong)?),
        Some(_) => {
            let only =
                "a suite's settings are ?data=PATH, or ?data=hf://owner/name, and ?form=letter";
            return Err(wrong(only.into()));
        }
    };
    let written = Written::find(name)?;
    if is_subset(&written.yaml) {
        let part = SubsetFile::read(&written.path, &written.yaml)?;
        let whole = Box::pin(load_plain(&part.whole(query), options)).await?;
        return part.of(whole);
    }
    let file = parse(&written)?;
    let elsewhere = file.data.is_elsewhere();
    let mut pins = Vec::new();
    let rows = match &given {
        None if !elsewhere && written.items.is_empty() => {
            return Err(SuiteError::NoData {
                suite: file.name,
                reason: "the suite has no items.jsonl, and its suite.yaml names no data".into(),
                help: "write the items into items.jsonl, or name their file under data:".into(),
            });
        }
        None if !elsewhere => written.rows()?,
        _ => {
            let read = read_source(&file.name, &file.data, given.as_ref(), options).await?;
            pins.extend(read.pins);
            read.rows
        }
    };
    let no_rows = |suite: &str| SuiteError::NoData {
        suite: suite.to_owned(),
        reason: "its data has no rows".into(),
        help: "check the file".into(),
    };
    let mut content = Content::begun(&file, &written.yaml);
    let rows = rows.map(|row| row.inspect(|placed| content.add(&placed.row)));
    let (rows, idle_steps): (PlacedRows<'_>, _) = if file.data.is_as_published() {
        // Row by row, since there may be hundreds of thousands.
        (Box::new(rows), Vec::new())
    } else {
        let rows: Vec<PlacedRow> = rows.collect::<Result<_, _>>()?;
        if rows.is_empty() {
            return Err(no_rows(&file.name));
        }
        let mut examples = Vec::new();
        if let Some(shots) = &file.data.shots {
            let given = given.as_ref().and_then(Given::folder);
            let own = if shots.data.is_elsewhere() {
                let read = read_source(&file.name, &shots.data, given.as_ref(), options).await?;
                pins.extend(read.pins);
                read.rows
            } else {
                written.rows()?
            };
            examples = own.collect::<Result<_, _>>()?;
            content.add_examples(shots, &examples);
        }
        let stepped = stepped(&file, rows, examples)?;
        (Box::new(stepped.rows.into_iter().map(Ok)), stepped.idle)
    };
    let samples = Maker::new(&file, &written.path, &written.yaml)?.samples(rows)?;
    if samples.is_empty() {
        return Err(no_rows(&file.name));
    }
    let parts = SuiteParts {
        items: content.items(),
        prompts: if file.constants.is_empty() {
            hash_of(&file.prompt)
        } else {
            hash_of(&(&file.prompt, &file.constants))
        },
        decoding: hash_of(&file.parameters),
        scorers: scorers_hash(&file.scorers),
    };
    let prompts = TemplatePrompts::new(&file, &written.path, &written.yaml)?;
    let prompts = PromptBuilder::Templates(Box::new(prompts));
    Ok(Suite {
        content_hash: content.whole(),
        parts,
        samples,
        prompts,
        pins: distinct(pins),
        unmarked: written.unmarked(file.canary.as_deref()),
        idle_steps,
        file,
    })
}

/// The rows after all steps, each with its worked examples.
fn stepped(
    file: &SuiteFile,
    rows: Vec<PlacedRow>,
    examples: Vec<PlacedRow>,
) -> Result<Stepped, SuiteError> {
    let environment = template::environment(&file.constants);
    let mut stepped = steps::apply(&file.name, &file.data.steps, &environment, rows)?;
    if stepped.rows.is_empty() {
        return Err(SuiteError::NoData {
            suite: file.name.clone(),
            reason: "no row is left after data.steps".into(),
            help: "check the file, and what its steps keep".into(),
        });
    }
    if let Some(shots) = &file.data.shots {
        let examples = steps::apply(&file.name, &shots.data.steps, &environment, examples)?;
        let examples: Vec<Row> = examples.rows.into_iter().map(|placed| placed.row).collect();
        shots
            .give(&mut stepped.rows, &examples)
            .map_err(|(i, reason)| {
                let PlacedRow { number, place, .. } = &stepped.rows[i];
                SuiteError::Sample {
                    suite: file.name.clone(),
                    sample: number.to_string(),
                    reason: format!("{reason} ({place})"),
                }
            })?;
    }
    Ok(stepped)
}

/// The values of suite.yaml that are rows' fields, or stand alongside them: they are read as rows are.
#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    constants: BTreeMap<String, yaml::Written>,
    prompt: FieldsOfPrompt,
}

#[derive(Deserialize)]
struct FieldsOfPrompt {
    #[serde(default)]
    examples: Vec<FieldsOfExample>,
}

#[derive(Deserialize)]
struct FieldsOfExample {
    fields: BTreeMap<String, yaml::Written>,
}

fn parse(written: &Written) -> Result<SuiteFile, SuiteError> {
    let (path, text) = (&written.path, &written.yaml);
    let help = "`candor suites schema` and docs/suites.md describe the fields";
    let mut file: SuiteFile = yaml::from_yaml(path, text).map_err(|e| e.with_help(help))?;
    let fields: Fields = yaml::from_yaml(path, text)?;
    let values = |fields: BTreeMap<String, yaml::Written>| {
        let fields = fields.into_iter();
        fields.map(|(name, v)| (name, v.value(text))).collect()
    };
    file.constants = values(fields.constants);
    for (example, own) in file.prompt.examples.iter_mut().zip(fields.prompt.examples) {
        example.fields = values(own.fields);
    }
    if file.format != 1 {
        let at = written.yaml.find("format").unwrap_or(0);
        return Err(SourceError::at_offset(
            &written.path,
            &written.yaml,
            at,
            format!("this candor reads suite format 1, not {}", file.format),
        )
        .into());
    }
    if file.scorers.is_empty() {
        let at = written.yaml.find("scorers").unwrap_or(0);
        return Err(SourceError::at_offset(
            &written.path,
            &written.yaml,
            at,
            "a suite needs at least one scorer",
        )
        .into());
    }
    Ok(file)
}
