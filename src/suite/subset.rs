//! A suite that is a subset of a shipped one: its `suite.yaml` names that suite and selects its samples.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::yaml::from_yaml;
use super::{Filter, Sample, ShippedSuite, Suite, SuiteError, shipped};
use crate::text::SourceError;

/// A `suite.yaml` that asks a part of another suite.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SubsetFile {
    pub format: u32,
    pub name: String,
    pub version: String,
    pub title: String,
    /// The shipped suite whose samples it asks.
    pub subset_of: String,
    /// Strata or fields, each with the values that are asked.
    #[serde(rename = "where", default)]
    pub wanted: BTreeMap<String, BTreeSet<String>>,
    /// Strata or fields, each with how many clusters of every value are asked: the first, in the order of the tables.
    #[serde(default)]
    pub per: BTreeMap<String, usize>,
}

/// Whether a `suite.yaml` is of this kind.
pub(super) fn is_subset(yaml: &str) -> bool {
    yaml.lines().any(|line| line.starts_with("subset_of:"))
}

impl SubsetFile {
    /// Reads a part of a shipped suite; no folder is named, since a suite is not to show what is elsewhere.
    ///
    /// # Errors
    /// [`SuiteError::Source`] if something is written wrong, or there is no such suite.
    pub(super) fn read(path: &str, yaml: &str) -> Result<Self, SuiteError> {
        let subset: Self = from_yaml(path, yaml)?;
        let wrong = |at: &str, reason: String| {
            let at = yaml.find(at).unwrap_or(0);
            Err(SourceError::at_offset(path, yaml, at, reason).into())
        };
        if subset.format != 1 {
            let reason = format!("this candor reads suite format 1, not {}", subset.format);
            return wrong("format", reason);
        }
        let whole = &subset.subset_of;
        let is_whole = |s: &ShippedSuite| s.name == *whole && !is_subset(s.yaml);
        if !shipped().iter().any(is_whole) {
            let reason = format!("there is no shipped suite '{whole}' to ask a part of");
            return wrong("subset_of", reason);
        }
        Ok(subset)
    }

    /// The whole suite, as it is to be loaded with a query.
    pub(super) fn whole(&self, query: Option<&str>) -> String {
        let query = query.map(|q| format!("?{q}")).unwrap_or_default();
        format!("{}{query}", self.subset_of)
    }

    /// The part of the whole that it names, under its own name and version.
    ///
    /// # Errors
    /// [`SuiteError::Filter`] if it chooses by what the whole does not have.
    pub(super) fn of(self, mut whole: Suite) -> Result<Suite, SuiteError> {
        let filter = Filter {
            wanted: self.wanted,
            per: self.per,
        };
        let mut firsts: HashMap<String, usize> = HashMap::new();
        for (i, sample) in whole.samples.iter().enumerate() {
            firsts.entry(sample.unit().to_owned()).or_insert(i);
        }
        let first = |sample: &Sample| firsts.get(sample.unit()).copied();
        let chosen = filter.choose(&self.name, &whole.samples, first)?;
        let all = &whole.samples;
        whole.samples = chosen.into_iter().map(|i| all.at(i)).collect();
        let rehash = |hash: &str| {
            let part = serde_json::to_string(&filter).unwrap_or_default();
            blake3::hash(format!("{hash} {part}").as_bytes())
                .to_hex()
                .to_string()
        };
        whole.content_hash = rehash(&whole.content_hash);
        whole.parts.items = rehash(&whole.parts.items);
        whole.prompts.rename(&self.name);
        whole.file.name = self.name;
        whole.file.version = self.version;
        whole.file.title = self.title;
        Ok(whole)
    }
}
