//! Verdicts that stand alongside an answer rather than in its text, its finish or an error: flags and tables of filters, in the body or in
//! its choice.

use serde_json::Value;

use crate::model::Signal;
use crate::model::remote::fault::categories;
use crate::model::remote::finish::reason;

/// Flags that some servers put into the choice.
pub(super) const IN_CHOICE: [&str; 4] = [
    GUARDRAIL,
    "need_clear_history",
    "input_sensitive",
    "output_sensitive",
];
const GUARDRAIL: &str = "amazon-bedrock-guardrailAction";
/// Azure's tables on the prompt, under the name of today and the one before it.
pub(super) const PROMPT_TABLES: [&str; 2] = ["prompt_filter_results", "prompt_annotations"];

/// The verdict alongside the choices. Tables of filters count where no word came: they also tell of what was filtered out of nothing, and
/// of what was let through.
pub(super) fn verdict(body: &Value, text: &str) -> Option<Signal> {
    let choice = body.pointer("/choices/0").unwrap_or(&Value::Null);
    let of_flags = || [body, choice].into_iter().find_map(flag);
    let of_tables = || {
        text.trim()
            .is_empty()
            .then(|| filtered(body, choice))
            .flatten()
    };
    feedback(body)
        .or_else(of_flags)
        .or_else(|| guardrail(body, choice))
        .or_else(of_tables)
}

/// Whether a field alongside the choices of a stream's chunk belongs to the verdict. Servers send the same fields in every chunk to say
/// that nothing was withheld.
pub(super) fn speaks(name: &str, value: &Value) -> bool {
    match name {
        "base_resp" => value["status_code"].as_i64().is_some_and(|code| code != 0),
        "amazon-bedrock-trace" => true,
        _ => verdict(&serde_json::json!({ name: value }), "").is_some(),
    }
}

/// Gemini's `promptFeedback`.
fn feedback(body: &Value) -> Option<Signal> {
    ["promptFeedback", "prompt_feedback"]
        .iter()
        .find_map(|name| body.get(*name))
        .and_then(|f| f.get("blockReason").or_else(|| f.get("block_reason")))
        .and_then(reason)
        .filter(|r| !r.to_lowercase().ends_with("unspecified"))
        .map(|reason| Signal::PromptBlocked { reason })
}

/// `MiniMax`'s `input_sensitive` and `output_sensitive`; Baidu's `need_clear_history`, which says that what was asked is unsafe.
fn flag(node: &Value) -> Option<Signal> {
    let is_set = |name: &str| node.get(name) == Some(&Value::Bool(true));
    let named = |names: &[&str]| {
        let name = names.iter().find(|name| is_set(name))?;
        Some((*name).to_owned())
    };
    named(&["input_sensitive", "need_clear_history"])
        .map(|reason| Signal::PromptBlocked { reason })
        .or_else(|| named(&["output_sensitive"]).map(|reason| Signal::AnswerBlocked { reason }))
}

/// Amazon Bedrock's guardrail: its action, or a stop reason of Bedrock's own that a gateway left in its place. The trace tells whether
/// an answer was looked at; where none was, the prompt was turned away.
fn guardrail(body: &Value, choice: &Value) -> Option<Signal> {
    let reason = [GUARDRAIL, "stop_reason", "stopReason"]
        .iter()
        .flat_map(|name| [body.get(*name), choice.get(*name)])
        .find_map(|value| reason(value?).filter(|r| intervened(r)))?;
    let trace = body.pointer("/amazon-bedrock-trace/guardrail");
    let of_prompt = trace.is_some_and(|t| t.get("input").is_some() && t.get("outputs").is_none());
    let reason = format!("guardrail: {reason}");
    Some(if of_prompt {
        Signal::PromptBlocked { reason }
    } else {
        Signal::AnswerBlocked { reason }
    })
}

/// vLLM has the stop string itself for a stop reason, so that no word of everyday use will do.
fn intervened(reason: &str) -> bool {
    ["intervened", "guardrail_intervened", "content_filtered"]
        .iter()
        .any(|word| reason.eq_ignore_ascii_case(word))
}

/// Azure's tables, those that say `"filtered": true`.
fn filtered(body: &Value, choice: &Value) -> Option<Signal> {
    let of_prompt = PROMPT_TABLES
        .iter()
        .find_map(|name| prompt_categories(body.get(*name)?));
    let of_answer = || listed(choice.get("content_filter_results"));
    of_prompt
        .map(|reason| Signal::PromptBlocked { reason })
        .or_else(|| of_answer().map(|reason| Signal::AnswerBlocked { reason }))
}

/// The categories in a list of one table per prompt.
fn prompt_categories(results: &Value) -> Option<String> {
    let tables = results.as_array()?.iter();
    tables
        .map(|table| table.get("content_filter_results").unwrap_or(table))
        .find_map(|table| listed(Some(table)))
}

/// The filtered categories of a table: `violence (high), jailbreak (filtered)`.
fn listed(table: Option<&Value>) -> Option<String> {
    let named: Vec<String> = categories(table)
        .filter_map(|signal| match signal {
            Signal::Moderation { category, level } => Some(format!("{category} ({level})")),
            _ => None,
        })
        .collect();
    (!named.is_empty()).then(|| named.join(", "))
}
