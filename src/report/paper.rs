//! The report on paper: sections with every fold open, chosen questions as numbered exhibits, and on each page its number and what names the
//! run.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::embedded::file;
use super::transcripts::{Sample, chosen};
use super::{Report, ReportError};
use crate::files::write_text;

#[derive(Serialize)]
struct Context<'a> {
    title: &'a str,
    policy: String,
    style: String,
    headlines: &'a [String],
    hashes: &'a [String],
    sections_html: String,
    exhibits: Vec<Exhibit>,
    version: &'static str,
    made: String,
}

/// A question with all its answers.
#[derive(Serialize)]
struct Exhibit {
    number: usize,
    name: String,
    sample: serde_json::Value,
}

impl Report {
    /// The report laid out for paper, with some questions (`suite/sample`) as exhibits.
    ///
    /// # Errors
    /// [`ReportError`] if a question is unknown, a table cannot be read, or a template fails.
    pub fn paper(&self, exhibits: &[String]) -> Result<String, ReportError> {
        let hashes = self.run_hashes()?;
        let (_, sections_html) = self.sections()?;
        let style = [
            file("style.css"),
            file("chart.css"),
            file("paper.css"),
            &self.margins(hashes),
        ]
        .join("\n");
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        let exhibits = exhibits.iter().enumerate();
        let context = Context {
            title: &self.title,
            policy: format!(
                "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{hash}'"
            ),
            style,
            headlines: self.overview().0,
            hashes,
            // Our own markup: what others wrote is escaped, and holds no such tag.
            sections_html: sections_html.replace("<details>", "<details open>"),
            exhibits: exhibits
                .map(|(i, name)| self.exhibit(i + 1, name))
                .collect::<Result<_, _>>()?,
            version: env!("CARGO_PKG_VERSION"),
            made: Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        };
        self.templates.render("print.html", &context)
    }

    /// Writes [`Report::paper`].
    ///
    /// # Errors
    /// As for [`Report::paper`], and if the file cannot be written.
    pub fn write_paper(&self, path: &Path, exhibits: &[String]) -> Result<(), ReportError> {
        write_text(path, &self.paper(exhibits)?)
            .map_err(|e| ReportError::file("cannot write", path, &e))
    }

    /// The margins of the pages: the run at the left, the page's number at the right.
    fn margins(&self, hashes: &[String]) -> String {
        let words = self.language.words();
        let number = words.get("page-of").map_or("{n} / {all}", String::as_str);
        let number = number
            .replace("{n}", "\" counter(page) \"")
            .replace("{all}", "\" counter(pages) \"");
        let mut runs = String::new();
        for hash in hashes {
            // Hashes are hexadecimal: nothing in them ends a string of CSS.
            let _ = write!(runs, " {}", hash.get(..16).unwrap_or(hash));
        }
        format!(
            "@page {{ size: A4; margin: 14mm 13mm 17mm; @bottom-left {{ content: \"candor {} · BLAKE3{runs}\"; font: 7pt monospace; color: #52606d; }} @bottom-right {{ content: \"{number}\"; font: 8pt sans-serif; color: #52606d; }} }}",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn exhibit(&self, number: usize, name: &str) -> Result<Exhibit, ReportError> {
        let suites = self.data.suites.iter().map(|s| s.name.as_str());
        let named = suites.filter_map(|suite| {
            let sample = name.strip_prefix(suite)?.strip_prefix('/')?;
            Some((suite, sample))
        });
        let mut found = None;
        for (suite, id) in named {
            found = chosen(&self.data, suite, id, &|sample: &Sample<'_>| {
                serde_json::to_value(sample).ok()
            })?;
            if found.is_some() {
                break;
            }
        }
        let known = || {
            let first = self.questions().first();
            let first = first.map_or_else(String::new, |q| format!(": {}/{}", q.suite, q.sample));
            format!("questions are named SUITE/SAMPLE, as under Transcripts{first}")
        };
        Ok(Exhibit {
            number,
            name: name.to_owned(),
            sample: found.ok_or_else(|| ReportError::Unknown {
                what: "question",
                name: name.to_owned(),
                known: known(),
            })?,
        })
    }
}
