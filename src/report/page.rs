//! What every section of the page may use, computed once.

use std::cell::OnceCell;
use std::path::PathBuf;

use serde::Serialize;

use super::headline::MAX_SENTENCES;
use super::language::Language;
use super::published::Published;
use super::templates::Templates;
use super::{ReportError, headlines};
use crate::analysis::{
    Asked, Cell, Comparison, Dataset, Detected, Estimand, GroupValue, MetricValue, OutsideLabels,
    Question, Unable, compare, detect, group_values, metric_values, passes, summarise, unable,
};
use crate::run::DeclaredContrast;

/// Options of a report.
#[derive(Debug, Clone, Default)]
pub struct ReportOptions {
    /// The model that the others are compared with; if none is named, see [`Dataset::baseline`] and [`Dataset::weights`].
    pub baseline: Option<String>,
    /// The page's title.
    pub title: Option<String>,
    /// Folders to search for `published_figures.json`.
    pub data_folders: Vec<PathBuf>,
    /// Estimand: what the figures generalise to.
    pub estimand: Estimand,
    /// External labels, to compare the run's with.
    pub labels: Option<OutsideLabels>,
    /// The language of the page's own words.
    pub language: Language,
    /// Models that are kin.
    pub contrasts: Vec<DeclaredContrast>,
}

/// Everything that sections use, computed once.
pub struct Report {
    pub(super) data: Dataset,
    pub(super) asked: Asked,
    /// What models were unable to answer, on audits.
    pub(super) unable: Vec<Unable>,
    pub(super) estimand: Estimand,
    pub(super) cells: Vec<Cell>,
    /// Every metric of every scorer, and pass@k.
    pub(super) metrics: Vec<MetricValue>,
    pub(super) groups: Vec<GroupValue>,
    pub(super) baseline: Option<String>,
    pub(super) weights: Option<String>,
    pub(super) published: Published,
    pub(super) labels: Option<OutsideLabels>,
    pub(super) contrasts: Vec<DeclaredContrast>,
    detected: OnceCell<Vec<Detected>>,
    headlines: OnceCell<Vec<String>>,
    run_hashes: OnceCell<Vec<String>>,
    pub(super) title: String,
    pub(super) language: Language,
    pub(super) templates: Templates,
}

impl Report {
    /// Computes what the sections need.
    ///
    /// # Errors
    /// [`ReportError`] if the runs cannot be read or the baseline is unknown.
    pub fn new(data: Dataset, options: &ReportOptions) -> Result<Self, ReportError> {
        let asked = data.asked(&data.headlines())?;
        let unable = unable(&data, &data.headlines())?;
        let estimand = options.estimand;
        let cells = summarise(&data, &asked.scored, estimand)?;
        let mut metrics = metric_values(&data)?;
        metrics.extend(passes(&data)?);
        let groups = group_values(&data, &metrics);
        let named = options.baseline.as_deref();
        let baseline = data.baseline(named)?.map(str::to_owned);
        let weights = data.weights(named)?.map(str::to_owned);
        let published = Published::read(&options.data_folders, &data.suites)?;
        let title = Self::title_of(&data, options);
        Ok(Self {
            data,
            asked,
            unable,
            estimand,
            cells,
            metrics,
            groups,
            baseline,
            weights,
            published,
            labels: options.labels.clone(),
            contrasts: options.contrasts.clone(),
            detected: OnceCell::new(),
            headlines: OnceCell::new(),
            run_hashes: OnceCell::new(),
            title,
            language: options.language,
            templates: Templates::new(options.language)?,
        })
    }

    /// The title that was wished for, else one that says what was run.
    pub(super) fn title_of(data: &Dataset, options: &ReportOptions) -> String {
        options
            .title
            .clone()
            .unwrap_or_else(|| match data.models.as_slice() {
                [one] => one.identity.name.clone(),
                [one, two] => format!("{} and {}", one.identity.name, two.identity.name),
                many => format!(
                    "{} models on {}",
                    many.len(),
                    data.suites
                        .iter()
                        .map(|s| s.name.as_str())
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            })
    }

    /// The main findings, as sentences.
    #[must_use]
    pub fn headlines(&self) -> &[String] {
        let baseline = self.baseline.as_deref();
        self.headlines.get_or_init(|| {
            headlines(
                &self.data,
                &self.asked,
                &self.cells,
                &self.groups,
                &self.unable,
                baseline,
            )
        })
    }

    /// The main findings as the report opens with them, and those that are folded behind them.
    #[must_use]
    pub fn overview(&self) -> (&[String], &[String]) {
        let all = self.headlines();
        all.split_at(all.len().min(MAX_SENTENCES))
    }

    /// Scores of every model on every suite.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// What groups of tasks come to.
    #[must_use]
    pub fn groups(&self) -> &[GroupValue] {
        &self.groups
    }

    /// Every question's score.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.asked.scored
    }

    /// Those of suites whose primary metric measures what is withheld.
    pub(super) fn audited(&self) -> Vec<&Question> {
        let audits = self.data.audits();
        let own = self.questions().iter();
        own.filter(|q| audits.contains(&&*q.suite)).collect()
    }

    /// What the detectors found in each model's answers; computed once.
    pub(super) fn detected(&self) -> Result<&[Detected], ReportError> {
        if let Some(found) = self.detected.get() {
            return Ok(found);
        }
        let found = detect(&self.data)?;
        Ok(self.detected.get_or_init(|| found))
    }

    /// What names each run's answers; computed once.
    pub(super) fn run_hashes(&self) -> Result<&[String], ReportError> {
        if let Some(found) = self.run_hashes.get() {
            return Ok(found);
        }
        let found = self.data.run_hashes()?;
        Ok(self.run_hashes.get_or_init(|| found))
    }

    /// A model's difference from the baseline on a suite, in the suite's measure; none without a baseline.
    #[must_use]
    pub fn compare(&self, suite: &str, model: &str) -> Option<Comparison> {
        let baseline = self.baseline.as_deref()?;
        let comparison = compare(&self.asked, &[suite], model, baseline, self.estimand);
        Some(comparison.in_measure(self.data.measure(suite)))
    }

    /// The model that the others are compared with, if there is one.
    #[must_use]
    pub fn baseline(&self) -> Option<&str> {
        self.baseline.as_deref()
    }

    /// Renders a section's template.
    pub(super) fn render(
        &self,
        template: &str,
        context: &impl Serialize,
    ) -> Result<String, ReportError> {
        self.templates.render(template, context)
    }
}
