//! The page: what every section may use, and how they become one file.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::published::Published;
use super::section::SECTIONS;
use super::templates::{Templates, file};
use super::transcripts::{Transcripts, transcripts};
use super::{ReportError, headlines};
use crate::analysis::{
    Asked, Cell, Comparison, Dataset, Detected, OutsideLabels, Question, Target, compare, detect,
    summarise,
};
use crate::files::write_output;

/// What a reader may choose.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// The model that others are compared with; where none is named, as [`Dataset::baseline`] and [`Dataset::weights`] say.
    pub baseline: Option<String>,
    /// The page's title.
    pub title: Option<String>,
    /// Folders in which `published_figures.json` is looked for.
    pub data_folders: Vec<PathBuf>,
    /// What the figures are about.
    pub target: Target,
    /// Labels from outside, against which the run's are held.
    pub labels: Option<OutsideLabels>,
    /// Most trials whose transcripts are embedded.
    pub most_transcripts: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        Self {
            baseline: None,
            title: None,
            data_folders: Vec::new(),
            target: Target::default(),
            labels: None,
            most_transcripts: 50_000,
        }
    }
}

/// Everything that sections draw from, computed once.
pub struct Report {
    pub(super) data: Dataset,
    pub(super) asked: Asked,
    pub(super) target: Target,
    pub(super) cells: Vec<Cell>,
    pub(super) baseline: Option<String>,
    pub(super) weights: Option<String>,
    pub(super) published: Published,
    pub(super) labels: Option<OutsideLabels>,
    detected: OnceCell<Vec<Detected>>,
    headlines: OnceCell<Vec<String>>,
    title: String,
    most_transcripts: usize,
    templates: Templates,
}

#[derive(Serialize)]
struct PageContext<'a> {
    title: &'a str,
    policy: String,
    style: &'static str,
    script: &'static str,
    headlines: &'a [String],
    sections: Vec<(&'static str, &'static str, String)>,
    index: String,
    chunks: Vec<String>,
    version: &'static str,
    made: String,
}

impl Report {
    /// Computes what the sections need.
    ///
    /// # Errors
    /// [`ReportError`] where the runs cannot be read or the baseline is unknown.
    pub fn new(data: Dataset, options: &ReportOptions) -> Result<Self, ReportError> {
        let asked = data.asked(&data.headlines())?;
        let target = options.target;
        let cells = summarise(&data, &asked.scored, target)?;
        let named = options.baseline.as_deref();
        let baseline = data.baseline(named)?.map(str::to_owned);
        let weights = data.weights(named)?.map(str::to_owned);
        let published = Published::read(&options.data_folders, &data.suites)?;
        let title = options
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
            });
        Ok(Self {
            data,
            asked,
            target,
            cells,
            baseline,
            weights,
            published,
            labels: options.labels.clone(),
            detected: OnceCell::new(),
            headlines: OnceCell::new(),
            title,
            most_transcripts: options.most_transcripts,
            templates: Templates::new()?,
        })
    }

    /// The sentences that a reader must not miss.
    #[must_use]
    pub fn headlines(&self) -> &[String] {
        let baseline = self.baseline.as_deref();
        self.headlines
            .get_or_init(|| headlines(&self.data, &self.asked, &self.cells, baseline))
    }

    /// Scores of every model on every suite.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Every question's score.
    #[must_use]
    pub fn questions(&self) -> &[Question] {
        &self.asked.scored
    }

    /// Those of the suites that tell what was withheld.
    pub(super) fn audited(&self) -> Vec<&Question> {
        let audits = self.data.audits();
        let own = self.questions().iter();
        own.filter(|q| audits.contains(&&*q.suite)).collect()
    }

    /// What was found in each model's answers; looked for once.
    pub(super) fn detected(&self) -> Result<&[Detected], ReportError> {
        if let Some(found) = self.detected.get() {
            return Ok(found);
        }
        let found = detect(&self.data)?;
        Ok(self.detected.get_or_init(|| found))
    }

    /// A model's difference to the baseline on a suite, in the suite's measure; none without a baseline.
    #[must_use]
    pub fn compare(&self, suite: &str, model: &str) -> Option<Comparison> {
        let baseline = self.baseline.as_deref()?;
        let comparison = compare(&self.asked, &[suite], model, baseline, self.target);
        Some(comparison.in_measure(self.data.measure(suite)))
    }

    /// The model that others are compared with, if there is one.
    #[must_use]
    pub fn baseline(&self) -> Option<&str> {
        self.baseline.as_deref()
    }

    /// The page as HTML.
    ///
    /// # Errors
    /// [`ReportError`] where a table cannot be read or a template fails.
    pub fn html(&self) -> Result<String, ReportError> {
        self.html_made(Timestamp::now())
    }

    /// The page as it was made at an instant: nothing else in it hangs on when or where it is rendered.
    ///
    /// # Errors
    /// As for [`Report::html`].
    pub(super) fn html_made(&self, made: Timestamp) -> Result<String, ReportError> {
        let mut sections = Vec::new();
        for section in SECTIONS {
            if let Some(html) = (section.render)(self)? {
                sections.push((section.id, section.title, html));
            }
        }
        let Transcripts { index, chunks } = transcripts(&self.data, self.most_transcripts)?;
        let (style, script) = (file("style.css"), file("report.js"));
        let context = PageContext {
            title: &self.title,
            policy: policy(style, script),
            style,
            script,
            headlines: self.headlines(),
            sections,
            index,
            chunks,
            version: env!("CARGO_PKG_VERSION"),
            made: made.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        };
        self.templates.render("page.html", &context)
    }

    /// Writes the page.
    ///
    /// # Errors
    /// [`ReportError`] where it cannot be made or written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let html = self.html()?;
        let failed = |e: std::io::Error| ReportError::File {
            action: "cannot write",
            path: path.into(),
            reason: e.to_string(),
        };
        write_output(path, failed, |mut file| {
            file.write_all(html.as_bytes()).map_err(failed)
        })
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

/// A Content-Security-Policy under which nothing runs but our own script, and nothing is loaded at all.
fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let mut policy =
        String::from("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:");
    let _ = write!(
        policy,
        "; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(style),
        hash(script)
    );
    policy
}
