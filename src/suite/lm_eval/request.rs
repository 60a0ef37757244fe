//! What a document is turned into: prompts, and what is wanted after them.

use serde_json::{Map, Value};

use super::conversation::{Chat, Conversation, joined};
use super::examples::Examples;
use super::field::{Field, resolve};
use super::output::OutputType;
use super::task::{Form, Task};
use crate::files::Row;
use crate::model::Prompt;
use crate::text::is_space;

/// How a task is asked, besides what its file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setting {
    /// Worked examples per document, where it is not what the file says.
    pub num_fewshot: Option<usize>,
    /// Plain text, or a chat.
    pub chat: Chat,
    /// Instructions before the task's own description.
    pub system: String,
}

impl Setting {
    /// The number of worked examples of a task: one that says 0 keeps to it.
    pub(in crate::suite) fn shots(&self, task: &Task) -> usize {
        match task.num_fewshot {
            Some(0) => 0,
            own => self.num_fewshot.or(own).unwrap_or(0),
        }
    }
}

/// What the first document shows of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Each choice is a context of its own: `doc_to_text` is the index of the right one.
    pub(crate) multiple_input: bool,
    /// Several targets are right.
    pub(crate) multiple_target: bool,
}

impl Shape {
    /// Reads a dataset's first document.
    ///
    /// # Errors
    /// Why it cannot be rendered.
    pub(in crate::suite) fn of(task: &Task, document: &Row) -> Result<Self, String> {
        let choosing = task.form.choice.is_some();
        let text = task.form.text.text(document, choosing)?;
        let target = task.form.target.target(document, choosing)?;
        let choices = task
            .form
            .choice
            .as_ref()
            .map(|c| c.choices(document))
            .transpose()?;
        if let (Some(choices), Value::Number(at), false) = (&choices, &target, target.is_array()) {
            let at = at.as_i64().unwrap_or(0);
            if usize::try_from(at).is_ok_and(|at| at >= choices.len()) {
                return Err(format!(
                    "its target is {at}, and it has {} choices",
                    choices.len()
                ));
            }
        }
        Ok(Self {
            multiple_input: text.is_i64() && choices.is_some_and(|c| !c.is_empty()),
            multiple_target: target.as_array().is_some_and(|t| !t.is_empty()),
        })
    }
}

/// What is asked of a model for one document.
#[derive(Debug, Clone, PartialEq)]
pub enum Requested {
    /// An answer in words, with the options that lm-evaluation-harness passes on.
    Generate(Prompt, Map<String, Value>),
    /// The log-likelihood of each text after its prompt.
    LogLikelihood(Vec<(Prompt, String)>),
    /// The log-likelihood of a text from its beginning.
    Rolling(String),
}

/// A task with what decides its prompts.
pub(in crate::suite) struct Asking<'a> {
    pub task: &'a Task,
    pub setting: &'a Setting,
    pub shape: Shape,
    pub examples: &'a Examples,
}

