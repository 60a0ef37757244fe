//! The estimand: what a figure estimates.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// What a figure estimates; every figure names its estimand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimand {
    /// The expected score on the population that the questions are sampled from: variance between questions counts.
    #[default]
    Population,
    /// The expected score on exactly these questions: only the model's own randomness counts. Needs several epochs.
    Suite,
    /// What the complete run would print: exact once it is complete.
    Run,
}

impl Estimand {
    /// Every estimand.
    pub const ALL: [Self; 3] = [Self::Population, Self::Suite, Self::Run];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Population => "population",
            Self::Suite => "suite",
            Self::Run => "run",
        }
    }

    /// What it claims, in words.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Population => "the questions are a sample from all questions of interest",
            Self::Suite => "exactly these questions; only the model's randomness varies",
            Self::Run => "the value that the complete run would report",
        }
    }
}

impl fmt::Display for Estimand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Estimand {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == text)
            .ok_or_else(|| "write population, suite or run".into())
    }
}
