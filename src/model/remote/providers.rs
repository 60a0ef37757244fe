//! The providers we know by name, one row each: where they are, which APIs they have, and where their key is looked for.

use serde::{Deserialize, Serialize};

use super::Price;
use super::account::Allowance;
use super::address::Address;
use super::dialect::{
    self, ANTHROPIC, CHAT, CONVERSE, Dialect, GEMINI, KeyHeader, OLLAMA, RESPONSES,
};
use super::quirks::{COMMON, NARROW, Quirks, Schema};
use crate::model::{BARE_KEY_ENV, ErrorClass, ModelError, ModelSpec, OpenOptions};
use crate::text::instead;

struct Known {
    scheme: &'static str,
    /// Its APIs with their base addresses; the first one is used where none is chosen. `{NAME}` in an address represents an environment
    /// variable.
    apis: &'static [(&'static dyn Dialect, &'static str)],
    key_env: &'static str,
    key_required: bool,
    /// Where the key goes, if it is elsewhere than the API has it.
    key_header: Option<KeyHeader>,
    /// The service of AWS that requests are signed for, where there are access keys and no key.
    signs: Option<&'static str>,
    quirks: Quirks,
}

/// The environment variables that hold the known providers' keys.
pub fn key_variables() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(|p| p.key_required).map(|p| p.key_env)
}

const fn known(
    scheme: &'static str,
    apis: &'static [(&'static dyn Dialect, &'static str)],
    key_env: &'static str,
    quirks: Quirks,
) -> Known {
    Known {
        scheme,
        apis,
        key_env,
        key_required: true,
        key_header: None,
        signs: None,
        quirks,
    }
}

/// OpenAI's own models of reasoning take neither temperature nor top-p.
const OPENAI: Quirks = Quirks {
    max_tokens: "max_completion_tokens",
    fixed_sampling: &["o1", "o3", "o4", "gpt-5"],
    ..NARROW
};
const ANY_JSON: Quirks = Quirks {
    schema: Schema::AnyJson,
    ..NARROW
};

