//! Reads chat completions as servers really send them: null content, errors inside a 200, filters, reasoning beside the text.

use serde_json::Value;

use crate::model::{Completion, Finish, Signal, Usage, reasoning};

/// Codes and phrases by which providers say that a filter, not a fault, stopped the call.
const BLOCK_MARKS: &[&str] = &[
    "data_inspection_failed",
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "content exists risk",
    "inappropriate content",
    "content management policy",
    "safety system",
    "sensitive content",
    "moderation",
    "contentfilter",
    "invalid_prompt: your prompt was flagged",
];

/// Reads the body of a chat completion, or of an error sent in its place. `None` where it is neither.
#[must_use]
pub fn read_chat_completion(body: &Value) -> Option<Completion> {
    let mut completion = Completion::text("");
    completion.finish = Finish::Unknown;
    completion.usage = usage(body);
    if let Some(error) = present(body, "error") {
        fail(&mut completion, error);
        return Some(completion);
    }
    let choice = body.get("choices")?.as_array()?.first()?;
    let message = choice
        .get("message")
        .or_else(|| choice.get("delta"))
        .unwrap_or(&Value::Null);
    completion.text = content(message.get("content").unwrap_or(&Value::Null));
    completion.reasoning = ["reasoning_content", "reasoning"]
        .iter()
        .find_map(|k| message.get(*k)?.as_str())
        .map(str::trim)
        .filter(|r| !r.is_empty())
        .map(str::to_owned);
    if completion.reasoning.is_none() {
        (completion.reasoning, completion.text) = reasoning::split(&completion.text);
    }
    completion.finish = match choice.get("finish_reason").and_then(Value::as_str) {
        Some("stop" | "eos" | "tool_calls" | "function_call") => Finish::Stop,
        Some("length") => Finish::Length,
        Some("content_filter" | "safety" | "sensitive") => Finish::ContentFilter,
        Some("refusal") => Finish::Refusal,
        Some("error") => Finish::Error,
        _ => Finish::Unknown,
    };
    // A stream that put other words in the place of what it had said.
    let replaced = choice.get("replaced_by").and_then(Value::as_str);
    if completion.finish == Finish::ContentFilter || replaced.is_some() {
        let reason = choice["finish_reason"].as_str().unwrap_or("content_filter");
        completion.signals.push(Signal::AnswerBlocked {
            reason: replaced.map_or_else(|| reason.to_owned(), |r| format!("replaced by: {r}")),
        });
    }
    if let Some(refusal) = message
        .get("refusal")
        .and_then(Value::as_str)
        .filter(|r| !r.trim().is_empty())
    {
        completion.signals.push(Signal::Refusal {
            text: refusal.to_owned(),
        });
        completion.finish = Finish::Refusal;
        if completion.text.is_empty() {
            refusal.clone_into(&mut completion.text);
        }
    }
    completion
        .signals
        .extend(moderation(choice.get("content_filter_results")));
    if let Some(error) = present(choice, "error") {
        fail(&mut completion, error);
    }
    Some(completion)
}

/// A completion for a prompt that a filter turned away with an error status.
pub(super) fn blocked_prompt(status: u16, reason: String) -> Completion {
    let mut completion = Completion::text("");
    completion.finish = Finish::ContentFilter;
    completion.signals = vec![
        Signal::PromptBlocked {
            reason: reason.clone(),
        },
        Signal::ProviderError {
            status: Some(status),
            message: reason,
        },
    ];
    completion
}

/// The provider's words where an error body is a filter's verdict.
pub(super) fn block_reason(body: &Value) -> Option<String> {
    let error = present(body, "error")?;
    let words = error.to_string().to_lowercase();
    BLOCK_MARKS
        .iter()
        .any(|mark| words.contains(mark))
        .then(|| error_message(body).unwrap_or_else(|| error.to_string()))
}

