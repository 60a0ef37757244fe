//! What a message says, however its server packs it: a string, parts, and thinking under several names.

use serde_json::Value;

/// Text, reasoning and refusal of a message, or of the piece of one that a stream brings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub text: String,
    pub reasoning: String,
    pub refusal: String,
}

impl Said {
    /// Reads a `message` or a `delta`.
    pub(super) fn read(message: &Value) -> Self {
        let mut said = Self::default();
        said.add(message.get("content").unwrap_or(&Value::Null));
        // Servers that name thinking in two ways say the same under both.
        let beside = ["reasoning_content", "reasoning", "thinking"]
            .iter()
            .find_map(|name| {
                message
                    .get(*name)
                    .map(joined_text)
                    .filter(|w| !w.is_empty())
            })
            .or_else(|| message.get("reasoning_details").map(joined_text));
        said.reasoning += &beside.unwrap_or_default();
        said.refusal += message
            .get("refusal")
            .and_then(Value::as_str)
            .unwrap_or_default();
        said
    }

    /// Adds content: a string, or parts of several kinds.
    fn add(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.text += text,
            Value::Array(parts) => parts.iter().for_each(|part| self.add(part)),
            Value::Object(part) => {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
                let place = match kind {
                    "refusal" => &mut self.refusal,
                    _ if kind.contains("thinking") || kind.contains("reasoning") => {
                        &mut self.reasoning
                    }
                    _ => &mut self.text,
                };
                *place += &joined_text(content);
            }
            _ => {}
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.reasoning.is_empty() && self.refusal.is_empty()
    }
}

/// The words of a part: under one of several names, as a string or as parts again.
fn joined_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(joined_text).collect(),
        Value::Object(part) => [
            "text",
            "thinking",
            "reasoning",
            "summary",
            "refusal",
            "content",
        ]
        .iter()
        .find_map(|name| part.get(*name).map(joined_text).filter(|w| !w.is_empty()))
        .unwrap_or_default(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_of_every_shape_are_read() {
        for (message, text, reasoning) in [
            (json!({"content": "a"}), "a", ""),
            (json!({"content": null, "reasoning": "hm"}), "", "hm"),
            (json!({"content": ["a", "b"]}), "ab", ""),
            (
                json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]}, {"type": "text", "text": "a"}]}),
                "a",
                "hm",
            ),
            (
                json!({"content": [{"type": "thinking", "thinking": "hm", "signature": "x"}, {"type": "output_text", "text": "a"}]}),
                "a",
                "hm",
            ),
            (
                json!({"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}, {"text": "a"}]}),
                "a",
                "hm",
            ),
            (
                json!({"content": [{"type": "redacted_thinking", "data": "AAAA"}, {"type": "image_url", "image_url": {"url": "x"}}]}),
                "",
                "",
            ),
            (
                json!({"content": "a", "reasoning": "hm", "reasoning_content": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
                "a",
                "hm",
            ),
            (
                json!({"content": "a", "reasoning_content": null, "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
                "a",
                "hm",
            ),
        ] {
            let said = Said::read(&message);
            assert_eq!(
                (said.text.as_str(), said.reasoning.as_str()),
                (text, reasoning),
                "{message}"
            );
        }
        assert_eq!(
            Said::read(&json!({"content": [{"type": "refusal", "refusal": "no"}]})).refusal,
            "no"
        );
    }
}