impl Asking<'_> {
    /// What is asked for the document in a place.
    ///
    /// # Errors
    /// Why it cannot be rendered, in one line.
    pub(in crate::suite) fn requested(
        &self,
        place: usize,
        document: &Row,
    ) -> Result<Requested, String> {
        let form = &self.task.form;
        let choosing = form.choice.is_some();
        let target = || form.target.target(document, choosing);
        match self.task.output {
            OutputType::LogLikelihoodRolling => Ok(Requested::Rolling(text_of(target()?)?)),
            OutputType::GenerateUntil => {
                let context = self.context(place, document)?;
                Ok(Requested::Generate(context, self.task.generation.clone()))
            }
            OutputType::LogLikelihood => {
                let context = self.context(place, document)?;
                Ok(Requested::LogLikelihood(vec![(
                    context,
                    text_of(target()?)?,
                )]))
            }
            OutputType::MultipleChoice => {
                self.choices(place, document).map(Requested::LogLikelihood)
            }
        }
    }

    fn choices(&self, place: usize, document: &Row) -> Result<Vec<(Prompt, String)>, String> {
        let form = &self.task.form;
        let choices = self.own_choices(document)?;
        let delimiter = if self.setting.chat == Chat::Off
            || form
                .gen_prefix
                .as_deref()
                .is_some_and(|p| !p.is_empty() && !p.ends_with(is_space))
        {
            form.target_delimiter.as_str()
        } else {
            ""
        };
        let mut pairs = Vec::with_capacity(choices.len());
        if self.shape.multiple_input {
            let target = form.target.target(document, true)?;
            let target = format!("{delimiter}{}", crate::text::python_text(&target));
            for choice in &choices {
                let mut turns = self.before(place, document)?;
                turns.question(choice.clone(), self.prefix(document)?.as_deref(), "");
                pairs.push((turns.prompt(self.setting.chat), target.clone()));
            }
        } else {
            let context = self.context(place, document)?;
            let pair = |choice: &String| (context.clone(), format!("{delimiter}{choice}"));
            pairs.extend(choices.iter().map(pair));
        }
        if self.task.measures_mutual_information() {
            let alone =
                |choice: &String| (Prompt::Text(String::new()), format!("{delimiter}{choice}"));
            pairs.extend(choices.iter().map(alone));
        }
        Ok(pairs)
    }

    fn own_choices(&self, document: &Row) -> Result<Vec<String>, String> {
        let choice = self.task.form.choice.as_ref();
        choice.map_or_else(|| Ok(Vec::new()), |c| c.choices(document))
    }

    fn prefix(&self, document: &Row) -> Result<Option<String>, String> {
        resolve(document, self.task.form.gen_prefix.as_deref())
    }

    /// The prompt of a document.
    fn context(&self, place: usize, document: &Row) -> Result<Prompt, String> {
        let form = &self.task.form;
        let mut turns = self.before(place, document)?;
        let question = form.text.text(document, form.choice.is_some())?;
        // What a question would be that is not one shows in the target as well.
        self.own_choices(document)?;
        turns.question(
            text_of(question)?,
            self.prefix(document)?.as_deref(),
            &form.target_delimiter,
        );
        Ok(turns.prompt(self.setting.chat))
    }

    /// Instructions and worked examples.
    fn before(&self, place: usize, document: &Row) -> Result<Conversation, String> {
        let description = resolve(document, Some(&self.task.description))?.unwrap_or_default();
        let delimiter = &self.task.form.delimiter;
        let mut turns = Conversation::new(&joined(&self.setting.system, &description, delimiter));
        for example in self.examples.of(place) {
            self.example(&mut turns, example)
                .map_err(|why| format!("a worked example: {why}"))?;
        }
        Ok(turns)
    }

    fn example(&self, turns: &mut Conversation, example: &Row) -> Result<(), String> {
        let form: &Form = &self.task.fewshot.form;
        let choosing = self.task.form.choice.is_some();
        let mut question = form.text.text(example, choosing)?;
        let mut choices = form
            .choice
            .as_ref()
            .map(|c| c.choices(example))
            .transpose()?;
        let answer = form.target.target(example, choosing)?;
        if self.shape.multiple_input {
            question = at(choices.as_deref().unwrap_or_default(), &question)?.into();
            choices = None;
        }
        let answer = answer_text(answer, choices.as_deref())?;
        let prefix = resolve(example, form.gen_prefix.as_deref())?;
        let delimiters = (form.target_delimiter.as_str(), form.delimiter.as_str());
        turns.example(
            text_of(question)?,
            answer.as_deref(),
            prefix.as_deref(),
            delimiters,
        );
        Ok(())
    }
}

/// The answer of a worked example: a choice by its number, the first of several, or a text; none where it is empty.
fn answer_text(answer: Value, choices: Option<&[String]>) -> Result<Option<String>, String> {
    Ok(match (answer, choices.filter(|c| !c.is_empty())) {
        (Value::Null, _) => None,
        (Value::String(text), _) => (!text.is_empty()).then_some(text),
        (number @ (Value::Number(_) | Value::Bool(_)), Some(choices)) => {
            Some(at(choices, &number)?.to_owned())
        }
        (Value::Array(several), _) => {
            let first = several.into_iter().next();
            Some(text_of(first.ok_or("its target is an empty list")?)?)
        }
        (other, _) => return Err(format!("its target {other} is not a text")),
    })
}

/// A choice by its number; negative ones count from the end, as in Python.
fn at<'a>(choices: &'a [String], number: &Value) -> Result<&'a str, String> {
    let wrong = || {
        format!(
            "{number} is not the number of one of its {} choices",
            choices.len()
        )
    };
    let index = index(number).ok_or_else(wrong)?;
    place(index, choices.len())
        .map(|i| choices[i].as_str())
        .ok_or_else(wrong)
}

/// A whole number, or a truth value as Python counts it.
pub(crate) fn index(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(yes) => Some((*yes).into()),
        other => other.as_i64(),
    }
}

/// The place that an index of Python's names in a list.
pub(crate) fn place(index: i64, length: usize) -> Option<usize> {
    let at = match usize::try_from(index) {
        Ok(at) => at,
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (at < length).then_some(at)
}

fn text_of(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!("{other} is not a text")),
    }
}

/// The names of fields that a task reads, as its settings write them.
pub(in crate::suite) fn sources(task: &Task) -> Vec<&str> {
    let fields = [&task.form.text, &task.form.target].into_iter();
    let fields = fields.chain(&task.form.choice).filter_map(Field::source);
    let own = [
        Some(task.description.as_str()),
        task.form.gen_prefix.as_deref(),
    ];
    fields.chain(own.into_iter().flatten()).collect()
}
