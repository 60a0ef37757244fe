//! What the provider says alongside an answer, and what its shape says: both come before any words.

use super::taxonomy::AnswerClass;
use crate::model::{Completion, Finish, Signal};
use crate::text;

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

/// The class that signals and shape decide, and why; none if words must.
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
    // Loops show at the end of a long answer: its shape is that of the whole, which takes one pass.
    let text = completion.text.trim();
    if text.is_empty() {
        return Some((AnswerClass::Empty, None));
    }
    incoherent(text).map(|why| (AnswerClass::Incoherent, Some(why)))
}

/// Whether a text that the token limit cut stops in the middle of a sentence.
pub(super) fn cut(completion: &Completion) -> bool {
    let last = completion.text.trim_end().chars().next_back();
    completion.finish == Finish::Length
        && !last.is_some_and(|c| {
            matches!(
                c,
                '.' | '!'
                    | '?'
                    | '。'
                    | '！'
                    | '？'
                    | '؟'
                    | '।'
                    | '”'
                    | '"'
                    | '»'
                    | '」'
                    | ')'
                    | '`'
            )
        })
}

/// Why a text is gibberish: no letters, repetition, mixed scripts.
fn incoherent(answer: &str) -> Option<String> {
    let characters = answer.chars().count();
    let letters = answer.chars().filter(|c| c.is_alphanumeric()).count();
    if characters >= 40 && letters * 3 < characters {
        return Some("hardly a letter".into());
    }
    let words: Vec<&str> = answer.split_whitespace().collect();
    if words.len() >= 40 {
        let mut counts: std::collections::HashMap<&[&str], usize> =
            std::collections::HashMap::new();
        for window in words.windows(4) {
            *counts.entry(window).or_default() += 1;
        }
        let (loudest, n) = counts.into_iter().max_by_key(|(_, n)| *n)?;
        if n * 4 * 2 >= words.len() && n >= 8 {
            return Some(format!("loops: {}", loudest.join(" ")));
        }
    } else if characters >= 60 {
        // Scripts without spaces: the same few characters over and over.
        let all: Vec<char> = answer.chars().filter(|c| !c.is_whitespace()).collect();
        let mut kinds = all.clone();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() * 12 < all.len() && kinds.len() < 14 {
            return Some(format!("loops over {} characters", kinds.len()));
        }
    }
    let (scripts, words) = text::collisions(answer);
    if scripts >= 4 && words.len() >= 3 {
        return Some(format!(
            "scraps of {scripts} scripts: {}",
            words[..3].join(" ")
        ));
    }
    None
}
