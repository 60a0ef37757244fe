//! What came of a request, put together: words, thinking and refusal apart, the reason why it ended, and an error's verdict on it.

use super::content::Said;
use super::fault::Fault;
use super::finish::Ending;
use crate::model::{Completion, Finish, Signal, reasoning};

/// An answer of what was said and why it ended.
pub(super) fn answer(said: Said, ending: Ending) -> Completion {
    let mut completion = Completion::text("");
    (completion.reasoning, completion.text) = part_reasoning(&said);
    completion.finish = ending.finish;
    if ending.finish == Finish::ContentFilter {
        let reason = ending.reason;
        completion.signals.push(Signal::AnswerBlocked { reason });
    }
    if !said.refusal.trim().is_empty() {
        completion.finish = Finish::Refusal;
        if completion.text.is_empty() {
            completion.text.clone_from(&said.refusal);
        }
        let text = said.refusal;
        completion.signals.push(Signal::Refusal { text });
    }
    completion
}

/// No answer yet: what an error's account can be put on.
pub(super) fn nothing() -> Completion {
    let mut completion = Completion::text("");
    completion.finish = Finish::Unknown;
    completion
}

/// A completion for a prompt or an answer that a filter turned away with an error status.
pub(super) fn blocked(fault: &Fault) -> Option<Completion> {
    let mut completion = nothing();
    fail(&mut completion, fault);
    completion.is_blocked().then_some(completion)
}

/// Thinking and answer. Thinking that the server left in the text is taken out of it, also where it gives the same alongside the text.
fn part_reasoning(said: &Said) -> (Option<String>, String) {
    let (thought, answer) = reasoning::split(&said.text);
    let beside = said.reasoning.trim();
    if beside.is_empty() {
        return (thought, answer);
    }
    if said.text.trim() == beside {
        return (None, said.text.clone());
    }
    match thought {
        Some(thought) if beside.contains(thought.trim()) => (Some(beside.to_owned()), answer),
        _ => (Some(beside.to_owned()), said.text.clone()),
    }
}

/// Puts an error's account on what came before it: a filter's verdict, or a failure.
pub(super) fn fail(completion: &mut Completion, fault: &Fault) {
    match fault.verdict() {
        Some(verdict) => {
            completion.finish = Finish::ContentFilter;
            completion.signals.push(match verdict {
                // What has begun was turned away as an answer.
                Signal::PromptBlocked { reason } if !completion.text.is_empty() => {
                    Signal::AnswerBlocked { reason }
                }
                other => other,
            });
            completion.signals.extend(fault.categories.iter().cloned());
        }
        None => completion.finish = Finish::Error,
    }
    completion.signals.push(Signal::ProviderError {
        status: fault.status(),
        message: fault.message().unwrap_or_else(|| "(no message)".to_owned()),
    });
}
