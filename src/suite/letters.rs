//! Multiple choice by letter: suites that compare log-likelihoods, for models that give none.
//!
//! The rule: what would be continued, then each continuation on a line behind its letter, then [`ASK`]. Where prompts differ, as those of
//! a sentence with either name filled in, what they share up to the end of a line stays the prompt, and the rest is what is chosen from.
//! Continuations that are the letters themselves, in order, are not listed: such a prompt lists its choices already.

use super::sample::letter;
use crate::model::{Message, Prompt, Role, Wanted};

/// The question after the choices.
pub(super) const ASK: &str = "Which of these is right? Answer with its letter alone.";

/// The scorer of answers by letter, and its metric.
pub const LETTER_SCORER: &str = "choice_letter";
/// See [`LETTER_SCORER`].
pub const LETTER_METRIC: &str = "letter_accuracy";

/// The prompt that asks for the letter of a choice, where the other form wants log-likelihoods.
pub(super) fn lettered(prompt: Prompt, wanted: Wanted, choices: usize) -> Prompt {
    let (mut prompt, options) = parts(prompt, wanted, choices);
    ask(&mut prompt, &options);
    prompt
}

/// What is asked, and what could follow it. After the choices there can be more, which is not for choosing.
fn parts(prompt: Prompt, wanted: Wanted, choices: usize) -> (Prompt, Vec<String>) {
    match wanted {
        Wanted::Generate => (prompt, Vec::new()),
        Wanted::LogLikelihood { mut continuations } => {
            continuations.truncate(choices);
            (prompt, continuations)
        }
        Wanted::LogLikelihoods { mut pairs } => {
            pairs.truncate(choices);
            let alike = pairs.iter().all(|(own, _)| *own == prompt);
            if alike {
                return (prompt, pairs.into_iter().map(|(_, text)| text).collect());
            }
            let whole: Vec<String> = pairs
                .iter()
                .map(|(own, text)| format!("{}{text}", last(own)))
                .collect();
            let shared = shared_lines(&whole);
            let mut prompt = prompt;
            last_mut(&mut prompt).truncate(shared);
            let rest = whole.iter().map(|text| text[shared..].to_owned());
            (prompt, rest.collect())
        }
    }
}

/// Bytes of the lines that texts begin with alike.
fn shared_lines(texts: &[String]) -> usize {
    let Some((first, others)) = texts.split_first() else {
        return 0;
    };
    let ends = first.char_indices().filter(|(_, c)| *c == '\n');
    let alike = |end: &usize| others.iter().all(|o| o.starts_with(&first[..*end]));
    ends.map(|(i, _)| i + 1)
        .take_while(alike)
        .last()
        .unwrap_or(0)
}

/// Puts the choices behind a prompt, and asks for a letter. What the model's own answer would begin with is a line of the question.
fn ask(prompt: &mut Prompt, options: &[String]) {
    if let Prompt::Chat(messages) = prompt
        && let [.., question, begun] = messages.as_mut_slice()
        && begun.role == Role::Assistant
    {
        question.content = format!("{}\n{}", question.content, begun.content);
        messages.pop();
    }
    let question = last_mut(prompt);
    question.truncate(question.trim_end().len());
    let paragraph = |text: &mut String| {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
    };
    let are_letters = options
        .iter()
        .enumerate()
        .all(|(i, option)| option.trim() == letter(i));
    if !are_letters {
        paragraph(question);
        let lines = options.iter().enumerate();
        let lines = lines.map(|(i, option)| format!("{}. {}", letter(i), option.trim()));
        question.push_str(&lines.collect::<Vec<_>>().join("\n"));
    }
    paragraph(question);
    question.push_str(ASK);
}

/// The text that would be continued.
fn last(prompt: &Prompt) -> &str {
    match prompt {
        Prompt::Text(text) => text,
        Prompt::Chat(messages) => messages.last().map_or("", |m| &m.content),
    }
}

fn last_mut(prompt: &mut Prompt) -> &mut String {
    match prompt {
        Prompt::Text(text) => text,
        Prompt::Chat(messages) => {
            if messages.is_empty() {
                messages.push(Message {
                    role: Role::User,
                    content: String::new(),
                });
            }
            let end = messages.len() - 1;
            &mut messages[end].content
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(prompt: &Prompt) -> &str {
        last(prompt)
    }

    fn continuations(all: &[&str]) -> Wanted {
        Wanted::LogLikelihood {
            continuations: all.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn choices_stand_behind_their_letters_after_the_prompt() {
        let prompt = Prompt::Text("Q: Why?\nA:".into());
        let asked = lettered(prompt, continuations(&[" It is.", " It is not."]), 2);
        assert_eq!(
            text(&asked),
            format!("Q: Why?\nA:\n\nA. It is.\nB. It is not.\n\n{ASK}")
        );
    }

    #[test]
    fn letters_are_not_listed_again() {
        let prompt = Prompt::Text("Why?\nA. x\nB. y\nAnswer:".into());
        let asked = lettered(prompt, continuations(&[" A", " B"]), 2);
        assert_eq!(text(&asked), format!("Why?\nA. x\nB. y\nAnswer:\n\n{ASK}"));
    }

    #[test]
    fn of_prompts_that_differ_the_lines_they_share_are_the_question() {
        let pair = |name: &str| {
            let prompt = Prompt::Text(format!("One.\nAnn thanked Bo, as {name}"));
            (prompt, " had helped.".to_owned())
        };
        let alone = (Prompt::Text(String::new()), " had helped.".to_owned());
        let pairs = vec![pair("Ann"), pair("Bo"), alone.clone(), alone];
        let asked = lettered(pairs[0].0.clone(), Wanted::LogLikelihoods { pairs }, 2);
        assert_eq!(
            text(&asked),
            format!(
                "One.\n\nA. Ann thanked Bo, as Ann had helped.\nB. Ann thanked Bo, as Bo had helped.\n\n{ASK}"
            )
        );
    }

    #[test]
    fn what_an_answer_begins_with_is_a_line_of_the_question() {
        let message = |role, content: &str| Message {
            role,
            content: content.into(),
        };
        let prompt = Prompt::Chat(vec![
            message(Role::User, "Why?"),
            message(Role::Assistant, "Because"),
        ]);
        let asked = lettered(prompt, continuations(&["it is", "not"]), 2);
        assert_eq!(
            asked,
            Prompt::Chat(vec![message(
                Role::User,
                &format!("Why?\nBecause\n\nA. it is\nB. not\n\n{ASK}")
            )])
        );
    }
}
