//! The request as a chat completion, without the settings that the server has refused.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::remote::dialect::Ask;
use crate::model::remote::quirks::Schema;
use crate::model::remote::setting::Setting;
use crate::model::{Prompt, Role};

#[derive(Serialize)]
struct WireMessage<'a> {
    role: Role,
    content: &'a str,
}

/// The body of a request.
pub(super) fn body(ask: &Ask<'_>) -> Value {
    let (model, quirks, refused) = (ask.model, ask.quirks, ask.refused);
    let parameters = &ask.request.parameters;
    let messages: Vec<WireMessage> = match &ask.request.prompt {
        Prompt::Text(text) => vec![WireMessage {
            role: Role::User,
            content: text,
        }],
        Prompt::Chat(messages) => messages
            .iter()
            .map(|m| WireMessage {
                role: m.role,
                content: &m.content,
            })
            .collect(),
    };
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(model));
    set("messages", json!(messages));
    let limit = match (refused.contains(&Setting::MaxTokens), quirks.max_tokens) {
        (false, name) => name,
        (true, "max_tokens") => "max_completion_tokens",
        (true, _) => "max_tokens",
    };
    set(limit, json!(parameters.max_tokens));
    let takes = |setting: Setting| !refused.contains(&setting);
    if takes(Setting::Temperature) && quirks.samples(model) {
        set("temperature", json!(parameters.temperature));
    }
    if let Some(top_p) = parameters
        .top_p
        .filter(|_| takes(Setting::TopP) && quirks.samples(model))
    {
        set("top_p", json!(top_p));
    }
    if let Some(top_k) = parameters
        .top_k
        .filter(|_| takes(Setting::TopK) && quirks.samples(model))
    {
        set("top_k", json!(top_k));
    }
    if !parameters.stop.is_empty() && takes(Setting::Stop) {
        // The API takes at most four; the others are applied to the text that comes back.
        let first = parameters.stop.iter().take(4);
        set("stop", json!(first.collect::<Vec<_>>()));
    }
    if let Some(schema) = &parameters.response_schema
        && takes(Setting::ResponseFormat)
    {
        let named = json!({"name": "answer", "strict": true, "schema": schema});
        match quirks.schema {
            Schema::Json => set(
                "response_format",
                json!({"type": "json_schema", "json_schema": named}),
            ),
            Schema::AnyJson => set("response_format", json!({"type": "json_object"})),
        };
    }
    if ask.stream {
        set("stream", true.into());
        if quirks.stream_options && takes(Setting::StreamOptions) {
            set("stream_options", json!({"include_usage": true}));
        }
    }
    if let (Some(seed), Some(name)) = (parameters.seed, quirks.seed)
        && takes(Setting::Seed)
    {
        // Some servers read the seed as a signed 32-bit integer.
        set(name, json!(seed & 0x7fff_ffff));
    }
    if let Some(route) = ask.route {
        body.insert(
            "provider".into(),
            json!({"only": [route], "allow_fallbacks": false}),
        );
    }
    Value::Object(body)
}
