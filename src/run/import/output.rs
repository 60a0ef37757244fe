//! A model's output as Inspect writes it, and evalscope after it: choices with their messages, why each stopped, tokens, time.

use serde_json::Value;

use super::recordings::recorded_answer;
use super::values::{content, field, number, text, text_of};
use crate::model::{Completion, Finish, Signal, Usage, Usd};

/// The answer of an output; none if it has no choice.
pub(super) fn answer(output: &Value) -> Option<Completion> {
    let choice = output.get("choices")?.as_array()?.first()?;
    let (said, reasoning) = content(field(choice, "message").unwrap_or(&Value::Null));
    let mut answer = recorded_answer(said);
    answer.reasoning = reasoning;
    answer.finish = finish(text_of(choice, "stop_reason").as_deref());
    if let Some(details) = field(choice, "stop_details") {
        signals(&mut answer, details);
    }
    answer.served.model = text_of(output, "model");
    if let Some(usage) = field(output, "usage") {
        answer.usage = self::usage(usage);
        answer.cost = answer.usage.cost;
    }
    let seconds = field(output, "time").and_then(number);
    answer.timing.total = seconds.map_or(0.0, |s| s.max(0.0));
    Some(answer)
}

fn finish(reason: Option<&str>) -> Finish {
    match reason {
        Some("stop" | "tool_calls") => Finish::Stop,
        Some("max_tokens" | "model_length") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        _ => Finish::Unknown,
    }
}

/// What kept the answer back, as `stop_details` tell it. They do not say on which side a filter stood, unless candor wrote them.
fn signals(answer: &mut Completion, details: &Value) {
    let kind = text_of(details, "type").unwrap_or_default();
    let explained = text_of(details, "explanation");
    let reason = explained
        .or_else(|| text_of(details, "category"))
        .unwrap_or_else(|| kind.clone());
    match kind.as_str() {
        "prompt_blocked" => answer.signals.push(Signal::PromptBlocked { reason }),
        // Inspect stops at a provider's refusal as at a filter.
        "refusal" => {
            answer.finish = Finish::Refusal;
            answer.signals.push(Signal::Refusal { text: reason });
        }
        _ if answer.finish == Finish::ContentFilter || kind == "answer_blocked" => {
            answer.signals.push(Signal::AnswerBlocked { reason });
        }
        _ => {}
    }
    let categories = details.get("categories").and_then(Value::as_array);
    for category in categories.into_iter().flatten() {
        if let Some(name) = text_of(category, "category") {
            let level = field(category, "level").and_then(text);
            answer.signals.push(Signal::Moderation {
                category: name,
                level: level.unwrap_or_else(|| "unknown".into()),
            });
        }
    }
}

/// Tokens that were counted; what a cache gave was read too.
pub(super) fn usage(usage: &Value) -> Usage {
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    let cached = ["input_tokens_cache_read", "input_tokens_cache_write"];
    let cached: u64 = cached.iter().filter_map(|name| count(name)).sum();
    Usage {
        prompt_tokens: count("input_tokens").map(|n| n.saturating_add(cached)),
        completion_tokens: count("output_tokens"),
        cached_tokens: count("input_tokens_cache_read"),
        cache_write_tokens: count("input_tokens_cache_write"),
        reasoning_tokens: count("reasoning_tokens"),
        cost: field(usage, "total_cost").and_then(number).map(Usd),
    }
}

/// The messages before the model's last one.
pub(super) fn before_the_answer(messages: &[Value]) -> &[Value] {
    let is_answer = |m: &Value| field(m, "role").and_then(Value::as_str) == Some("assistant");
    let last = messages.iter().rposition(is_answer);
    &messages[..last.unwrap_or(messages.len())]
}
