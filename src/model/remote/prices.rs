//! List prices, so that a dry run can say what a run would cost. `candor.toml` overrides them.

use serde::{Deserialize, Deserializer, Serialize};

/// US dollars per million tokens, 0 or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Tokens read.
    #[serde(deserialize_with = "not_negative")]
    pub input: f64,
    /// Tokens written.
    #[serde(deserialize_with = "not_negative")]
    pub output: f64,
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let price = f64::deserialize(deserializer)?;
    if price.is_finite() && price >= 0.0 {
        Ok(price)
    } else {
        let message = format!("a price must be a number of US dollars, 0 or more, not {price}");
        Err(serde::de::Error::custom(message))
    }
}

/// When the table below was last compared with the providers' price pages.
pub const PRICES_AS_OF: &str = "2025-04";

/// (provider, model, input, output). A version of the model (`-2024-11-20`, `-latest`) costs the same; a relative with another word
/// in its name (`-audio`, `-pro`, `-nano`) does not.
const LIST_PRICES: &[(&str, &str, f64, f64)] = &[
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
];

pub(super) fn list_price(provider: &str, model: &str) -> Option<Price> {
    let free = (provider == "ollama").then_some((0.0, 0.0));
    let listed = || {
        LIST_PRICES
            .iter()
            .filter(|(p, name, ..)| *p == provider && is_version(model, name))
            .map(|(.., input, output)| (*input, *output))
            .next()
    };
    free.or_else(listed)
        .map(|(input, output)| Price { input, output })
}

/// Whether a model is the one of a name, or a dated version of it.
fn is_version(model: &str, name: &str) -> bool {
    model.strip_prefix(name).is_some_and(|rest| {
        rest.is_empty()
            || rest == "-latest"
            || rest.starts_with('-') && rest.chars().all(|c| c == '-' || c.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_of_the_model_and_its_versions_alone() {
        let input = |provider, model| list_price(provider, model).map(|p| p.input);
        assert_eq!(input("openai", "gpt-4o-2024-11-20"), Some(2.5));
        assert_eq!(input("openai", "gpt-4o-mini"), Some(0.15));
        assert_eq!(input("anthropic", "claude-3-5-haiku-latest"), Some(0.8));
        assert_eq!(input("ollama", "anything"), Some(0.0));
        for other in [
            "gpt-4o-audio-preview",
            "gpt-4.1-nano",
            "o1-pro",
            "gpt-4o1",
            "ft:gpt-4o",
        ] {
            assert_eq!(input("openai", other), None, "{other}");
        }
    }
}
