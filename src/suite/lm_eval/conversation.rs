//! A prompt as turns, written as plain text or as a chat.

use crate::model::{Message, Prompt, Role};
use crate::text::is_space;

/// Whether prompts are chats, and how worked examples are in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Chat {
    /// Plain text.
    #[default]
    Off,
    /// Examples and question in one message of the user's.
    Single,
    /// Each example a turn of the user's and one of the model's.
    Multiturn,
}

/// A turn, with what follows it in plain text.
#[derive(Debug, Clone)]
struct Turn {
    role: Role,
    content: String,
    delimiter: String,
}

/// A conversation in the making.
#[derive(Debug, Clone, Default)]
pub(super) struct Conversation(Vec<Turn>);

impl Conversation {
    /// Begins with instructions, where there are any.
    pub(super) fn new(system: &str) -> Self {
        let mut turns = Vec::new();
        if !system.is_empty() {
            turns.push(Turn {
                role: Role::System,
                content: system.to_owned(),
                delimiter: String::new(),
            });
        }
        Self(turns)
    }

    /// Adds a worked example; without an answer, where the dataset has none.
    pub(super) fn example(
        &mut self,
        question: String,
        answer: Option<&str>,
        prefix: Option<&str>,
        delimiters: (&str, &str),
    ) {
        let Some(answer) = answer else {
            return self.question(question, prefix, delimiters.0);
        };
        let prefix = prefix.unwrap_or_default();
        let between = if prefix.is_empty() {
            delimiters.0
        } else {
            between(&question, prefix, delimiters.0)
        };
        self.push(Role::User, question, between);
        self.push(Role::Assistant, joined(prefix, answer, " "), delimiters.1);
    }

    /// Ends with the question, and what the answer begins with.
    pub(super) fn question(&mut self, question: String, prefix: Option<&str>, delimiter: &str) {
        match prefix.filter(|p| !p.is_empty()) {
            None => self.push(Role::User, question, ""),
            Some(prefix) => {
                let between = between(&question, prefix, delimiter);
                self.push(Role::User, question, between);
                self.push(Role::Assistant, prefix.to_owned(), "");
            }
        }
    }

    fn push(&mut self, role: Role, content: String, delimiter: &str) {
        self.0.push(Turn {
            role,
            content,
            delimiter: delimiter.to_owned(),
        });
    }

    /// The prompt. A chat that ends with a turn of the model's is one that the model continues with.
    pub(super) fn prompt(self, chat: Chat) -> Prompt {
        match chat {
            Chat::Off => Prompt::Text(text(&self.0)),
            Chat::Multiturn => Prompt::Chat(self.0.into_iter().map(message).collect()),
            Chat::Single => Prompt::Chat(self.single()),
        }
    }

    fn single(mut self) -> Vec<Message> {
        let system =
            (self.0.first().is_some_and(|t| t.role == Role::System)).then(|| self.0.remove(0));
        let prefix = match self.0.last() {
            Some(turn) if turn.role == Role::Assistant => self.0.pop(),
            _ => None,
        };
        if let Some(last) = self.0.last_mut() {
            last.delimiter.clear();
        }
        let user = Message {
            role: Role::User,
            content: text(&self.0),
        };
        let system = system.map(message).into_iter();
        system.chain([user]).chain(prefix.map(message)).collect()
    }
}

fn message(turn: Turn) -> Message {
    Message {
        role: turn.role,
        content: turn.content,
    }
}

fn text(turns: &[Turn]) -> String {
    let parts = turns
        .iter()
        .flat_map(|t| [t.content.as_str(), t.delimiter.as_str()]);
    parts.collect()
}

/// Two texts, with the delimiter between them unless either has white space there.
pub(super) fn joined(before: &str, behind: &str, delimiter: &str) -> String {
    if before.is_empty() || behind.is_empty() || has_space_between(before, behind) {
        format!("{before}{behind}")
    } else {
        format!("{before}{delimiter}{behind}")
    }
}

/// What is between a question and what its answer begins with.
fn between<'a>(question: &str, prefix: &str, delimiter: &'a str) -> &'a str {
    if question.is_empty() || has_space_between(question, prefix) {
        ""
    } else {
        delimiter
    }
}

fn has_space_between(before: &str, behind: &str) -> bool {
    before.ends_with(is_space) || behind.starts_with(is_space)
}
