//! What differs between what two runs were asked.

use std::fmt;
use std::str::FromStr;

use super::GateError;
use crate::store::SuiteRecord;

/// A part of a suite that may not differ between two runs that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Drift {
    /// The questions.
    Items,
    /// Which of them were asked.
    Subset,
    /// How they are put.
    Prompts,
    /// How answers are decoded.
    Decoding,
    /// Who scores, judges among them.
    Scorers,
}

impl Drift {
    const ALL: [Self; 5] = [
        Self::Items,
        Self::Subset,
        Self::Prompts,
        Self::Decoding,
        Self::Scorers,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Subset => "subset",
            Self::Prompts => "prompts",
            Self::Decoding => "decoding",
            Self::Scorers => "scorers",
        }
    }

    /// What differs between two records of a suite. Where the parts are not known, a difference may be in any.
    fn between(a: &SuiteRecord, b: &SuiteRecord) -> Vec<Self> {
        let parts = match (&a.parts, &b.parts) {
            (Some(x), Some(y)) => [
                (x.items != y.items, Self::Items),
                (x.prompts != y.prompts, Self::Prompts),
                (x.decoding != y.decoding, Self::Decoding),
                (
                    x.scorers != y.scorers || a.headline != b.headline,
                    Self::Scorers,
                ),
            ]
            .into_iter()
            .filter_map(|(differs, drift)| differs.then_some(drift))
            .collect(),
            _ if a.content_hash == b.content_hash => Vec::new(),
            _ => Self::ALL.to_vec(),
        };
        let subset = (a.filter != b.filter).then_some(Self::Subset);
        let mut drift: Vec<Self> = parts.into_iter().chain(subset).collect();
        drift.sort_unstable();
        drift.dedup();
        drift
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Drift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|d| d.name() == text)
            .ok_or_else(|| "what may drift: items, subset, prompts, decoding, scorers".into())
    }
}

/// Refuses two runs whose suites of these names were not the same, save for what is allowed.
pub(super) fn refuse(
    candidate: &[SuiteRecord],
    baseline: &[SuiteRecord],
    suites: &[&str],
    allowed: &[Drift],
) -> Result<(), GateError> {
    let (mut differences, mut wanted) = (Vec::new(), Vec::new());
    for name in suites {
        let find = |records: &[SuiteRecord]| records.iter().find(|s| s.name == *name).cloned();
        let (Some(a), Some(b)) = (find(candidate), find(baseline)) else {
            continue;
        };
        let drift: Vec<Drift> = Drift::between(&a, &b)
            .into_iter()
            .filter(|d| !allowed.contains(d))
            .collect();
        if drift.is_empty() {
            continue;
        }
        let parts: Vec<String> = drift.iter().map(ToString::to_string).collect();
        differences.push(format!(
            "suite '{name}' (candidate version {}, baseline version {}): {}",
            a.version,
            b.version,
            parts.join(", ")
        ));
        wanted.extend(drift);
    }
    if differences.is_empty() {
        return Ok(());
    }
    wanted.sort_unstable();
    wanted.dedup();
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    Err(GateError::Drift {
        what: differences.join("; "),
        allow: wanted.join(","),
    })
}
