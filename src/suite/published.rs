//! Under which name, and in which setting, a suite's benchmark is in lists of published figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A benchmark's name in lists of published figures: alone, or with the setting that the suite asks it in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PublishedAs {
    /// The benchmark, in whichever setting.
    Benchmark(String),
    /// The benchmark, where a figure was measured in this setting.
    InSetting(PublishedSetting),
}

/// A benchmark in one setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedSetting {
    /// Its name.
    pub benchmark: String,
    /// As the list calls how models were prompted.
    pub setting: String,
}

impl PublishedAs {
    /// The benchmark's name.
    #[must_use]
    pub fn benchmark(&self) -> &str {
        match self {
            Self::Benchmark(name) => name,
            Self::InSetting(of) => &of.benchmark,
        }
    }

    /// Whether a figure on this benchmark, measured in this setting, can be beside the suite's own.
    #[must_use]
    pub fn is(&self, benchmark: &str, setting: &str) -> bool {
        self.benchmark().eq_ignore_ascii_case(benchmark)
            && match self {
                Self::Benchmark(_) => true,
                Self::InSetting(of) => of.setting.eq_ignore_ascii_case(setting),
            }
    }
}
