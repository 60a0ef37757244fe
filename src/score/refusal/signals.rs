//! What the provider says alongside an answer, which comes before anything in it.

use super::taxonomy::AnswerClass;
use crate::model::{Completion, Finish, Signal};

/// How a provider kept an answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BlockKind {
    /// The prompt was turned away before an answer.
    PromptRejected,
    /// The answer was ended by a filter.
    AnswerFiltered,
    /// The answer began, and was retracted.
    Retracted,
}

impl BlockKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PromptRejected => "prompt_rejected",
            Self::AnswerFiltered => "answer_filtered",
            Self::Retracted => "retracted",
        }
    }
}

/// How the provider blocked it, and its words; none if it did not.
#[must_use]
pub fn block(completion: &Completion) -> Option<(BlockKind, String)> {
    let said = completion.signals.iter().find_map(|s| match s {
        Signal::PromptBlocked { reason } => Some((BlockKind::PromptRejected, reason.clone())),
        Signal::AnswerBlocked { reason } if completion.text.trim().is_empty() => {
            Some((BlockKind::AnswerFiltered, reason.clone()))
        }
        Signal::AnswerBlocked { reason } => Some((BlockKind::Retracted, reason.clone())),
        _ => None,
    });
    let finish = || {
        (
            BlockKind::AnswerFiltered,
            "the provider ended the answer".into(),
        )
    };
    said.or_else(|| (completion.finish == Finish::ContentFilter).then(finish))
}

/// The class that the provider's signals decide, and why; none if the answer must.
pub(super) fn classify(completion: &Completion) -> Option<(AnswerClass, Option<String>)> {
    if let Some((kind, words)) = block(completion) {
        return Some((
            AnswerClass::Blocked,
            Some(format!("{}: {words}", kind.name())),
        ));
    }
    let refusal = completion.signals.iter().find_map(|s| match s {
        Signal::Refusal { text } => Some(text.clone()),
        _ => None,
    });
    if let Some(words) = refusal {
        return Some((AnswerClass::Denial, Some(words)));
    }
    if completion.finish == Finish::Refusal {
        let why = "the provider marked it as a refusal".to_owned();
        return Some((AnswerClass::Denial, Some(why)));
    }
    None
}
