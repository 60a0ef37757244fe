//! The sections become one file.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::section::SECTIONS;
use super::templates::file;
use super::transcripts::{Transcripts, transcripts};
use super::{Report, ReportError};
use crate::files::write_text;

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
    /// [`ReportError`] if it cannot be made or written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        write_text(path, &self.html()?).map_err(|e| ReportError::file("cannot write", path, &e))
    }
}

/// A Content-Security-Policy under which only our own script runs, and nothing is loaded.
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
