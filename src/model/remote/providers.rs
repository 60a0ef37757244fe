//! The providers we know by name: where they are, and where their key is looked for.

use serde::{Deserialize, Serialize};

use super::Price;
use super::address::Address;
use crate::model::{BARE_KEY_ENV, ErrorClass, ModelError, ModelSpec, OpenOptions};
use crate::text::instead;

/// Whether a server holds an answer to a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    /// To a JSON schema.
    Json,
    /// To JSON, of no schema.
    AnyJson,
}

/// What a server takes otherwise than most do. Whatever a server refuses besides is learned from its errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dialect {
    /// The name of the limit of tokens.
    pub max_tokens: &'static str,
    /// The name of the seed, where it takes one.
    pub seed: Option<&'static str>,
    /// How it is asked for JSON.
    pub schema: Schema,
    /// Whether it takes `stream_options`; one that does not counts tokens in its streams anyway.
    pub stream_options: bool,
    /// Whether it takes `top_k`, which is not of OpenAI's API.
    pub top_k: bool,
    /// Beginnings of names of models that take neither temperature nor top-p.
    pub fixed_sampling: &'static [&'static str],
}

impl Dialect {
    /// Whether a model takes temperature and top-p. A fine-tuned model is called `ft:` and the name of what it was.
    pub(super) fn samples(&self, model: &str) -> bool {
        let name = model.strip_prefix("ft:").unwrap_or(model);
        !self.fixed_sampling.iter().any(|f| name.starts_with(f))
    }
}

/// What most servers take: those that run open weights (vLLM, `SGLang`, llama.cpp) take `top_k` too.
const COMMON: Dialect = Dialect {
    max_tokens: "max_tokens",
    seed: Some("seed"),
    schema: Schema::Json,
    stream_options: true,
    top_k: true,
    fixed_sampling: &[],
};
/// What OpenAI's API has, and nothing alongside it.
const NARROW: Dialect = Dialect {
    top_k: false,
    ..COMMON
};

struct Known {
    scheme: &'static str,
    base_url: &'static str,
    key_env: &'static str,
    key_required: bool,
    dialect: Dialect,
}

/// The environment variables that hold the known providers' keys.
pub fn key_variables() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|p| p.key_required).map(|p| p.key_env)
}

const fn known(
    scheme: &'static str,
    base_url: &'static str,
    key_env: &'static str,
    dialect: Dialect,
) -> Known {
    Known {
        scheme,
        base_url,
        key_env,
        key_required: true,
        dialect,
    }
}

/// OpenAI-compatible endpoints, one row each.
const KNOWN: &[Known] = &[
    known(
        "openai",
        "https://api.openai.com/v1",
        "OPENAI_API_KEY",
        Dialect {
            max_tokens: "max_completion_tokens",
            fixed_sampling: &["o1", "o3", "o4", "gpt-5"],
            ..NARROW
        },
    ),
    known(
        "anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        Dialect {
            seed: None,
            ..NARROW
        },
    ),
    known(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "GEMINI_API_KEY",
        NARROW,
    ),
    known(
        "deepseek",
        "https://api.deepseek.com/v1",
        "DEEPSEEK_API_KEY",
        Dialect {
            seed: None,
            schema: Schema::AnyJson,
            ..NARROW
        },
    ),
    known(
        "mistral",
        "https://api.mistral.ai/v1",
        "MISTRAL_API_KEY",
        Dialect {
            seed: Some("random_seed"),
            stream_options: false,
            ..NARROW
        },
    ),
    known(
        "openrouter",
        "https://openrouter.ai/api/v1",
        "OPENROUTER_API_KEY",
        COMMON,
    ),
    known(
        "groq",
        "https://api.groq.com/openai/v1",
        "GROQ_API_KEY",
        Dialect {
            max_tokens: "max_completion_tokens",
            ..NARROW
        },
    ),
    known(
        "together",
        "https://api.together.xyz/v1",
        "TOGETHER_API_KEY",
        COMMON,
    ),
    known("xai", "https://api.x.ai/v1", "XAI_API_KEY", NARROW),
    Known {
        key_required: false,
        ..known(
            "ollama",
            "http://127.0.0.1:11434/v1",
            "OLLAMA_API_KEY",
            NARROW,
        )
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
    /// US dollars per million tokens, for every model of the provider.
    pub price: Option<Price>,
    /// Ask for answers as streams: they show what is begun and then retracted.
    pub stream: bool,
}

pub(super) struct Provider {
    pub address: Address,
    pub key_env: String,
    pub key_required: bool,
    pub max_connections: usize,
    pub price: Option<Price>,
    pub stream: bool,
    pub dialect: Dialect,
}

const DEFAULT_CONNECTIONS: usize = 16;

pub(super) fn resolve(spec: &ModelSpec, options: &OpenOptions) -> Result<Provider, ModelError> {
    let settings = options
        .providers
        .get(&spec.scheme)
        .cloned()
        .unwrap_or_default();
    let known = KNOWN.iter().find(|k| k.scheme == spec.scheme);
    let (base_url, key_env, key_required) = match (&spec.fragment, known, &settings.base_url) {
        (Some(_), ..) => (spec.target.as_str(), BARE_KEY_ENV, false),
        (None, Some(known), _) => (known.base_url, known.key_env, known.key_required),
        (None, None, Some(url)) => (url.as_str(), BARE_KEY_ENV, settings.key_env.is_some()),
        (None, None, None) => return Err(unknown(spec)),
    };
    let base_url = match (&spec.fragment, &settings.base_url) {
        (None, Some(own)) => own,
        _ => base_url,
    };
    let address = Address::parse(base_url)
        .map_err(|why| ModelError::new(ErrorClass::BadRequest, format!("{spec}: {why}")))?;
    Ok(Provider {
        address,
        key_env: settings.key_env.unwrap_or_else(|| key_env.to_owned()),
        key_required,
        max_connections: settings.max_connections.unwrap_or(DEFAULT_CONNECTIONS),
        price: settings.price,
        stream: settings.stream,
        dialect: known.map_or(COMMON, |k| k.dialect),
    })
}

fn unknown(spec: &ModelSpec) -> ModelError {
    let names: Vec<_> = ["onnx", "demo", "replay"]
        .into_iter()
        .chain(KNOWN.iter().map(|k| k.scheme))
        .collect();
    ModelError::new(
        ErrorClass::BadRequest,
        format!(
            "'{spec}': unknown provider '{}'; {} (any OpenAI-compatible server can be named as https://host/v1#NAME, or under [providers.{}] in candor.toml)",
            spec.scheme,
            instead(&spec.scheme, "known", names),
            spec.scheme
        ),
    )
}
