//! Reasoning that a model writes into its text between `<think>` and `</think>`.

/// Splits a text into reasoning and answer. Reasoning that never ends leaves an empty answer; a template may have opened
/// the tag already, so a lone `</think>` counts too.
pub(super) fn split(text: &str) -> (Option<String>, String) {
    let body = text.trim_start().strip_prefix("<think>");
    match (body, text.split_once("</think>")) {
        (_, Some((thought, answer))) => {
            let thought = thought.trim_start().trim_start_matches("<think>").trim();
            (Some(thought.to_owned()), answer.trim_start().to_owned())
        }
        (Some(unfinished), None) => (Some(unfinished.trim().to_owned()), String::new()),
        (None, None) => (None, text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn thought_and_answer_part_at_the_tag() {
        assert_eq!(
            split("<think>\nhm\n</think>\n\nYes."),
            (Some("hm".into()), "Yes.".into())
        );
        assert_eq!(split("hm</think>Yes."), (Some("hm".into()), "Yes.".into()));
        assert_eq!(split("<think>hm"), (Some("hm".into()), String::new()));
        assert_eq!(split("Yes."), (None, "Yes.".into()));
    }
}
