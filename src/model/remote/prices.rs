//! What requests cost: rows of a table for each provider's models, shipped with candor (`prices.toml`), of a person's own, or `LiteLLM`'s.

use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::files::read_text;
use crate::model::{Usage, Usd};

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
    /// Tokens read from a provider's cache, if they cost something else.
    #[serde(default, deserialize_with = "rate")]
    pub cached_input: Option<f64>,
    /// Tokens put into a provider's cache, if they do.
    #[serde(default, deserialize_with = "rate")]
    pub cache_write: Option<f64>,
    /// Tokens of thinking, if they do.
    #[serde(default, deserialize_with = "rate")]
    pub reasoning: Option<f64>,
    /// Tokens read in a batch, if they do.
    #[serde(default, deserialize_with = "rate")]
    pub batch_input: Option<f64>,
    /// Tokens written in a batch, if they do.
    #[serde(default, deserialize_with = "rate")]
    pub batch_output: Option<f64>,
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

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    not_negative(deserializer).map(Some)
}

impl Price {
    /// So much per million tokens read and written, whatever their kind.
    #[must_use]
    pub fn of(input: f64, output: f64) -> Self {
        Self {
            input,
            output,
            cached_input: None,
            cache_write: None,
            reasoning: None,
            batch_input: None,
            batch_output: None,
        }
    }

    /// The price in batches.
    #[must_use]
    pub(super) fn in_batches(&self) -> Self {
        let (Some(input), Some(output)) = (self.batch_input, self.batch_output) else {
            return *self;
        };
        // What caches and thinking cost there is not in tables: no less than known, and no more than the rest.
        let at_most = |rate: Option<f64>, most: f64| rate.map(|rate| rate.min(most));
        Self {
            input,
            output,
            cached_input: at_most(self.cached_input, input),
            cache_write: at_most(self.cache_write, input),
            reasoning: at_most(self.reasoning, output),
            ..*self
        }
    }

    /// What counted tokens cost; none if one of the two counts is unknown.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn cost(&self, usage: &Usage) -> Option<Usd> {
        let (mut read, mut written) = (usage.prompt_tokens?, usage.completion_tokens?);
        let mut dollars = 0.0;
        let mut apart = |count: Option<u64>, all: &mut u64, rate: Option<f64>| {
            if let (Some(count), Some(rate)) = (count, rate) {
                let count = count.min(*all);
                *all -= count;
                dollars += count as f64 * rate;
            }
        };
        apart(usage.cached_tokens, &mut read, self.cached_input);
        apart(usage.cache_write_tokens, &mut read, self.cache_write);
        apart(usage.reasoning_tokens, &mut written, self.reasoning);
        dollars += read as f64 * self.input + written as f64 * self.output;
        Some(Usd(dollars / 1e6))
    }

    /// The most that this many tokens can cost.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn most(&self, read: u64, written: u64) -> Usd {
        let input = self.input.max(self.cache_write.unwrap_or_default());
        let output = self.output.max(self.reasoning.unwrap_or_default());
        Usd((read as f64 * input + written as f64 * output) / 1e6)
    }
}

/// A row of a price table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceRow {
    /// The provider, as specifications begin: `openai`, or `https` for endpoints given by their address.
    pub provider: String,
    /// The model's name there; its dated versions cost the same.
    pub model: String,
    /// The price.
    pub price: Price,
    /// When it was compared with its source.
    #[serde(default)]
    pub as_of: Option<String>,
    /// Where it is published.
    #[serde(default)]
    pub source: Option<String>,
}

/// Prices by provider and model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceTable {
    /// The rows.
    pub prices: Vec<PriceRow>,
}

/// Why a file of prices cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the prices in {path}: {reason}")]
pub struct PriceError {
    path: String,
    reason: String,
}

static SHIPPED: LazyLock<PriceTable> =
    LazyLock::new(|| toml::from_str(include_str!("prices.toml")).unwrap_or_default());

impl PriceTable {
    /// Reads a file: TOML of the form of `prices.toml`, or, where it is JSON, `LiteLLM`'s `model_prices_and_context_window.json`.
    ///
    /// # Errors
    /// [`PriceError`] with the file and what is wrong in it.
    pub fn read(path: &Path) -> Result<Self, PriceError> {
        let wrong = |reason: String| PriceError {
            path: path.display().to_string(),
            reason,
        };
        let text = read_text(path).map_err(|e| wrong(e.to_string()))?;
        if !text.trim_start().starts_with('{') {
            return toml::from_str(&text).map_err(|e| wrong(e.to_string()));
        }
        let models = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let table = of_litellm(&models);
        if table.prices.is_empty() {
            let form = "it has no model with input_cost_per_token and output_cost_per_token of a provider that candor knows; \
                write TOML of the form that docs/configuration.md shows, or LiteLLM's model_prices_and_context_window.json";
            return Err(wrong(form.into()));
        }
        Ok(table)
    }

