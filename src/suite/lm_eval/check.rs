//! Which tasks of a folder can be used: each is read, and asked about a made-up row.

use std::path::Path;

use rayon::iter::Either;
use rayon::prelude::*;

use super::config::Config;
use super::error::TaskError;
use super::examples::Examples;
use super::grading::{Grading, scoring};
use super::output::OutputType;
use super::registry::{Registry, matches};
use super::request::{Asking, Setting, Shape, index, place};
use super::synthetic;
use super::task::Task;
use crate::files::Row;

/// A folder of task files, checked.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// Files read.
    pub files: usize,
    /// Files that cannot be read at all.
    pub unreadable: Vec<TaskError>,
    /// Tasks that can be used.
    pub usable: Vec<Usable>,
    /// Tasks that cannot, with the reason.
    pub refused: Vec<(String, TaskError)>,
}

/// A task that can be used, with a made-up row that it renders.
#[derive(Debug)]
#[non_exhaustive]
pub struct Usable {
    /// Its name.
    pub task: String,
    /// The file that it is written in.
    pub file: String,
    /// What is asked.
    pub output: OutputType,
    /// The splits that it reads.
    splits: Vec<String>,
    row: Row,
    /// Worked examples per document.
    shots: usize,
}

impl Usable {
    /// Made-up documents for each split that the task reads: enough of them that three can be asked with their worked examples.
    pub fn documents(&self) -> impl Iterator<Item = (&str, Vec<Row>)> {
        let rows = || (0..self.shots + 3).map(|i| numbered(&self.row, i));
        self.splits
            .iter()
            .map(move |split| (split.as_str(), rows().collect()))
    }
}

/// Reads every task of a folder, or those whose names match a pattern, and renders each on a made-up row of the fields that it reads.
///
/// # Errors
/// [`TaskError::Unreadable`] if it is not a folder.
pub fn check(folder: &Path, pattern: Option<&str>) -> Result<Checked, TaskError> {
    let registry = Registry::open(folder)?;
    let all: Vec<(&str, &Config)> = registry
        .tasks()
        .filter(|(name, _)| pattern.is_none_or(|p| matches(p, name)))
        .collect();
    let (usable, refused): (Vec<_>, Vec<_>) =
        all.par_iter()
            .partition_map(|(name, config)| match one(name, config) {
                Ok(usable) => Either::Left(usable),
                Err(error) => Either::Right(((*name).to_owned(), error)),
            });
    Ok(Checked {
        files: registry.files(),
        unreadable: registry.wrong().to_vec(),
        usable,
        refused,
    })
}

fn one(name: &str, config: &Config) -> Result<Usable, TaskError> {
    let task = Task::read(config)?;
    Grading::read(scoring(config.fields(), name))
        .map_err(|why| config.wrong("metric_list", why))?;
    let row = synthetic::row(&task, |row| renders(&task, row))
        .map_err(|why| config.wrong("doc_to_text", why))?;
    let splits = [task.asked_split(), task.example_split()];
    let mut splits: Vec<String> = splits.into_iter().flatten().map(str::to_owned).collect();
    splits.dedup();
    Ok(Usable {
        shots: Setting::default().shots(&task),
        splits,
        row,
        task: task.name,
        file: task.file,
        output: task.output,
    })
}

/// Whether a row can be asked about, with as many worked examples as the task has.
fn renders(task: &Task, row: &Row) -> Result<(), String> {
    let setting = Setting::default();
    let shots = setting.shots(task);
    let pool = match &task.fewshot.samples {
        Some(samples) if task.fewshot.split.is_none() => samples.clone(),
        _ => (0..=shots).map(|i| numbered(row, i)).collect(),
    };
    let document = numbered(row, shots + 1);
    let shape = Shape::of(task, &document)?;
    let examples = Examples::draw(task, pool, shots, std::slice::from_ref(&document))?;
    let asking = Asking {
        task,
        setting: &setting,
        shape,
        examples: &examples,
    };
    asking.requested(0, &document)?;
    let choices = task
        .form
        .choice
        .as_ref()
        .map(|c| c.choices(&document))
        .transpose()?;
    match (task.output, choices) {
        (OutputType::MultipleChoice, None) => Err("it has no choices".into()),
        (OutputType::MultipleChoice, Some(choices)) => {
            let gold = if shape.multiple_input {
                task.form.text.text(&document, true)?
            } else {
                task.form.target.target(&document, true)?
            };
            let known = |gold: &serde_json::Value| match gold.as_str() {
                Some(text) => choices.iter().any(|c| c == text),
                None => index(gold).is_some_and(|at| place(at, choices.len()).is_some()),
            };
            let right = match &gold {
                serde_json::Value::Array(several) => several.iter().all(known),
                one => known(one),
            };
            if right {
                Ok(())
            } else {
                Err(format!("its target {gold} is none of its choices"))
            }
        }
        _ => Ok(()),
    }
}

/// A row that differs from its like, so that none of them is another's own example.
fn numbered(row: &Row, number: usize) -> Row {
    let mut row = row.clone();
    row.insert("(row)".into(), number.into());
    row
}
