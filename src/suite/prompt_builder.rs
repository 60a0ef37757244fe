//! Whoever makes a suite's prompts: its own templates, or a task file's.

use super::prompt::TemplatePrompts;
use super::task_prompts::TaskPrompts;
use super::{Sample, SuiteError};
use crate::model::Request;

/// Makes the prompts of one suite.
pub enum PromptBuilder {
    /// By the templates of its `suite.yaml`.
    Templates(Box<TemplatePrompts>),
    /// As lm-evaluation-harness asks the task.
    Task(Box<TaskPrompts>),
}

impl PromptBuilder {
    /// Makes the prompts of a suite of another name. A task is not a part of another suite.
    pub(super) fn rename(&mut self, suite: &str) {
        if let Self::Templates(prompts) = self {
            prompts.rename(suite);
        }
    }

    /// Lets answers have another number of tokens at most.
    pub(super) fn set_max_tokens(&mut self, most: u32) {
        match self {
            Self::Templates(prompts) => prompts.set_max_tokens(most),
            Self::Task(prompts) => prompts.set_max_tokens(most),
        }
    }

    /// The request for a sample: chat messages, or plain text for a model that takes no chat.
    ///
    /// # Errors
    /// [`SuiteError::Sample`] if a template names what the sample does not have.
    pub fn request(&self, sample: &Sample, chat: bool, epoch: u32) -> Result<Request, SuiteError> {
        match self {
            Self::Templates(prompts) => prompts.request(sample, chat, epoch),
            Self::Task(prompts) => prompts
                .request(sample, epoch)
                .map_err(|reason| wrong(prompts, sample, reason)),
        }
    }

    /// The question as a user puts it, without its choices: what a choice may have words in common with.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn question(&self, sample: &Sample) -> Result<String, SuiteError> {
        match self {
            Self::Templates(prompts) => prompts.question(sample),
            Self::Task(prompts) => prompts
                .question(sample)
                .map_err(|reason| wrong(prompts, sample, reason)),
        }
    }
}

/// A task's sample that cannot be asked about.
fn wrong(prompts: &TaskPrompts, sample: &Sample, reason: String) -> SuiteError {
    SuiteError::Sample {
        suite: prompts.name().to_owned(),
        sample: sample.id.clone(),
        reason,
    }
}