const KNOWN: &[Known] = &[
    known(
        "openai",
        &[
            (CHAT, "https://api.openai.com/v1"),
            (RESPONSES, "https://api.openai.com/v1"),
        ],
        "OPENAI_API_KEY",
        OPENAI,
    ),
    known(
        "anthropic",
        &[
            (ANTHROPIC, "https://api.anthropic.com/v1"),
            (CHAT, "https://api.anthropic.com/v1"),
        ],
        "ANTHROPIC_API_KEY",
        Quirks {
            seed: None,
            ..COMMON
        },
    ),
    known(
        "gemini",
        &[
            (GEMINI, "https://generativelanguage.googleapis.com/v1beta"),
            (
                CHAT,
                "https://generativelanguage.googleapis.com/v1beta/openai",
            ),
        ],
        "GEMINI_API_KEY",
        COMMON,
    ),
    Known {
        // An access token: `gcloud auth print-access-token`.
        key_header: Some(KeyHeader::Bearer),
        ..known(
            "vertex",
            &[(
                GEMINI,
                "https://{GOOGLE_CLOUD_LOCATION}-aiplatform.googleapis.com/v1/projects/{GOOGLE_CLOUD_PROJECT}/locations/{GOOGLE_CLOUD_LOCATION}/publishers/google",
            )],
            "VERTEX_ACCESS_TOKEN",
            Quirks {
                no_batches: Some(
                    "Vertex AI reads and writes batches in Cloud Storage, which candor does not; the same models take them through gemini:NAME",
                ),
                ..COMMON
            },
        )
    },
    Known {
        key_header: Some(KeyHeader::Named("api-key")),
        ..known(
            "azure",
            &[
                (CHAT, "{AZURE_OPENAI_ENDPOINT}/openai/v1"),
                (RESPONSES, "{AZURE_OPENAI_ENDPOINT}/openai/v1"),
            ],
            "AZURE_OPENAI_API_KEY",
            OPENAI,
        )
    },
    Known {
        signs: Some("bedrock"),
        ..known(
            "bedrock",
            &[
                (
                    CONVERSE,
                    "https://bedrock-runtime.{AWS_REGION}.amazonaws.com",
                ),
                (
                    CHAT,
                    "https://bedrock-runtime.{AWS_REGION}.amazonaws.com/openai/v1",
                ),
            ],
            "AWS_BEARER_TOKEN_BEDROCK",
            NARROW,
        )
    },
    known(
        "deepseek",
        &[(CHAT, "https://api.deepseek.com/v1")],
        "DEEPSEEK_API_KEY",
        Quirks {
            seed: None,
            ..ANY_JSON
        },
    ),
    known(
        "dashscope",
        &[(CHAT, "https://dashscope.aliyuncs.com/compatible-mode/v1")],
        "DASHSCOPE_API_KEY",
        ANY_JSON,
    ),
    known(
        "moonshot",
        &[(CHAT, "https://api.moonshot.cn/v1")],
        "MOONSHOT_API_KEY",
        Quirks {
            seed: None,
            ..ANY_JSON
        },
    ),
    known(
        "zhipu",
        &[(CHAT, "https://open.bigmodel.cn/api/paas/v4")],
        "ZHIPU_API_KEY",
        Quirks {
            seed: None,
            stream_options: false,
            ..ANY_JSON
        },
    ),
    known(
        "zai",
        &[(CHAT, "https://api.z.ai/api/paas/v4")],
        "ZAI_API_KEY",
        Quirks {
            seed: None,
            stream_options: false,
            ..ANY_JSON
        },
    ),
    known(
        "volcengine",
        &[(CHAT, "https://ark.cn-beijing.volces.com/api/v3")],
        "ARK_API_KEY",
        Quirks {
            seed: None,
            ..ANY_JSON
        },
    ),
    known(
        "qianfan",
        &[(CHAT, "https://qianfan.baidubce.com/v2")],
        "QIANFAN_API_KEY",
        Quirks {
            seed: None,
            ..ANY_JSON
        },
    ),
    known(
        "minimax",
        &[(CHAT, "https://api.minimax.io/v1")],
        "MINIMAX_API_KEY",
        Quirks {
            seed: None,
            ..ANY_JSON
        },
    ),
    known(
        "mistral",
        &[(CHAT, "https://api.mistral.ai/v1")],
        "MISTRAL_API_KEY",
        Quirks {
            seed: Some("random_seed"),
            stream_options: false,
            ..NARROW
        },
    ),
    known(
        "openrouter",
        &[(CHAT, "https://openrouter.ai/api/v1")],
        "OPENROUTER_API_KEY",
        Quirks {
            routes: true,
            ..COMMON
        },
    ),
    known(
        "groq",
        &[(CHAT, "https://api.groq.com/openai/v1")],
        "GROQ_API_KEY",
        Quirks {
            max_tokens: "max_completion_tokens",
            ..NARROW
        },
    ),
    known(
        "cerebras",
        &[(CHAT, "https://api.cerebras.ai/v1")],
        "CEREBRAS_API_KEY",
        Quirks {
            max_tokens: "max_completion_tokens",
            ..NARROW
        },
    ),
    known(
        "together",
        &[(CHAT, "https://api.together.xyz/v1")],
        "TOGETHER_API_KEY",
        COMMON,
    ),
    known(
        "fireworks",
        &[(CHAT, "https://api.fireworks.ai/inference/v1")],
        "FIREWORKS_API_KEY",
        COMMON,
    ),
    known(
        "xai",
        &[(CHAT, "https://api.x.ai/v1")],
        "XAI_API_KEY",
        NARROW,
    ),
    Known {
        key_required: false,
        ..known(
            "litellm",
            &[
                (CHAT, "http://127.0.0.1:4000/v1"),
                (RESPONSES, "http://127.0.0.1:4000/v1"),
                (ANTHROPIC, "http://127.0.0.1:4000/v1"),
            ],
            "LITELLM_API_KEY",
            NARROW,
        )
    },
    Known {
        key_required: false,
        ..known(
            "ollama",
            &[
                (CHAT, "http://127.0.0.1:11434/v1"),
                (OLLAMA, "http://127.0.0.1:11434"),
            ],
            "OLLAMA_API_KEY",
            COMMON,
        )
    },
];

impl Known {
    fn base(&self, dialect: &dyn Dialect) -> Option<&'static str> {
        let mut apis = self.apis.iter();
        let own = apis.find(|(d, _)| d.name() == dialect.name());
        own.map(|(_, base)| *base)
    }

    /// The address of one of its APIs, or of another one at the place of those that are compatible with OpenAI's.
    fn address(&self, dialect: &dyn Dialect) -> Result<String, String> {
        let base = self
            .base(dialect)
            .or_else(|| self.base(CHAT))
            .unwrap_or(self.apis[0].1);
        filled_in(base)
    }
}

/// An address with the values of the variables that it names.
fn filled_in(template: &str) -> Result<String, String> {
    let mut filled = String::new();
    for (i, part) in template.split(['{', '}']).enumerate() {
        if i % 2 == 0 {
            filled += part;
            continue;
        }
        let value = std::env::var(part).unwrap_or_default();
        if value.trim().is_empty() {
            return Err(format!(
                "its address needs the environment variable {part}, which is not set. Set it, or write the address as base_url in candor.toml"
            ));
        }
        filled += value.trim().trim_end_matches('/');
    }
    Ok(filled)
}

