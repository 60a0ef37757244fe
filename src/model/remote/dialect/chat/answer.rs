//! Reads chat completions as servers really send them: null content, errors inside a 200, filters, reasoning alongside the text.

use serde_json::Value;

use super::beside;
use crate::model::remote::answer::{answer, fail, nothing};
use crate::model::remote::content::Said;
use crate::model::remote::fault::{Fault, categories, present};
use crate::model::remote::finish::Ending;
use crate::model::{Completion, Finish, Signal, Usage, Usd};

/// Reads the body of a chat completion, or of an error sent in its place. `None` where it is neither.
///
/// An error that is a filter's verdict is a completion with the finish [`Finish::ContentFilter`]; any other one has [`Finish::Error`].
#[must_use]
pub fn read_chat_completion(body: &Value) -> Option<Completion> {
    let choice = body.pointer("/choices/0");
    let mut completion = choice.map_or_else(nothing, read_choice);
    completion.usage = usage(body);
    if let Some(fault) = fault(body) {
        fail(&mut completion, &fault);
    } else if let Some(verdict) = beside::verdict(body, &completion.text) {
        completion.finish = Finish::ContentFilter;
        completion.signals.push(verdict);
    } else {
        choice?;
    }
    Some(completion)
}

/// The error in a body, or in its choice.
pub(super) fn fault(body: &Value) -> Option<Fault> {
    let of_choice = || {
        let choice = body.pointer("/choices/0")?;
        let error = present(choice, "error")?;
        Fault::inside(&serde_json::json!({ "error": error }))
    };
    Fault::inside(body).or_else(of_choice)
}

fn read_choice(choice: &Value) -> Completion {
    let message = ["message", "delta"]
        .iter()
        .find_map(|name| choice.get(*name).filter(|m| m.is_object()));
    let said = message.map(Said::read).unwrap_or_default();
    let mut ending = Ending::read(choice);
    // An answer may be empty, but not absent.
    if message.is_none() && matches!(ending.finish, Finish::Stop | Finish::Unknown) {
        ending.finish = Finish::Error;
    }
    let mut completion = answer(said, ending);
    // A stream that put other words in the place of what it had said.
    if let Some(words) = choice.get("replaced_by").and_then(Value::as_str) {
        let blocked = |s: &Signal| matches!(s, Signal::AnswerBlocked { .. });
        completion.signals.retain(|s| !blocked(s));
        let reason = format!("replaced by: {words}");
        completion
            .signals
            .insert(0, Signal::AnswerBlocked { reason });
    }
    let results = choice.get("content_filter_results");
    completion.signals.extend(categories(results));
    completion
}

/// What the server counted. Some count the tokens of thinking beside those of the answer (xAI says how many, Gemini's endpoint leaves
/// them to the total); they were written all the same.
pub(in crate::model::remote) fn usage(body: &Value) -> Usage {
    let usage = body.get("usage").unwrap_or(&Value::Null);
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let cost = cost(usage);
    let prompt = count("/prompt_tokens").or_else(|| count("/input_tokens"));
    let written = count("/completion_tokens").or_else(|| count("/output_tokens"));
    let thought = count("/completion_tokens_details/reasoning_tokens");
    if prompt.unwrap_or(0) == 0 && written.unwrap_or(0) == 0 {
        // Every prompt has tokens: a server that says 0 did not count.
        return Usage {
            cost,
            ..Usage::default()
        };
    }
    let beside = match (count("/total_tokens"), prompt, written) {
        // More thinking than all that was written: it was counted alongside it, whatever the total says.
        (_, _, Some(written)) if thought.is_some_and(|thought| thought > written) => thought,
        (Some(total), Some(prompt), Some(written)) => total
            .checked_sub(prompt.saturating_add(written))
            .filter(|beside| thought.is_none_or(|thought| thought == *beside)),
        _ => None,
    };
    Usage {
        prompt_tokens: prompt,
        completion_tokens: written.map(|w| w.saturating_add(beside.unwrap_or(0))),
        // DeepSeek and Moonshot count their caches under names of their own.
        cached_tokens: count("/prompt_tokens_details/cached_tokens")
            .or_else(|| count("/prompt_cache_hit_tokens"))
            .or_else(|| count("/cached_tokens")),
        reasoning_tokens: thought.or(beside),
        cost,
        ..Usage::default()
    }
}

/// What the server says that it cost in US dollars: `OpenRouter` as a number, with the provider's share alongside it where that goes to an
/// account of one's own; Perplexity as a table; `DeepInfra` as an estimate.
fn cost(usage: &Value) -> Option<Usd> {
    let dollars = |path: &str| {
        let amount = usage.pointer(path)?.as_f64()?;
        (amount.is_finite() && amount >= 0.0).then_some(amount)
    };
    let cost = ["/cost", "/cost/total_cost", "/estimated_cost"]
        .into_iter()
        .find_map(dollars)?;
    let own_account = usage.get("is_byok") == Some(&Value::Bool(true));
    let upstream = || dollars("/cost_details/upstream_inference_cost");
    Some(Usd(
        cost + own_account.then(upstream).flatten().unwrap_or(0.0)
    ))
}

