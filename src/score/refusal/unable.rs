//! Inability that shows in a readable answer: the chat's own marks, the question again, no knowledge.
//!
//! Whether it is inability or its pretence no single answer tells: a model's controls do (`analysis::unable`).

use super::{rules, shape};
use crate::text::fold;

/// What a chat model should have ended at, not said.
const MARKS: &[&str] = &[
    "<|im_start|>",
    "<|im_end|>",
    "<|user|>",
    "<|assistant|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|start_header_id|>",
    "<start_of_turn>",
    "[/INST]",
    "### Instruction:",
];
/// An answer that has said less than this many characters before a mark has said nothing.
const BEFORE_A_MARK: usize = 40;
/// Words of a question below which repeating them may be the answer.
const MIN_ECHOED: usize = 5;
/// Why a readable answer is one that the model was unable to give; none where nothing shows it.
pub(super) fn why(question: &str, answer: &str) -> Option<String> {
    marks(answer)
        .or_else(|| echo(question, answer))
        .or_else(|| rules::ignorance(answer).map(|words| format!("does not know: {words}")))
}

/// Plays the chat on by itself before it has said anything.
fn marks(answer: &str) -> Option<String> {
    let found = MARKS.iter().filter_map(|m| Some((answer.find(m)?, *m)));
    let (at, mark) = found.min()?;
    let said = answer[..at].trim().chars().count();
    (said < BEFORE_A_MARK).then(|| format!("the chat's own marks: {mark}"))
}

/// Repeats the question, from its beginning on, and says nothing else.
fn echo(question: &str, answer: &str) -> Option<String> {
    let of = |text: &str| -> Vec<String> {
        let folded = fold(text);
        let bare = |unit: &str| unit.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let units = shape::units(&folded).map(bare);
        units.filter(|unit| !unit.is_empty()).collect()
    };
    let (asked, mut said) = (of(question), of(answer).into_iter().peekable());
    if asked.len() < MIN_ECHOED {
        return None;
    }
    let mut rounds = 0;
    while said.peek().is_some() {
        let same = asked
            .iter()
            .take_while(|w| said.next_if(|s| s == *w).is_some())
            .count();
        if same * 10 < asked.len() * 8 {
            return None;
        }
        rounds += 1;
    }
    (rounds > 0).then(|| "repeats the question".into())
}