    /// The row of a model: of its own name, else of the longest name that it is a dated version of.
    pub(super) fn find(&self, provider: &str, model: &str) -> Option<&PriceRow> {
        let of_provider = || self.prices.iter().filter(|row| row.provider == provider);
        let named = of_provider().find(|row| row.model == model);
        let versions = of_provider().filter(|row| is_version(model, &row.model));
        named.or_else(|| versions.max_by_key(|row| row.model.len()))
    }

    /// Adds rows that come before those that are there.
    pub fn prepend(&mut self, mut other: Self) {
        other.prices.append(&mut self.prices);
        self.prices = other.prices;
    }
}

/// The price of a model: by a person's own rows, else that of its provider, else the one that is shipped.
pub(super) fn price_of(
    provider: &str,
    model: &str,
    of_provider: Option<Price>,
    own: &PriceTable,
) -> Option<PriceRow> {
    let of_provider = || {
        of_provider.map(|price| PriceRow {
            provider: provider.to_owned(),
            model: model.to_owned(),
            price,
            as_of: None,
            source: Some(format!("[providers.{provider}] in candor.toml")),
        })
    };
    let row = own.find(provider, model).cloned().or_else(of_provider);
    row.or_else(|| list_price(provider, model))
}

/// The price that candor ships for a model. Models that run on one's own machine cost nothing.
fn list_price(provider: &str, model: &str) -> Option<PriceRow> {
    if provider == "ollama" {
        return Some(PriceRow {
            provider: provider.into(),
            model: model.into(),
            price: Price::of(0.0, 0.0),
            as_of: None,
            source: None,
        });
    }
    SHIPPED.find(provider, model).cloned()
}

/// Whether a model is the one of a name, or a dated version of it: `-2024-11-20`, `-001`, `-latest`. A relative with another word in its name
/// (`-audio`, `-pro`) is another one, and so is the next minor version (`-5-1`).
fn is_version(model: &str, name: &str) -> bool {
    const MIN_DIGITS: usize = 3;
    model.strip_prefix(name).is_some_and(|rest| {
        let digits = rest.chars().filter(char::is_ascii_digit).count();
        rest.is_empty()
            || rest == "-latest"
            || rest.starts_with('-')
                && digits >= MIN_DIGITS
                && rest.chars().all(|c| c == '-' || c.is_ascii_digit())
    })
}

