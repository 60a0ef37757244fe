//! What scoring needs to know of a task: its filters, its metrics, and what is right for a document.

use serde_json::{Map, Value};

use super::config::Config;
use super::filter::Pipeline;
use super::metric::MetricSpec;
use super::output::OutputType;
use super::request::Shape;
use super::task::Task;
use crate::files::Row;

/// The scorer of task files.
pub const SCORER: &str = "lm_eval";

/// Settings that decide how answers are scored.
const SCORING: &[&str] = &[
    "task",
    "output_type",
    "dataset_path",
    "test_split",
    "validation_split",
    "doc_to_text",
    "doc_to_target",
    "doc_to_choice",
    "filter_list",
    "metric_list",
];

/// The options of the scorer of a task of these settings.
pub(in crate::suite) fn scoring(fields: &Map<String, Value>, name: &str) -> Map<String, Value> {
    let kept = fields
        .iter()
        .filter(|(key, value)| SCORING.contains(&key.as_str()) && !value.is_null());
    let mut kept: Map<String, Value> = kept.map(|(k, v)| (k.clone(), v.clone())).collect();
    kept.insert("task".into(), name.into());
    kept
}

/// A task as its scorer sees it.
#[derive(Debug)]
pub struct Grading {
    task: Task,
    shape: Shape,
}

impl Grading {
    /// Reads the options of a task's scorer.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn read(mut options: Map<String, Value>) -> Result<Self, String> {
        let mut flag = |name: &str| {
            options
                .remove(name)
                .and_then(|v| v.as_bool())
                .unwrap_or(false)
        };
        let shape = Shape {
            multiple_input: flag("multiple_input"),
            multiple_target: flag("multiple_target"),
        };
        let config = Config::of_file(&"the options of the scorer".into(), options);
        let task = Task::read(&config).map_err(|e| e.to_string())?;
        Ok(Self { task, shape })
    }

    /// What was asked.
    pub(crate) fn output(&self) -> OutputType {
        self.task.output
    }

    /// The metrics, in the task's order.
    pub(crate) fn metrics(&self) -> &[MetricSpec] {
        &self.task.metrics
    }

    /// The filters, in the task's order.
    pub(crate) fn pipelines(&self) -> &[Pipeline] {
        &self.task.filters
    }

    /// Whether several targets are right.
    pub(crate) fn multiple_target(&self) -> bool {
        self.shape.multiple_target
    }

    /// Whether the answers' likelihoods without a question come after those with it.
    pub(crate) fn measures_mutual_information(&self) -> bool {
        self.task.measures_mutual_information()
    }

    /// The right answer of a document: the number of a choice, a text, or a list of either.
    pub(crate) fn gold(&self, document: &Row) -> Result<Value, String> {
        let form = &self.task.form;
        if self.shape.multiple_input {
            form.text.text(document, true)
        } else {
            form.target.target(document, form.choice.is_some())
        }
    }

    /// The choices of a document; none where the task has none.
    pub(crate) fn choices(&self, document: &Row) -> Result<Option<Vec<String>>, String> {
        let choice = self.task.form.choice.as_ref();
        choice.map(|c| c.choices(document)).transpose()
    }
}
