//! The sections become one file.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::embedded::file;
use super::section::SECTIONS;
use super::transcripts::{Transcripts, transcripts};
use super::{Report, ReportError};
use crate::files::write_text;

/// The parts of the script in `reports/script/`, in their order: each uses only what stands before it.
const SCRIPTS: [&str; 11] = [
    "dom", "store", "address", "trials", "text", "markdown", "diff", "list", "reader", "tables",
    "main",
];

#[derive(Serialize)]
struct PageContext<'a> {
    title: &'a str,
    policy: String,
    style: &'static str,
    script: String,
    chart_style: &'static str,
    words_json: String,
    headlines: &'a [String],
    sections: Vec<(&'static str, String, String)>,
    index: String,
    chunks: Vec<String>,
    version: &'static str,
    made: String,
}

impl Report {
    /// The page as HTML.
    ///
    /// # Errors
    /// [`ReportError`] if a table cannot be read or a template fails.
    pub fn html(&self) -> Result<String, ReportError> {
        self.html_made(Timestamp::now())
    }

    /// The page as made at an instant: nothing else in it depends on when or where it is rendered.
    ///
    /// # Errors
    /// As for [`Report::html`].
    pub(super) fn html_made(&self, made: Timestamp) -> Result<String, ReportError> {
        let words = self.language.words();
        let mut sections = Vec::new();
        for section in SECTIONS {
            if let Some(part) = (section.render)(self)? {
                let title = words.get(format!("section.{}", section.id).as_str());
                sections.push((section.id, title.cloned().unwrap_or_default(), part.html));
            }
        }
        let Transcripts { index, chunks } = transcripts(self)?;
        let (style, chart_style, script) = (file("style.css"), file("chart.css"), script());
        let context = PageContext {
            title: &self.title,
            policy: policy(&[style, chart_style], &script),
            style,
            script,
            chart_style,
            words_json: self.language.file().replace('<', "\\u003c"),
            headlines: self.headlines(),
            sections,
            index,
            chunks,
            version: env!("CARGO_PKG_VERSION"),
            made: made.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        };
        self.templates.render("page.html", &context)
    }

    /// Writes every chart of the page into a folder, as SVG and its figures as CSV; gives the number of charts.
    ///
    /// # Errors
    /// [`ReportError`] if a chart cannot be made or written.
    pub fn write_charts(&self, folder: &Path) -> Result<usize, ReportError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| ReportError::file("cannot make", folder, &e))?;
        let mut charts = 0;
        for section in SECTIONS {
            for chart in (section.render)(self)?.map_or_else(Vec::new, |part| part.charts) {
                chart.write(folder, file("chart.css"))?;
                charts += 1;
            }
        }
        Ok(charts)
    }

    /// Writes the page.
    ///
    /// # Errors
    /// [`ReportError`] if it cannot be made or written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_text(path, &self.html()?).map_err(|e| ReportError::file("cannot write", path, &e))
    }
}

/// The script, of the files that each hold a part of it.
fn script() -> String {
    let parts = SCRIPTS.map(|name| file(&format!("script/{name}.js")));
    format!("\"use strict\";\n(() => {{\n{}\n}})();", parts.join("\n"))
}

/// A Content-Security-Policy under which only our own script runs, and nothing is loaded. The worker that unpacks and searches transcripts
/// is made from that script.
fn policy(styles: &[&str], script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let mut policy = String::from(
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; worker-src blob:",
    );
    policy.push_str("; style-src");
    for style in styles {
        let _ = write!(policy, " 'sha256-{}'", hash(style));
    }
    let _ = write!(policy, "; script-src 'sha256-{}'", hash(script));
    policy
}
