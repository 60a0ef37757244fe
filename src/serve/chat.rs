//! `POST /v1/chat/completions`.
//!
//! Shapes: <https://platform.openai.com/docs/api-reference/chat>; `reasoning_content` is what `DeepSeek` and vLLM add to them.

use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::form::{Call, Form, Job, ending};
use super::logprobs;
use super::sampling::{Delivery, Sampling};
use crate::model::{
    Delta, Finish, Message, Prompt, Role, Signal, TokenRequest, TokenText, Written,
};

/// Most of the likeliest tokens that are listed.
const MAX_LISTED: usize = 20;

/// A request as clients write it.
#[derive(Debug, Deserialize)]
pub(super) struct ChatRequest {
    pub model: String,
    messages: Vec<WireMessage>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    logprobs: Option<bool>,
    top_logprobs: Option<usize>,
    response_format: Option<Value>,
    tools: Option<Vec<Value>>,
    functions: Option<Vec<Value>>,
    #[serde(flatten)]
    sampling: Sampling,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    r#type: String,
    text: Option<String>,
}

impl ChatRequest {
    /// # Errors
    /// [`Fault`] names what cannot be, or is not supported.
    pub(super) fn call(self, default_tokens: u32) -> Result<Call, Fault> {
        for (name, used) in [("tools", &self.tools), ("functions", &self.functions)] {
            if used.as_ref().is_some_and(|list| !list.is_empty()) {
                let what = format!("{name} are not supported here");
                return Err(Fault::parameter(name, what));
            }
        }
        let schema = schema(self.response_format.as_ref())?;
        let listed = self.top_logprobs.unwrap_or(0);
        let logs = self.logprobs == Some(true);
        if listed > MAX_LISTED || (listed > 0 && !logs) {
            let what = format!("top_logprobs must be at most {MAX_LISTED}, with logprobs: true");
            return Err(Fault::parameter("top_logprobs", what));
        }
        let messages: Result<Vec<Message>, Fault> =
            self.messages.into_iter().map(WireMessage::read).collect();
        let messages = messages?;
        if messages.is_empty() {
            return Err(Fault::parameter("messages", "messages must not be empty"));
        }
        let tokens = self.max_completion_tokens.or(self.max_tokens);
        let tokens = tokens.unwrap_or(default_tokens);
        if tokens == 0 {
            let what = "max_tokens must be above 0";
            return Err(Fault::parameter("max_tokens", what));
        }
        let job = |mut parameters: crate::model::Parameters| {
            parameters.response_schema.clone_from(&schema);
            Job {
                request: TokenRequest {
                    text: TokenText::Prompt(Prompt::Chat(messages.clone())),
                    parameters,
                    echo: false,
                    likeliest: listed,
                },
                by_token: logs,
            }
        };
        let choices = self.sampling.choices(tokens)?;
        Ok(Call {
            delivery: self.sampling.delivery(),
            choices: choices.len(),
            jobs: choices.into_iter().map(job).collect(),
            form: Box::new(Chat {
                listed: logs.then_some(listed),
            }),
        })
    }
}

impl WireMessage {
    fn read(self) -> Result<Message, Fault> {
        let role = match self.role.as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            other => {
                let what = format!(
                    "a message's role is '{other}'; system, user and assistant are supported"
                );
                return Err(Fault::parameter("messages", what));
            }
        };
        let content = match self.content {
            None => String::new(),
            Some(Content::Text(text)) => text,
            Some(Content::Parts(parts)) => {
                let texts: Result<Vec<String>, Fault> = parts.into_iter().map(Part::read).collect();
                texts?.concat()
            }
        };
        Ok(Message { role, content })
    }
}

impl Part {
    fn read(self) -> Result<String, Fault> {
        match (self.r#type.as_str(), self.text) {
            ("text", Some(text)) => Ok(text),
            (other, _) => Err(Fault::parameter(
                "messages",
                format!("a message has a part of the type '{other}'; only text is supported"),
            )),
        }
    }
}

/// The schema that an answer is to follow.
fn schema(format: Option<&Value>) -> Result<Option<Value>, Fault> {
    let Some(format) = format.filter(|f| !f.is_null()) else {
        return Ok(None);
    };
    let schema = format.pointer("/json_schema/schema");
    match (format["type"].as_str(), schema) {
        (Some("text"), _) => Ok(None),
        (Some("json_object"), _) => Ok(Some(json!({"type": "object"}))),
        (Some("json_schema"), Some(schema)) => Ok(Some(schema.clone())),
        _ => Err(Fault::parameter(
            "response_format",
            "response_format must be of the type text, json_object, or json_schema with a schema",
        )),
    }
}