/// What `candor.toml` may say of a provider, under `[providers.NAME]`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderSettings {
    /// Another base URL, up to and with `/v1` or its like.
    pub base_url: Option<String>,
    /// The API that it is asked through: `chat`, `responses`, `completions`, `anthropic`, `gemini`, `converse` or `ollama`; by
    /// default the provider's own.
    pub api: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// Requests in flight at once; found out while they are sent if this is not set.
    pub max_connections: Option<usize>,
    /// Requests sent per minute at most.
    pub requests_per_minute: Option<u64>,
    /// Tokens read and written per minute at most, by an estimate before each request.
    pub tokens_per_minute: Option<u64>,
    /// US dollars per million tokens, for every model of the provider.
    pub price: Option<Price>,
    /// Ask for answers as streams: they show what is begun and then retracted.
    pub stream: bool,
}

pub(super) struct Provider {
    pub address: Address,
    pub dialect: &'static dyn Dialect,
    pub key_header: KeyHeader,
    /// The service of AWS that requests are signed for, where there is no key.
    pub signs: Option<&'static str>,
    pub key_env: String,
    pub key_required: bool,
    pub allowance: Allowance,
    pub price: Option<Price>,
    pub stream: bool,
    pub quirks: Quirks,
}

pub(super) fn resolve(
    spec: &ModelSpec,
    model: &str,
    options: &OpenOptions,
) -> Result<Provider, ModelError> {
    let wrong = |why: String| ModelError::new(ErrorClass::BadRequest, format!("{spec}: {why}"));
    let settings = options
        .providers
        .get(&spec.scheme)
        .cloned()
        .unwrap_or_default();
    let known = KNOWN.iter().find(|k| k.scheme == spec.scheme);
    let own_base = match (&spec.fragment, &settings.base_url) {
        (Some(_), _) => Some(spec.target.as_str()),
        (None, own) => own.as_deref(),
    };
    if known.is_none() && own_base.is_none() {
        return Err(unknown(spec));
    }
    let chosen = spec.options.get("api").or(settings.api.as_ref());
    let dialect = match (chosen, known) {
        (Some(name), _) => dialect::named(name).map_err(wrong)?,
        (None, Some(known)) => known.apis[0].0,
        (None, None) => CHAT,
    };
    let base = match (own_base, known) {
        (Some(own), _) => own.to_owned(),
        (None, Some(known)) => known.address(dialect).map_err(wrong)?,
        (None, None) => return Err(unknown(spec)),
    };
    let (key_env, key_required) = match known {
        Some(known) => (known.key_env, known.key_required),
        None => (BARE_KEY_ENV, !spec.is_bare() && settings.key_env.is_some()),
    };
    let stream = is_streamed(spec, settings.stream)?;
    let address = Address::parse(&base, &dialect.path(model, stream)).map_err(wrong)?;
    let quirks = known.map_or(COMMON, |k| k.quirks);
    if spec.options.contains_key("route") && !quirks.routes {
        let with: Vec<&str> = KNOWN
            .iter()
            .filter(|k| k.quirks.routes)
            .map(|k| k.scheme)
            .collect();
        return Err(wrong(format!(
            "only these let a request choose its route: {}",
            with.join(", ")
        )));
    }
    Ok(Provider {
        address,
        dialect,
        key_header: known
            .and_then(|k| k.key_header)
            .unwrap_or_else(|| dialect.key_header()),
        signs: known.and_then(|k| k.signs),
        key_env: settings.key_env.unwrap_or_else(|| key_env.to_owned()),
        key_required,
        allowance: Allowance {
            connections: options
                .max_connections
                .or(connections(spec)?)
                .or(settings.max_connections),
            requests_per_minute: settings.requests_per_minute,
            tokens_per_minute: settings.tokens_per_minute,
        },
        price: settings.price,
        stream,
        quirks,
    })
}

fn connections(spec: &ModelSpec) -> Result<Option<usize>, ModelError> {
    let Some(written) = spec.options.get("max_connections") else {
        return Ok(None);
    };
    let number = written.parse().ok().filter(|n| *n > 0);
    number.map(Some).ok_or_else(|| {
        ModelError::new(
            ErrorClass::BadRequest,
            format!("{spec}: max_connections must be a whole number above 0, not '{written}'"),
        )
    })
}

fn is_streamed(spec: &ModelSpec, usual: bool) -> Result<bool, ModelError> {
    match spec.options.get("stream").map(String::as_str) {
        None => Ok(usual),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(ModelError::new(
            ErrorClass::BadRequest,
            format!("'{spec}': stream must be true or false, not '{other}'"),
        )),
    }
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
