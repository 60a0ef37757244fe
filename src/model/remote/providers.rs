//! The providers we know by name: where they are, and where their key is looked for.

use serde::{Deserialize, Serialize};

use super::Price;
use crate::model::{ErrorClass, ModelError, ModelSpec, OpenOptions};

struct Known {
    scheme: &'static str,
    base_url: &'static str,
    key_env: &'static str,
    key_required: bool,
}

const fn known(scheme: &'static str, base_url: &'static str, key_env: &'static str) -> Known {
    Known {
        scheme,
        base_url,
        key_env,
        key_required: true,
    }
}

/// OpenAI-compatible endpoints, one line each.
const KNOWN: &[Known] = &[
    known("openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    known(
        "anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
    ),
    known(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
    ),
    known(
        "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
    ),
    known("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    known(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
    ),
    known("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    known(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
    ),
    known("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    Known {
        scheme: "ollama",
        base_url: "http://127.0.0.1:11434/v1",
        key_env: "OLLAMA_API_KEY",
        key_required: false,
    },
];

/// What `candor.toml` may say of a provider, under `[providers.NAME]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// Another base URL, up to and with `/v1`.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// Requests in flight at once.
    pub max_connections: Option<usize>,
    /// US dollars a million tokens, for every model of the provider.
    pub price: Option<Price>,
    /// Ask for answers as streams: they show what is begun and then taken back.
    pub stream: bool,
}

pub(super) struct Provider {
    pub base_url: String,
    pub key_env: String,
    pub key_required: bool,
    pub max_connections: usize,
    pub price: Option<Price>,
    pub stream: bool,
}

const DEFAULT_CONNECTIONS: usize = 16;

pub(super) fn resolve(spec: &ModelSpec, options: &OpenOptions) -> Result<Provider, ModelError> {
    let settings = options
        .providers
        .get(&spec.scheme)
        .cloned()
        .unwrap_or_default();
    let (base_url, key_env, key_required) = if spec.fragment.is_some() {
        (spec.target.clone(), "CANDOR_API_KEY".to_owned(), false)
    } else if let Some(known) = KNOWN.iter().find(|k| k.scheme == spec.scheme) {
        (
            known.base_url.to_owned(),
            known.key_env.to_owned(),
            known.key_required,
        )
    } else if let Some(url) = &settings.base_url {
        (
            url.clone(),
            "CANDOR_API_KEY".to_owned(),
            settings.key_env.is_some(),
        )
    } else {
        let names: Vec<_> = ["onnx", "demo", "replay"]
            .into_iter()
            .chain(KNOWN.iter().map(|k| k.scheme))
            .collect();
        return Err(ModelError::new(
            ErrorClass::BadRequest,
            format!(
                "'{spec}': unknown provider '{}'. Known: {}. Any OpenAI-compatible server can be named as https://host/v1#NAME, or under [providers.{}] in candor.toml",
                spec.scheme,
                names.join(", "),
                spec.scheme
            ),
        ));
    };
    Ok(Provider {
        base_url: settings
            .base_url
            .unwrap_or(base_url)
            .trim_end_matches('/')
            .to_owned(),
        key_env: settings.key_env.unwrap_or(key_env),
        key_required,
        max_connections: settings.max_connections.unwrap_or(DEFAULT_CONNECTIONS),
        price: settings.price,
        stream: settings.stream,
    })
}
