//! Why an answer ended, in the words of every provider: in any case, with prefixes, and with the model's own reason behind a colon.

use serde_json::Value;

use crate::model::Finish;

/// Reasons by what they mean, in small letters. Sources are named in docs/signals.md.
const FINISH_REASONS: &[(Finish, &[&str])] = &[
    (
        Finish::ContentFilter,
        &[
            "content_filter",
            "content_filtered",
            "content-filter",
            "contentfilter",
            "safety",
            "sensitive",
            "prohibited_content",
            "blocklist",
            "recitation",
            "spii",
            "image_safety",
            "image_prohibited_content",
            "image_recitation",
            "language",
            "model_armor",
            "guardrail_intervened",
            "intervened",
            "guardrails",
            "moderation",
            "error_toxic",
            "blocked",
        ],
    ),
    (Finish::Refusal, &["refusal"]),
    (
        Finish::Error,
        &[
            "error",
            "network_error",
            "insufficient_system_resource",
            "abort",
            "aborted",
            "cancelled",
            "user_cancel",
            "failed",
            "malformed_function_call",
            "malformed_response",
            "malformed_model_output",
            "malformed_tool_use",
            "unexpected_tool_call",
            "too_many_tool_calls",
            "missing_thought_signature",
            "timeout",
        ],
    ),
    (
        Finish::Length,
        &[
            "length",
            "max_tokens",
            "max_output_tokens",
            "max_length",
            "model_length",
            "error_limit",
            "model_context_window_exceeded",
        ],
    ),
    (
        Finish::Stop,
        &[
            "stop",
            "eos",
            "eos_token",
            "end_turn",
            "stop_sequence",
            "complete",
            "completed",
            "tool_calls",
            "tool_use",
            "function_call",
            "pause_turn",
            "load",
        ],
    ),
];

/// How an answer ended.
#[derive(Debug, PartialEq)]
pub(super) struct Ending {
    pub finish: Finish,
    /// The server's own word for it.
    pub reason: String,
}

impl Ending {
    /// Reads `finish_reason`, and `native_finish_reason` where a gateway gives the provider's own alongside it. Of two reasons that
    /// disagree the graver one counts.
    pub(super) fn read(choice: &Value) -> Self {
        let said = ["finish_reason", "native_finish_reason", "finishReason"];
        Self::gravest(said.iter().filter_map(|name| reason(choice.get(*name)?)))
    }

    /// Reads one reason.
    pub(super) fn of(reason: &str) -> Self {
        let reason = reason.trim();
        Self::gravest((!reason.is_empty()).then(|| reason.to_owned()).into_iter())
    }

    fn gravest(said: impl Iterator<Item = String>) -> Self {
        let said = said.flat_map(|reason| {
            let parts = reason.split(':').map(meaning);
            parts
                .map(|finish| (finish, reason.clone()))
                .collect::<Vec<_>>()
        });
        let gravest = said.min_by_key(|(finish, _)| gravity(*finish));
        let (finish, reason) = gravest.unwrap_or((Finish::Unknown, String::new()));
        Self { finish, reason }
    }
}

/// A reason that says something: servers send `""` and null while an answer continues.
pub(super) fn reason(value: &Value) -> Option<String> {
    let reason = value.as_str()?.trim();
    (!reason.is_empty()).then(|| reason.to_owned())
}

/// The graver of two reasons that came one after the other; the later one of two alike.
pub(super) fn graver(before: Option<String>, now: String) -> String {
    let gravest = |reason: &str| reason.split(':').map(|part| gravity(meaning(part))).min();
    before
        .filter(|before| gravest(before) < gravest(&now))
        .unwrap_or(now)
}

fn meaning(reason: &str) -> Finish {
    let small = reason.trim().to_lowercase();
    let small = ["finish_reason_", "finishreason."]
        .iter()
        .find_map(|prefix| small.strip_prefix(prefix))
        .unwrap_or(&small);
    FINISH_REASONS
        .iter()
        .find(|(_, words)| words.contains(&small))
        .map_or(Finish::Unknown, |(finish, _)| *finish)
}

/// Smaller is graver.
fn gravity(finish: Finish) -> usize {
    let place = FINISH_REASONS
        .iter()
        .position(|(known, _)| *known == finish);
    place.unwrap_or(FINISH_REASONS.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_are_read_in_any_case_and_with_the_native_one_behind_a_colon() {
        for (reason, finish) in [
            (json!("SAFETY"), Finish::ContentFilter),
            (
                json!("content_filter: PROHIBITED_CONTENT"),
                Finish::ContentFilter,
            ),
            (json!("stop: SAFETY"), Finish::ContentFilter),
            (json!("FinishReason.BLOCKLIST"), Finish::ContentFilter),
            (json!("FINISH_REASON_MAX_TOKENS"), Finish::Length),
            (json!(" Length "), Finish::Length),
            (json!("STOP"), Finish::Stop),
            (json!("insufficient_system_resource"), Finish::Error),
            (json!("refusal"), Finish::Refusal),
            (json!("something new"), Finish::Unknown),
            (json!(""), Finish::Unknown),
            (json!(null), Finish::Unknown),
            (json!(3), Finish::Unknown),
        ] {
            let ending = Ending::read(&json!({ "finish_reason": reason }));
            assert_eq!(ending.finish, finish, "{reason}");
        }
    }

    #[test]
    fn the_providers_own_reason_counts_where_a_gateway_softens_it() {
        let choice = json!({"finish_reason": "stop", "native_finish_reason": "SAFETY"});
        let ending = Ending::read(&choice);
        assert_eq!(
            (ending.finish, ending.reason.as_str()),
            (Finish::ContentFilter, "SAFETY")
        );
        let choice = json!({"finish_reason": "length", "native_finish_reason": "stop"});
        assert_eq!(Ending::read(&choice).finish, Finish::Length);
    }
}