/// How chat completions are written.
struct Chat {
    /// How many of the likeliest tokens are listed, where log-probabilities are asked for.
    listed: Option<usize>,
}

impl Chat {
    fn logprobs(&self, tokens: &[crate::model::ScoredToken]) -> Value {
        self.listed
            .map_or(Value::Null, |listed| logprobs::of_chat(tokens, listed))
    }
}

impl Form for Chat {
    fn prefix(&self) -> &'static str {
        "chatcmpl"
    }

    fn object(&self, delivery: Delivery) -> &'static str {
        match delivery {
            Delivery::Whole => "chat.completion",
            Delivery::Streamed { .. } => "chat.completion.chunk",
        }
    }

    fn choice(&self, written: &Written) -> Value {
        let completion = &written.completion;
        let mut message =
            json!({"role": "assistant", "content": completion.text, "refusal": refusal(written)});
        if let Some(reasoning) = &completion.reasoning {
            message["reasoning_content"] = json!(reasoning);
        }
        json!({
            "message": message,
            "logprobs": self.logprobs(&written.tokens),
            "finish_reason": ending(completion.finish),
        })
    }

    fn opening(&self) -> Option<Value> {
        Some(
            json!({"delta": {"role": "assistant", "content": ""}, "logprobs": null, "finish_reason": null}),
        )
    }

    fn part(&self, delta: &Delta) -> Option<Value> {
        let mut own = json!({});
        for (name, more) in [
            ("content", &delta.text),
            ("reasoning_content", &delta.reasoning),
        ] {
            if !more.is_empty() {
                own[name] = json!(more);
            }
        }
        let is_shown = self.listed.is_some() && delta.tokens.iter().any(|token| !token.ends);
        (own != json!({}) || is_shown).then(|| {
            json!({"delta": own, "logprobs": self.logprobs(&delta.tokens), "finish_reason": null})
        })
    }

    fn ending(&self, written: &Written) -> Value {
        let mut own = json!({});
        if let Some(refusal) = refusal(written) {
            own["refusal"] = json!(refusal);
        }
        json!({"delta": own, "logprobs": null, "finish_reason": ending(written.completion.finish)})
    }
}

/// What a provider said in place of an answer.
fn refusal(written: &Written) -> Option<&str> {
    let completion = &written.completion;
    let said = completion.signals.iter().find_map(|signal| match signal {
        Signal::Refusal { text } => Some(text.as_str()),
        _ => None,
    });
    said.filter(|_| completion.finish == Finish::Refusal)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn call(body: Value) -> Result<Call, Fault> {
        let request: ChatRequest = serde_json::from_value(body).unwrap();
        request.call(100)
    }

    #[test]
    fn messages_are_read_in_every_form_that_clients_write() {
        let call = call(
            json!({"model": "m", "n": 2, "max_completion_tokens": 5, "messages": [
                {"role": "developer", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Who "}, {"type": "text", "text": "are you?"}]},
                {"role": "assistant", "content": null},
            ]}),
        );
        let call = call.ok().unwrap();
        assert_eq!(call.jobs.len(), 2);
        let request = &call.jobs[1].request;
        assert_eq!(request.parameters.max_tokens, 5);
        let TokenText::Prompt(Prompt::Chat(messages)) = &request.text else {
            panic!("it is a chat");
        };
        let contents: Vec<&str> = messages.iter().map(|m| m.content.as_str()).collect();
        assert_eq!(contents, ["Be brief.", "Who are you?", ""]);
        assert_eq!(messages[0].role, Role::System);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let user = json!([{"role": "user", "content": "x"}]);
        for (body, param) in [
            (json!({"model": "m", "messages": []}), "messages"),
            (
                json!({"model": "m", "messages": [{"role": "tool", "content": "x"}]}),
                "messages",
            ),
            (
                json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
                "messages",
            ),
            (
                json!({"model": "m", "messages": user, "tools": [{}]}),
                "tools",
            ),
            (
                json!({"model": "m", "messages": user, "max_tokens": 0}),
                "max_tokens",
            ),
            (
                json!({"model": "m", "messages": user, "top_logprobs": 2}),
                "top_logprobs",
            ),
            (
                json!({"model": "m", "messages": user, "response_format": {"type": "json_schema"}}),
                "response_format",
            ),
        ] {
            let fault = call(body).err().unwrap();
            assert_eq!(fault.body()["error"]["param"], param);
        }
    }
}