/// `LiteLLM`'s names of providers, and candor's. What is not here is called the same, or cannot be asked.
const LITELLM_PROVIDERS: &[(&str, &str)] = &[
    ("text-completion-openai", "openai"),
    ("azure_ai", "azure"),
    ("bedrock_converse", "bedrock"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("vertex_ai-language-models", "vertex"),
    ("vertex_ai", "vertex"),
];

/// Rows of `LiteLLM`'s table, which has dollars per token by names such as `gemini/gemini-2.5-pro`.
fn of_litellm(models: &serde_json::Map<String, Value>) -> PriceTable {
    let rows = models.iter().filter_map(|(name, model)| {
        let theirs = model.get("litellm_provider")?.as_str()?;
        let ours = LITELLM_PROVIDERS.iter().find(|(name, _)| *name == theirs);
        let per_million = |key: &str| {
            let rate = model.get(key)?.as_f64()?;
            // Their figures are a millionth of a round one.
            let rate = (rate * 1e12).round() / 1e6;
            (rate.is_finite() && rate >= 0.0).then_some(rate)
        };
        // A cache whose use "costs" nothing is one whose price they do not have.
        let rate = |key: &str| per_million(key).filter(|rate| *rate > 0.0);
        let own = name.strip_prefix(theirs).and_then(|n| n.strip_prefix('/'));
        Some(PriceRow {
            provider: ours.map_or(theirs, |(_, ours)| ours).to_owned(),
            model: own.unwrap_or(name).to_owned(),
            price: Price {
                input: per_million("input_cost_per_token")?,
                output: per_million("output_cost_per_token")?,
                cached_input: rate("cache_read_input_token_cost"),
                cache_write: rate("cache_creation_input_token_cost"),
                reasoning: rate("output_cost_per_reasoning_token"),
                batch_input: rate("input_cost_per_token_batches"),
                batch_output: rate("output_cost_per_token_batches"),
            },
            as_of: None,
            source: model
                .get("source")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
    });
    PriceTable {
        prices: rows.collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_price_is_of_the_model_and_its_versions_alone() {
        let input = |provider, model| list_price(provider, model).map(|row| row.price.input);
        assert_eq!(input("openai", "gpt-4o-2024-11-20"), Some(2.5));
        assert_eq!(input("openai", "gpt-4o-2024-05-13"), Some(5.0));
        assert_eq!(input("openai", "gpt-4o-mini"), Some(0.15));
        assert_eq!(input("anthropic", "claude-3-5-haiku-latest"), Some(0.8));
        assert_eq!(input("ollama", "anything"), Some(0.0));
        for (provider, other) in [
            ("openai", "gpt-4o-audio-preview"),
            ("openai", "gpt-4.1-pico"),
            ("openai", "gpt-4o1"),
            ("openai", "ft:gpt-4o"),
            ("anthropic", "claude-opus-5-99"),
        ] {
            assert_eq!(input(provider, other), None, "{other}");
        }
    }

    #[test]
    fn every_row_that_is_shipped_says_when_and_where() {
        let table: PriceTable = toml::from_str(include_str!("prices.toml")).unwrap();
        assert!(table.prices.len() > 100);
        for row in &table.prices {
            let source = row.source.as_deref().unwrap_or_default();
            assert!(source.starts_with("https://"), "{row:?}");
            assert!(
                row.as_of
                    .as_deref()
                    .is_some_and(|day| day.starts_with("202")),
                "{row:?}"
            );
        }
        let names: std::collections::BTreeSet<_> = table
            .prices
            .iter()
            .map(|r| (&r.provider, &r.model))
            .collect();
        assert_eq!(names.len(), table.prices.len(), "each model once");
    }

    #[test]
    fn what_is_cached_and_what_is_thought_have_rates_of_their_own() {
        let usage = Usage {
            cached_tokens: Some(600_000),
            cache_write_tokens: Some(100_000),
            reasoning_tokens: Some(500_000),
            ..Usage::new(1_000_000, 1_000_000)
        };
        let dollars = |price: &Price| price.cost(&usage).unwrap().0;
        let flat = Price::of(2.0, 10.0);
        assert!(
            (dollars(&flat) - 12.0).abs() < 1e-9,
            "no other rates are known"
        );
        let price = Price {
            cached_input: Some(0.2),
            cache_write: Some(2.5),
            reasoning: Some(4.0),
            ..flat
        };
        // 0.6 × 0.2 + 0.1 × 2.5 + 0.3 × 2 + 0.5 × 4 + 0.5 × 10.
        assert!((dollars(&price) - 7.97).abs() < 1e-9, "{}", dollars(&price));
        assert!((price.most(1_000_000, 1_000_000).0 - 12.5).abs() < 1e-9);
        let wrong = Usage {
            cached_tokens: Some(9_000_000),
            ..Usage::new(1_000_000, 0)
        };
        assert!(
            (price.cost(&wrong).unwrap().0 - 0.2).abs() < 1e-9,
            "no more than was read"
        );
        assert_eq!(price.cost(&Usage::default()), None);
    }

    #[test]
    fn litellms_table_is_read_by_provider_and_name() {
        let models = json!({
            "sample_spec": {"litellm_provider": "one of …", "mode": "chat", "input_cost_per_token": 0.0},
            "gpt-9": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-6, "output_cost_per_token": 1e-5,
                "cache_read_input_token_cost": 1.25e-6, "input_cost_per_token_batches": 1.25e-6, "output_cost_per_token_batches": 5e-6},
            "gemini/gemini-9": {"litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 3e-7, "output_cost_per_token": 2.5e-6,
                "output_cost_per_reasoning_token": 3.5e-6, "source": "https://example.org"},
            "together_ai/org/model": {"litellm_provider": "together_ai", "input_cost_per_token": 0, "output_cost_per_token": 0},
            "dall-e": {"litellm_provider": "openai", "input_cost_per_pixel": 1e-8},
        });
        let table = of_litellm(models.as_object().unwrap());
        let price = |provider, model| table.find(provider, model).map(|row| row.price);
        let gpt = price("openai", "gpt-9-2026-01-01").unwrap();
        assert_eq!(
            (gpt.input, gpt.output, gpt.cached_input),
            (2.5, 10.0, Some(1.25))
        );
        assert_eq!((gpt.batch_input, gpt.batch_output), (Some(1.25), Some(5.0)));
        assert_eq!(price("gemini", "gemini-9").unwrap().reasoning, Some(3.5));
        assert_eq!(price("together", "org/model").unwrap().input, 0.0);
        assert_eq!(table.prices.len(), 3);
    }
}
