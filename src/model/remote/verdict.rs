//! When an error is a filter's verdict: by the provider's own codes and fields, and, where a provider has no code, by the fixed
//! sentence that it sends. A phrase inside a message is never enough: errors echo what was asked.
//!
//! Sources of every sign are named in docs/signals.md.

use super::fault::Fault;
use crate::model::Signal;

/// What was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Prompt,
    Answer,
}

/// Codes, in small letters and digits alone, as [`Fault::codes`] holds them.
const CODES: &[(&str, Side)] = &[
    // OpenAI.
    ("contentpolicyviolation", Side::Prompt),
    ("moderationblocked", Side::Prompt),
    ("biopolicy", Side::Prompt),
    // Azure; Moonshot as the type.
    ("contentfilter", Side::Prompt),
    ("responsibleaipolicyviolation", Side::Prompt),
    // Alibaba DashScope.
    ("datainspectionfailed", Side::Prompt),
    // Zhipu.
    ("1301", Side::Prompt),
    // MiniMax, inside `base_resp`.
    ("baseresp1026", Side::Prompt),
    ("baseresp1027", Side::Answer),
    // Volcengine Ark.
    ("sensitivecontentdetected", Side::Prompt),
    ("inputtextsensitivecontentdetected", Side::Prompt),
    ("inputimagesensitivecontentdetected", Side::Prompt),
    ("outputtextsensitivecontentdetected", Side::Answer),
    ("inputtextriskdetection", Side::Prompt),
    ("outputtextriskdetection", Side::Answer),
    // Tencent Hunyuan.
    ("textillegaldetected", Side::Prompt),
    // StepFun.
    ("censorshipblocked", Side::Prompt),
    // iFlytek Spark.
    ("10013", Side::Prompt),
    ("10014", Side::Answer),
    ("10019", Side::Prompt),
    ("10021", Side::Prompt),
    // new-api and one-api gateways.
    ("sensitivewordsdetected", Side::Prompt),
    ("promptblocked", Side::Prompt),
    // OpenRouter, for a provider that refuses with an error.
    ("refusal", Side::Answer),
];

/// Whole sentences with which messages open, in small letters.
const SENTENCES: &[(&str, Side)] = &[
    // DeepSeek.
    ("content exists risk", Side::Prompt),
    // Anthropic.
    ("output blocked by content filtering policy", Side::Answer),
    // xAI.
    ("content violates usage guidelines", Side::Prompt),
    // OpenAI.
    ("invalid prompt: your prompt was flagged", Side::Prompt),
    (
        "invalid prompt: we've limited access to this content for safety reasons",
        Side::Prompt,
    ),
    (
        "invalid prompt: we’ve limited access to this content for safety reasons",
        Side::Prompt,
    ),
    (
        "your prompt was flagged as potentially violating",
        Side::Prompt,
    ),
    (
        "your request was rejected as a result of our safety system",
        Side::Prompt,
    ),
    (
        "your request was rejected by the safety system",
        Side::Prompt,
    ),
    // Azure.
    (
        "the response was filtered due to the prompt triggering",
        Side::Prompt,
    ),
    // Alibaba DashScope.
    ("input data may contain inappropriate content", Side::Prompt),
    (
        "input text data may contain inappropriate content",
        Side::Prompt,
    ),
    (
        "output data may contain inappropriate content",
        Side::Answer,
    ),
    (
        "output text data may contain inappropriate content",
        Side::Answer,
    ),
    // Zhipu.
    (
        "系统检测到输入或生成内容可能包含不安全或敏感内容",
        Side::Prompt,
    ),
    // Moonshot.
    (
        "the request was rejected because it was considered high risk",
        Side::Prompt,
    ),
    // MiniMax.
    ("input new_sensitive", Side::Prompt),
    ("output new_sensitive", Side::Answer),
    // Volcengine Ark.
    (
        "the request failed because the input text may contain sensitive information",
        Side::Prompt,
    ),
    (
        "the request failed because the output text may contain sensitive information",
        Side::Answer,
    ),
    // LiteLLM's own guardrails, and its class for all of these.
    ("violated guardrail policy", Side::Prompt),
    ("litellm.contentpolicyviolationerror", Side::Prompt),
];

/// What gateways put before a provider's sentence, besides words that end in "error" or "exception".
const WRAPPERS: &[&str] = &[
    "api error",
    "error code",
    "upstream error",
    "provider returned error",
    "error from provider",
    "upstream request failed",
    "bad response status code",
    "the model returned the following errors",
    "status_code=",
    "message",
    "internalerror.algo.datainspectionfailed",
    "[data_inspection_failed]",
    "<400>",
];

impl Fault {
    /// The verdict in it, as a signal with the provider's words.
    pub(super) fn verdict(&self) -> Option<Signal> {
        if !self.may_be_verdict() {
            return None;
        }
        let side = self.side()?;
        let reason = self.message().unwrap_or_else(|| self.codes.join(", "));
        Some(match side {
            Side::Prompt => Signal::PromptBlocked { reason },
            Side::Answer => Signal::AnswerBlocked { reason },
        })
    }

    /// Filters answer with these statuses, or inside a 200. Overload never is a verdict, whatever its message speaks of.
    fn may_be_verdict(&self) -> bool {
        let overload = matches!(
            self.told,
            Some(401 | 402 | 404 | 408 | 409 | 425 | 429 | 503 | 504 | 529)
        );
        matches!(self.http, None | Some(400 | 403 | 422 | 451)) && !overload
    }

    fn side(&self) -> Option<Side> {
        let by_code = CODES
            .iter()
            .find(|(code, _)| self.has_code(&[code]))
            .map(|(_, side)| *side);
        let by_sentence = self.messages.iter().find_map(|m| sentence(m));
        // A sentence says more than a code which side it was.
        let told = match by_sentence {
            Some(Side::Answer) => by_sentence,
            _ => by_code.or(by_sentence),
        };
        told.or_else(|| {
            let status = self.status();
            let by_status = status == Some(451);
            // OpenRouter's moderation.
            let by_flag = self.flagged && status == Some(403);
            (by_status || by_flag).then_some(Side::Prompt)
        })
    }
}

/// What a message opens with, behind the words of gateways.
fn sentence(message: &str) -> Option<Side> {
    let message = message.to_lowercase();
    let mut rest = message.trim_start();
    loop {
        if let Some((_, side)) = SENTENCES.iter().find(|(s, _)| rest.starts_with(s)) {
            return Some(*side);
        }
        let word = rest.split(char::is_whitespace).next().unwrap_or_default();
        let is_class = ["error", "exception"]
            .iter()
            .any(|end| word.trim_end_matches(':').ends_with(end));
        let wrapper = WRAPPERS
            .iter()
            .filter(|w| rest.starts_with(**w))
            .map(|w| w.len())
            .max()
            .or_else(|| is_class.then_some(word.len()))?;
        rest = rest[wrapper..].trim_start_matches(is_filler);
        if let Some(named) = rest.strip_prefix("from ") {
            rest = named.split_once(':')?.1.trim_start_matches(is_filler);
        }
        if let Some(named) = rest.strip_prefix('(') {
            rest = named.split_once(')')?.1.trim_start_matches(is_filler);
        }
    }
}

fn is_filler(c: char) -> bool {
    c.is_whitespace() || c.is_ascii_digit() || matches!(c, ':' | '-' | ',')
}
