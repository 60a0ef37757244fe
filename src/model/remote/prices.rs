//! List prices, so that a dry run can say what a run would cost. `candor.toml` overrides them.

use serde::{Deserialize, Serialize};

/// US dollars a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// A million tokens read.
    pub input: f64,
    /// A million tokens written.
    pub output: f64,
}

/// When the table below was last compared with the providers' price pages.
pub const PRICES_AS_OF: &str = "2025-04";

/// (provider, model prefix, input, output); the longest matching prefix counts.
const LIST: &[(&str, &str, f64, f64)] = &[
    ("openai", "gpt-4o", 2.5, 10.0),
    ("openai", "gpt-4o-mini", 0.15, 0.6),
    ("openai", "gpt-4.1", 2.0, 8.0),
    ("openai", "gpt-4.1-mini", 0.4, 1.6),
    ("openai", "gpt-4-turbo", 10.0, 30.0),
    ("openai", "o1", 15.0, 60.0),
    ("openai", "o3-mini", 1.1, 4.4),
    ("anthropic", "claude-3-5-sonnet", 3.0, 15.0),
    ("anthropic", "claude-3-7-sonnet", 3.0, 15.0),
    ("anthropic", "claude-3-5-haiku", 0.8, 4.0),
    ("gemini", "gemini-1.5-pro", 1.25, 5.0),
    ("gemini", "gemini-2.0-flash", 0.1, 0.4),
    ("deepseek", "deepseek-chat", 0.27, 1.1),
    ("deepseek", "deepseek-reasoner", 0.55, 2.19),
    ("mistral", "mistral-large", 2.0, 6.0),
    ("ollama", "", 0.0, 0.0),
];

pub(super) fn list_price(provider: &str, model: &str) -> Option<Price> {
    LIST.iter()
        .filter(|(p, prefix, ..)| *p == provider && model.starts_with(prefix))
        .max_by_key(|(_, prefix, ..)| prefix.len())
        .map(|(.., input, output)| Price {
            input: *input,
            output: *output,
        })
}
