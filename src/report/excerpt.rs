//! One-line excerpts of transcripts: the question that was asked, and how an answer ended.

use crate::text::{excerpt, squash_whitespace};

/// The last user turn of a prompt as the tables hold it: the whole prompt, or its last `[user]` turn.
#[must_use]
pub(super) fn last_user_turn(prompt: &str) -> &str {
    const USER: &str = "[user]\n";
    let turn = |at: usize| {
        let turn = &prompt[at + USER.len()..];
        turn.split("\n\n[assistant]\n").next().unwrap_or(turn)
    };
    let several = prompt.starts_with("[system]\n") || prompt.starts_with(USER);
    if !several {
        return prompt;
    }
    match prompt.rfind(&format!("\n\n{USER}")) {
        Some(at) => turn(at + 2),
        None if prompt.starts_with(USER) => turn(0),
        None => prompt,
    }
}

/// The first `most` characters of the question, on one line.
#[must_use]
pub fn question_excerpt(prompt: &str, most: usize) -> String {
    excerpt(last_user_turn(prompt), most)
}

/// A text on one line, of at most `most` characters; of a longer one its first and last characters, since an answer ends with its
/// conclusion.
#[must_use]
pub fn both_ends(text: &str, most: usize) -> String {
    let line = squash_whitespace(text);
    let length = line.chars().count();
    if length <= most {
        return line;
    }
    let ends = most.saturating_sub(3);
    let (first, last) = (ends / 3, ends - ends / 3);
    let beginning: String = line.chars().take(first).collect();
    let end: String = line.chars().skip(length - last).collect();
    format!("{} … {}", beginning.trim_end(), end.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Message, Prompt, Role};

    #[test]
    fn the_last_question_is_found_behind_examples() {
        let turn = |role, content: &str| Message {
            role,
            content: content.into(),
        };
        let examples = [
            turn(Role::System, "Be brief."),
            turn(Role::User, "1 + 1?"),
            turn(Role::Assistant, "2"),
            turn(Role::User, "2 + 2?\n\nThink."),
        ];
        let shown = Prompt::Chat(examples.to_vec()).display();
        assert_eq!(last_user_turn(&shown), "2 + 2?\n\nThink.");
        assert_eq!(last_user_turn("just this [user]\nx"), "just this [user]\nx");
        let begun = Prompt::Chat([&examples[1..], &[turn(Role::Assistant, "It is")]].concat());
        assert_eq!(last_user_turn(&begun.display()), "2 + 2?\n\nThink.");
    }

    #[test]
    fn an_answer_keeps_what_it_comes_to() {
        let answer = format!("First, {} so the answer is 42.", "a step; ".repeat(40));
        let shown = both_ends(&answer, 60);
        assert!(shown.starts_with("First,") && shown.ends_with("so the answer is 42."));
        assert!(shown.chars().count() <= 60, "{shown}");
        assert_eq!(both_ends("It is\n42.", 60), "It is 42.");
    }
}
