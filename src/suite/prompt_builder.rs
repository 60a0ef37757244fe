//! Whoever makes a suite's prompts: its own templates, or a task file's.

use super::letters::lettered;
use super::prompt::TemplatePrompts;
use super::schema::SuiteFile;
use super::task_prompts::TaskPrompts;
use super::{Sample, SuiteError};
use crate::model::{Message, Parameters, Prompt, Request, Role, Wanted};

/// Makes the prompts of one suite.
pub enum PromptBuilder {
    /// By the templates of its `suite.yaml`.
    Templates(Box<TemplatePrompts>),
    /// As lm-evaluation-harness asks the task.
    Task(Box<TaskPrompts>),
    /// Choices by letter, where one of the others asks for their log-likelihoods.
    Letters(Box<LetterPrompts>),
}

/// Makes the prompts of a suite in letters.
pub struct LetterPrompts {
    suite: String,
    likelihood: PromptBuilder,
    parameters: Parameters,
}

impl PromptBuilder {
    /// Makes the prompts of a suite that asks for letters, of those of its other form.
    pub(super) fn in_letters(self, file: &SuiteFile) -> Self {
        Self::Letters(Box::new(LetterPrompts {
            suite: file.name.clone(),
            likelihood: self,
            parameters: file.parameters.clone(),
        }))
    }

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
            Self::Letters(prompts) => prompts.parameters.max_tokens = most,
        }
    }

    /// How often a sample is asked per epoch; its answers are scored together.
    #[must_use]
    pub fn repeats(&self) -> u32 {
        match self {
            Self::Task(prompts) => prompts.repeats(),
            Self::Templates(_) | Self::Letters(_) => 1,
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
            Self::Letters(prompts) => prompts.request(sample, chat, epoch),
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
            Self::Letters(prompts) => prompts.likelihood.question(sample),
        }
    }
}

impl LetterPrompts {
    /// The request for a sample: a chat for a model that takes one.
    ///
    /// # Errors
    /// As [`PromptBuilder::request`].
    pub fn request(&self, sample: &Sample, chat: bool, epoch: u32) -> Result<Request, SuiteError> {
        let mut request = self.likelihood.request(sample, chat, epoch)?;
        let wanted = std::mem::replace(&mut request.wanted, Wanted::Generate);
        let prompt = lettered(request.prompt, wanted, sample.choices.len());
        request.prompt = match prompt {
            Prompt::Text(content) if chat => Prompt::Chat(vec![Message {
                role: Role::User,
                content,
            }]),
            other => other,
        };
        request.parameters = self.parameters.clone();
        request.about.suite.clone_from(&self.suite);
        Ok(request)
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
