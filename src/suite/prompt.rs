//! From a sample to what is asked of a model.

use minijinja::Environment;
use serde_json::Value;

use super::sample::letter;
use super::schema::{Ask, ChoiceAs, Example, SuiteFile};
use super::{Sample, SuiteError, template};
use crate::model::{Message, Parameters, Prompt, Request, Role, SampleRef, Wanted};

/// Makes the prompts of one suite of templates.
pub struct TemplatePrompts {
    suite: String,
    environment: Environment<'static>,
    ask: Ask,
    has_system: bool,
    /// The template of plain text.
    text_template: &'static str,
    examples: Vec<Example>,
    separator: String,
    choice_prefix: String,
    choice_as: ChoiceAs,
    /// No chat template is used.
    plain: bool,
    /// The choices are templates of the suite's.
    makes_choices: bool,
    parameters: Parameters,
}

impl TemplatePrompts {
    pub(super) fn new(file: &SuiteFile, path: &str, yaml: &str) -> Result<Self, SuiteError> {
        let mut environment = template::environment(&file.constants);
        let prompt = &file.prompt;
        template::add(&mut environment, "user", &prompt.user, path, yaml)?;
        for (name, source) in [("system", &prompt.system), ("text", &prompt.text)] {
            if let Some(source) = source {
                template::add(&mut environment, name, source, path, yaml)?;
            }
        }
        Ok(Self {
            suite: file.name.clone(),
            environment,
            ask: prompt.ask,
            has_system: prompt.system.is_some(),
            text_template: if prompt.text.is_some() {
                "text"
            } else {
                "user"
            },
            examples: prompt.examples.clone(),
            separator: prompt.separator.clone(),
            choice_prefix: prompt.choice_prefix.clone(),
            choice_as: prompt.choice_as,
            plain: prompt.plain,
            makes_choices: !file.sample.choices.is_empty(),
            parameters: file.parameters.clone(),
        })
    }

    /// Makes the prompts of a suite of another name.
    pub(super) fn rename(&mut self, suite: &str) {
        suite.clone_into(&mut self.suite);
    }

    /// Lets answers have another number of tokens at most.
    pub(super) fn set_max_tokens(&mut self, most: u32) {
        self.parameters.max_tokens = most;
    }

    /// The request for a sample: chat messages, or plain text for a model that takes no chat.
    ///
    /// # Errors
    /// [`SuiteError::Sample`] if a template names what the sample does not have.
    pub fn request(&self, sample: &Sample, chat: bool, epoch: u32) -> Result<Request, SuiteError> {
        let chat = chat && !self.plain;
        let prompt = if chat {
            self.chat(sample)?
        } else {
            self.text(sample)?
        };
        let wanted = match self.ask {
            Ask::Answer => Wanted::Generate,
            Ask::Choices if sample.choices.is_empty() => {
                return Err(self.sample_error(
                    &sample.id,
                    "the suite asks for choices, and the sample has none".into(),
                ));
            }
            Ask::Choices => Wanted::LogLikelihood {
                continuations: self.continuations(sample, chat),
            },
        };
        let about = SampleRef {
            suite: self.suite.clone(),
            id: sample.id.clone(),
            epoch,
            fields: sample.fields.clone(),
        };
        Ok(Request {
            prompt,
            parameters: self.parameters.clone(),
            wanted,
            about,
        })
    }

    /// The question as a user puts it, without its choices: what a choice may have words in common with.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn question(&self, sample: &Sample) -> Result<String, SuiteError> {
        let mut bare = sample.clone();
        bare.choices = vec![String::new(); sample.choices.len()];
        self.render("user", &bare)
    }

    /// What follows the prompt for each choice. A chat's answer begins without a prefix.
    fn continuations(&self, sample: &Sample, chat: bool) -> Vec<String> {
        let prefix = if chat { "" } else { &self.choice_prefix };
        let choices = sample.choices.iter().enumerate();
        choices
            .map(|(i, choice)| match self.choice_as {
                ChoiceAs::Text => format!("{prefix}{choice}"),
                ChoiceAs::Letter => format!("{prefix}{}", letter(i)),
            })
            .collect()
    }

    fn chat(&self, sample: &Sample) -> Result<Prompt, SuiteError> {
        let mut messages = Vec::with_capacity(2 * self.examples.len() + 2);
        if self.has_system {
            messages.push(Message {
                role: Role::System,
                content: self.render("system", sample)?,
            });
        }
        for example in &self.examples {
            messages.push(Message {
                role: Role::User,
                content: self.render("user", &example_sample(example))?,
            });
            messages.push(Message {
                role: Role::Assistant,
                content: example.answer.clone(),
            });
        }
        messages.push(Message {
            role: Role::User,
            content: self.render("user", sample)?,
        });
        Ok(Prompt::Chat(messages))
    }

    fn text(&self, sample: &Sample) -> Result<Prompt, SuiteError> {
        let name = self.text_template;
        let mut text = String::new();
        if self.has_system {
            text += &self.render("system", sample)?;
            text += &self.separator;
        }
        for example in &self.examples {
            text += &self.render(name, &example_sample(example))?;
            text += " ";
            text += &example.answer;
            text += &self.separator;
        }
        text += &self.render(name, sample)?;
        Ok(Prompt::Text(text))
    }

    fn render(&self, name: &str, sample: &Sample) -> Result<String, SuiteError> {
        let letters: Vec<String> = (0..sample.choices.len()).map(letter).collect();
        let fields = minijinja::Value::from(minijinja::value::Serde(&sample.fields));
        // A row's own `choices` that are labelled, as ARC's `{text, label}`, stay what they are.
        let own = sample.fields.get("choices");
        let labelled = own.is_some_and(|c| {
            c.is_object()
                || c.as_array()
                    .is_some_and(|items| items.iter().any(Value::is_object))
        });
        let stays = sample.choices.is_empty() && own.is_some() || labelled && !self.makes_choices;
        let context = if stays {
            minijinja::context! { letters, ..fields }
        } else {
            minijinja::context! { choices => sample.choices.clone(), letters, ..fields }
        };
        template::render(&self.environment, name, context)
            .map_err(|why| self.sample_error(&sample.id, why))
    }

    fn sample_error(&self, sample: &str, reason: String) -> SuiteError {
        SuiteError::Sample {
            suite: self.suite.clone(),
            sample: sample.to_owned(),
            reason,
        }
    }
}

fn example_sample(example: &Example) -> Sample {
    let mut sample = Sample::new("(example)");
    sample.fields.clone_from(&example.fields);
    if let Some(Value::Array(choices)) = example.fields.get("choices") {
        sample.choices = choices
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
    }
    sample
}
