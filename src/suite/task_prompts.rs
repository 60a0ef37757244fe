//! The prompts of a task of lm-evaluation-harness.

use super::Sample;
use super::lm_eval::{Asking, Examples, OutputType, Requested, Setting, Shape, Task, resolve};
use crate::files::Row;
use crate::model::{Parameters, Prompt, Request, SampleRef, Wanted};

/// Makes the prompts of one task.
pub struct TaskPrompts {
    pub(super) task: Task,
    pub(super) setting: Setting,
    pub(super) shape: Shape,
    pub(super) examples: Examples,
    pub(super) parameters: Parameters,
}

impl TaskPrompts {
    /// The task's name.
    pub(super) fn name(&self) -> &str {
        &self.task.name
    }

    /// How often a document is asked: log-likelihoods are the same every time.
    pub(super) fn repeats(&self) -> u32 {
        match self.task.output {
            OutputType::GenerateUntil => self.task.repeats,
            _ => 1,
        }
    }

    pub(super) fn set_max_tokens(&mut self, most: u32) {
        self.parameters.max_tokens = most;
    }

    /// What is asked for a sample, as lm-evaluation-harness asks it.
    ///
    /// # Errors
    /// Why it cannot be rendered, in one line.
    pub fn requested(&self, sample: &Sample) -> Result<Requested, String> {
        let asking = Asking {
            task: &self.task,
            setting: &self.setting,
            shape: self.shape,
            examples: &self.examples,
        };
        let place = sample.id.parse().unwrap_or(usize::MAX);
        asking.requested(place, &document(sample))
    }

    /// The request for a sample. Whether it is a chat is the setting's word, not the model's.
    ///
    /// # Errors
    /// As [`Self::requested`].
    pub fn request(&self, sample: &Sample, epoch: u32) -> Result<Request, String> {
        let (prompt, wanted) = match self.requested(sample)? {
            Requested::Generate(prompt, _) => (prompt, Wanted::Generate),
            Requested::Rolling(text) => {
                let continuations = vec![text];
                (
                    Prompt::Text(String::new()),
                    Wanted::LogLikelihood { continuations },
                )
            }
            Requested::LogLikelihood(pairs) => wanted(pairs).ok_or("it has no choices")?,
        };
        Ok(Request {
            prompt,
            wanted,
            parameters: self.parameters.clone(),
            about: SampleRef {
                suite: self.task.name.clone(),
                id: sample.id.clone(),
                epoch,
                fields: sample.fields.clone(),
            },
        })
    }

    /// The question without its examples.
    ///
    /// # Errors
    /// As [`Self::requested`].
    pub fn question(&self, sample: &Sample) -> Result<String, String> {
        let source = self.task.form.text.source();
        let question = resolve(&document(sample), source);
        Ok(question?.unwrap_or_default())
    }
}

/// Continuations of one prompt where all share it, else each with its own.
fn wanted(pairs: Vec<(Prompt, String)>) -> Option<(Prompt, Wanted)> {
    let (first, _) = pairs.first()?;
    let first = first.clone();
    let wanted = if pairs.iter().all(|(prompt, _)| *prompt == first) {
        let continuations = pairs.into_iter().map(|(_, text)| text).collect();
        Wanted::LogLikelihood { continuations }
    } else {
        Wanted::LogLikelihoods { pairs }
    };
    Some((first, wanted))
}

/// A sample's row.
pub(crate) fn document(sample: &Sample) -> Row {
    let fields = sample.fields.iter();
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
