//! Published benchmark figures of other models, as reference rows: marked as published, with source and setting.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ReportError;
use crate::store::SuiteRecord;
use crate::suite::PublishedAs;

/// A published figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PublishedFigure {
    /// The model.
    pub model: String,
    /// The benchmark's name in the source.
    pub benchmark: String,
    /// In percent.
    pub score_percent: f64,
    /// The metric.
    pub metric: String,
    /// Few-shot examples in the prompt.
    #[serde(default)]
    pub shots: Option<u32>,
    /// Setting: how the model was prompted.
    pub setting: String,
    /// Whether the model's vendor reports it.
    #[serde(default)]
    pub reported_by_vendor: bool,
    /// Source.
    pub source: Source,
}

/// The source of a figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Source {
    /// Title.
    pub title: String,
    /// Repository, if the source is one.
    #[serde(default)]
    pub repository: Option<String>,
    /// Commit.
    #[serde(default)]
    pub commit: Option<String>,
}

/// The file's name in a data folder.
const FILE: &str = "published_figures.json";

/// Published figures on the suites' benchmarks, and on related ones. They are kept apart: a figure is shown with
/// a suite's own scores only if it is of the same benchmark in the same setting.
#[derive(Default)]
pub(super) struct Published {
    /// On the same benchmarks, in the same settings.
    pub same: Vec<PublishedFigure>,
    /// On related ones, and on the same in other settings.
    pub related: Vec<PublishedFigure>,
}

impl Published {
    /// Reads the first `published_figures.json` in the folders, if there is one.
    pub(super) fn read(folders: &[PathBuf], suites: &[SuiteRecord]) -> Result<Self, ReportError> {
        let Some(path) = folders.iter().map(|f| f.join(FILE)).find(|p| p.is_file()) else {
            return Ok(Self::default());
        };
        let failed =
            |reason: &dyn std::fmt::Display| ReportError::file("cannot read", &path, reason);
        let text = std::fs::read_to_string(&path).map_err(|e| failed(&e))?;
        let all: Vec<PublishedFigure> = serde_json::from_str(&text)
            .map_err(|e| failed(&format!("not a list of published figures: {e}")))?;
        let named =
            |figure: &PublishedFigure, name: &str| name.eq_ignore_ascii_case(&figure.benchmark);
        let (same, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|f| {
            let mut own = suites.iter().filter_map(|s| s.published_as.as_ref());
            own.any(|own| own.is(&f.benchmark, &f.setting))
        });
        let related = others
            .into_iter()
            .filter(|f| {
                let own = suites.iter().filter_map(|s| s.published_as.as_ref());
                let other_settings = own.map(PublishedAs::benchmark);
                let related = suites.iter().flat_map(|s| &s.related_to);
                other_settings
                    .chain(related.map(String::as_str))
                    .any(|name| named(f, name))
            })
            .collect();
        Ok(Self { same, related })
    }
}