/// Whether a tool was called in place of words.
pub(super) fn calls_tools(body: &Value) -> bool {
    let choice = body.pointer("/choices/0");
    choice.is_some_and(|choice| {
        let message = &choice["message"];
        let ended_so = ["tool_calls", "tool_use", "function_call"]
            .iter()
            .any(|reason| choice["finish_reason"] == *reason);
        ended_so
            || message["function_call"].is_object()
            || message["tool_calls"]
                .as_array()
                .is_some_and(|c| !c.is_empty())
    })
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
        assert_eq!(completion.usage, Usage::new(3, 2));
        let parts = json!({"choices": [{"finish_reason": "stop", "message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]});
        assert_eq!(read_chat_completion(&parts).unwrap().text, "ab");
        assert!(read_chat_completion(&json!({"choices": []})).is_none());
        assert!(read_chat_completion(&json!("no")).is_none());
    }

    #[test]
    fn thinking_that_is_given_twice_is_kept_once_and_out_of_the_answer() {
        for (message, text, reasoning) in [
            (
                json!({"content": "<think>hm</think>Yes", "reasoning_content": "hm"}),
                "Yes",
                Some("hm"),
            ),
            (
                json!({"content": "<think>\n\n</think>\n\nYes", "reasoning": "hm"}),
                "Yes",
                Some("hm"),
            ),
            (
                json!({"content": "Yes", "reasoning": "hm", "reasoning_content": "hm"}),
                "Yes",
                Some("hm"),
            ),
            (
                json!({"content": "Yes", "reasoning_content": "Yes"}),
                "Yes",
                None,
            ),
            (
                json!({"content": "The tag is </think>.", "reasoning": "hm"}),
                "The tag is </think>.",
                Some("hm"),
            ),
            (
                json!({"content": "<think>hm</think>Yes"}),
                "Yes",
                Some("hm"),
            ),
        ] {
            let body = json!({"choices": [{"message": message, "finish_reason": "stop"}]});
            let completion = read_chat_completion(&body).unwrap();
            assert_eq!(
                (completion.text.as_str(), completion.reasoning.as_deref()),
                (text, reasoning),
                "{body}"
            );
        }
    }

    #[test]
    fn tokens_of_thinking_count_wherever_they_are_reported() {
        for (usage, written) in [
            (
                json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 1110, "completion_tokens_details": {"reasoning_tokens": 1000}}),
                Some(1010),
            ),
            (
                json!({"prompt_tokens": 100, "completion_tokens": 1010, "total_tokens": 1110, "completion_tokens_details": {"reasoning_tokens": 1000}}),
                Some(1010),
            ),
            (
                json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 1110}),
                Some(1010),
            ),
            (
                json!({"prompt_tokens": 100, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 1000}}),
                Some(1010),
            ),
            (
                json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 50}),
                Some(10),
            ),
            (json!({"prompt_tokens": 100}), None),
            (
                json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
                None,
            ),
            (json!({"input_tokens": 3, "output_tokens": 4}), Some(4)),
            (json!(null), None),
        ] {
            let counted = super::usage(&json!({ "usage": usage }));
            assert_eq!(counted.completion_tokens, written, "{usage}");
        }
    }

    #[test]
    fn a_cost_that_the_server_names_is_read_and_nonsense_is_not() {
        for (usage, cost) in [
            (
                json!({"cost": 0.95, "cost_details": {"upstream_inference_cost": 19}}),
                Some(0.95),
            ),
            (
                json!({"cost": 0.05, "is_byok": true, "cost_details": {"upstream_inference_cost": 0.95}}),
                Some(1.0),
            ),
            (json!({"cost": 0}), Some(0.0)),
            (
                json!({"cost": {"input_tokens_cost": 0.1, "total_cost": 0.3}}),
                Some(0.3),
            ),
            (json!({"estimated_cost": 0.002}), Some(0.002)),
            (json!({"cost": -1}), None),
            (json!({"cost": "0.1"}), None),
            (json!({"cost": null}), None),
            (json!({}), None),
        ] {
            let mut counted = usage.clone();
            counted["prompt_tokens"] = json!(3);
            counted["completion_tokens"] = json!(4);
            let read = super::usage(&json!({ "usage": counted }));
            let near = |(a, b): (Usd, f64)| (a.0 - b).abs() < 1e-12;
            assert!(
                read.cost.is_some() == cost.is_some() && read.cost.zip(cost).is_none_or(near),
                "{usage}"
            );
        }
    }
}