/// The message of an error body, with the upstream provider's own words where a gateway wraps them.
pub(super) fn error_message(body: &Value) -> Option<String> {
    let error = present(body, "error").unwrap_or(body);
    let message = error
        .get("message")
        .or_else(|| body.get("message"))
        .or_else(|| body.get("detail"))
        .and_then(Value::as_str)
        .or_else(|| error.as_str())?;
    let upstream = error.pointer("/metadata/raw").map(|raw| match raw {
        Value::String(text) => serde_json::from_str::<Value>(text).unwrap_or_else(|_| raw.clone()),
        other => other.clone(),
    });
    let upstream = upstream.as_ref().and_then(|raw| {
        raw.pointer("/error/message")
            .or_else(|| raw.get("message"))
            .and_then(Value::as_str)
            .map(str::to_owned)
    });
    Some(match upstream {
        Some(words) if !message.contains(&words) => format!("{message}: {words}"),
        _ => message.to_owned(),
    })
}

fn fail(completion: &mut Completion, error: &Value) {
    let wrapped = serde_json::json!({ "error": error });
    let message = error_message(&wrapped).unwrap_or_else(|| error.to_string());
    let status = error
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|c| u16::try_from(c).ok());
    match block_reason(&wrapped) {
        Some(reason) => {
            completion.finish = Finish::ContentFilter;
            let of_answer =
                !completion.text.is_empty() || reason.to_lowercase().contains("output data");
            completion.signals.push(if of_answer {
                Signal::AnswerBlocked { reason }
            } else {
                Signal::PromptBlocked { reason }
            });
        }
        None => completion.finish = Finish::Error,
    }
    completion
        .signals
        .push(Signal::ProviderError { status, message });
}

/// Content is a string, null, or a list of parts.
fn content(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|p| p.get("text").and_then(Value::as_str).or_else(|| p.as_str()))
            .collect(),
        _ => String::new(),
    }
}

/// Azure's categories, those that were filtered.
fn moderation(results: Option<&Value>) -> Vec<Signal> {
    results
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, r)| r.get("filtered").and_then(Value::as_bool) == Some(true))
        .map(|(category, r)| Signal::Moderation {
            category: category.clone(),
            level: r
                .get("severity")
                .and_then(Value::as_str)
                .unwrap_or("filtered")
                .to_owned(),
        })
        .collect()
}

fn usage(body: &Value) -> Usage {
    let count = |name: &str| {
        body.pointer(&format!("/usage/{name}"))
            .and_then(Value::as_u64)
            .unwrap_or(0)
    };
    Usage {
        prompt_tokens: count("prompt_tokens"),
        completion_tokens: count("completion_tokens"),
    }
}

fn present<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value
        .get(name)
        .filter(|v| !v.is_null() && **v != Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_inside_a_200_is_told_apart_from_a_block() {
        let fault =
            read_chat_completion(&json!({"error": {"message": "invalid model ID"}})).unwrap();
        assert_eq!(fault.finish, Finish::Error);
        assert!(!fault.is_blocked());
        let raw = r#"{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content."}}"#;
        let block = read_chat_completion(&json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": raw}}})).unwrap();
        assert_eq!(block.finish, Finish::ContentFilter);
        assert!(
            matches!(&block.signals[0], Signal::PromptBlocked { reason } if reason.contains("inappropriate"))
        );
    }

    #[test]
    fn what_was_said_before_a_filter_struck_is_kept() {
        let body = json!({"choices": [{"error": {"message": "Output data may contain inappropriate content.", "code": 502}, "message": {"content": "The beginning"}}]});
        let completion = read_chat_completion(&body).unwrap();
        assert_eq!(completion.text, "The beginning");
        assert!(matches!(
            completion.signals[0],
            Signal::AnswerBlocked { .. }
        ));
    }

    #[test]
    fn null_content_parts_and_reasoning_are_read() {
        let body = json!({"choices": [{"finish_reason": "stop", "message": {"content": null, "reasoning": " hm "}}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}});
        let completion = read_chat_completion(&body).unwrap();
        assert_eq!(
            (completion.text.as_str(), completion.reasoning.as_deref()),
            ("", Some("hm"))
        );
        assert_eq!(completion.usage.prompt_tokens, 3);
        let parts = json!({"choices": [{"finish_reason": "stop", "message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]});
        assert_eq!(read_chat_completion(&parts).unwrap().text, "ab");
        assert!(read_chat_completion(&json!({"choices": []})).is_none());
        assert!(read_chat_completion(&json!("no")).is_none());
    }
}
