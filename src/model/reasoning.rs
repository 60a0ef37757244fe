//! Reasoning that a model writes into its text between tags such as `<think>` and `</think>`.

/// The tags that models put around it.
const TAGS: &[(&str, &str)] = &[("<think>", "</think>"), ("◁think▷", "◁/think▷")];

/// Splits a text into reasoning and answer. Reasoning that never ends leaves an empty answer; a template may have opened
/// the tag already, so a lone closing one counts too.
pub(super) fn split(text: &str) -> (Option<String>, String) {
    for (begin, end) in TAGS {
        let body = text.trim_start().strip_prefix(begin);
        if let Some((thought, answer)) = text.split_once(end) {
            let thought = thought.trim_start().trim_start_matches(begin).trim();
            return (Some(thought.to_owned()), answer.trim_start().to_owned());
        }
        if let Some(unfinished) = body {
            return (Some(unfinished.trim().to_owned()), String::new());
        }
    }
    (None, text.to_owned())
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
        assert_eq!(
            split("◁think▷hm◁/think▷Yes."),
            (Some("hm".into()), "Yes.".into())
        );
        assert_eq!(split("Yes."), (None, "Yes.".into()));
    }
}
