//! The sections become a page: one file, a file with a folder beside it, or what `candor view` serves.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::chart::pictures;
use super::embedded::file;
use super::figures::unbroken;
use super::section::SECTIONS;
use super::templates::Templates;
use super::transcripts::{Chunks, pack, transcripts};
use super::{Language, Report, ReportError};
use crate::files::{write_bytes, write_text};
use crate::text::visible;

/// The parts of the script in `reports/script/`, in their order: each uses only what is before it. Questions come from the page itself
/// or from files beside it.
const SCRIPTS: [&str; 12] = [
    "dom", "store", "outcomes", "address", "trials", "text", "markdown", "diff", "list", "reader",
    "tables", "main",
];
/// The same where `candor view` serves the questions.
const SERVED_SCRIPTS: [&str; 12] = [
    "dom", "outcomes", "address", "served", "text", "markdown", "diff", "list", "reader", "tables",
    "main", "live",
];

/// Most trials whose transcripts are in the page itself; those of more are in files beside it.
const MOST_IN_PAGE: u64 = 50_000;

/// Where the page's questions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// In the page.
    InPage,
    /// In files beside it.
    Beside,
    /// With a server.
    Served,
}

#[derive(Serialize)]
struct PageContext<'a> {
    title: &'a str,
    policy: String,
    style: &'static str,
    script: String,
    chart_style: &'static str,
    words_json: String,
    headlines: &'a [String],
    /// Those that are folded behind them.
    more_headlines: &'a [String],
    /// Their ids and headings.
    sections: Vec<(&'static str, String)>,
    sections_html: String,
    index: String,
    chunks: Vec<String>,
    served: bool,
    /// The key of the words on where everything is.
    kept: &'static str,
    version: &'static str,
    made: String,
}

impl<'a> PageContext<'a> {
    fn of(title: &'a str, language: Language, kept: Kept, index: String) -> Self {
        let (style, chart_style) = (file("style.css"), file("chart.css"));
        let script = script(match kept {
            Kept::Served => &SERVED_SCRIPTS,
            Kept::InPage | Kept::Beside => &SCRIPTS,
        });
        Self {
            title,
            policy: policy(&[style, chart_style], &script, kept),
            style,
            script,
            chart_style,
            words_json: language.file().replace('<', "\\u003c"),
            headlines: &[],
            more_headlines: &[],
            sections: Vec::new(),
            sections_html: String::new(),
            index,
            chunks: Vec::new(),
            served: kept == Kept::Served,
            kept: match kept {
                Kept::InPage => "kept-file",
                Kept::Beside => "kept-folder",
                Kept::Served => "kept-served",
            },
            version: env!("CARGO_PKG_VERSION"),
            made: String::new(),
        }
    }
}

/// The page of runs that are served, which asks for everything but its script; with the policy that it is served under.
pub(super) fn served_page(
    title: &str,
    language: Language,
    index: &serde_json::Value,
) -> Result<(String, String), ReportError> {
    let index = index.to_string().replace('<', "\\u003c");
    let mut context = PageContext::of(title, language, Kept::Served, index);
    context.made = minute(Timestamp::now());
    let page = Templates::new(language)?.render("page.html", &context)?;
    Ok((page, format!("{}; frame-ancestors 'none'", context.policy)))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The page's sections: ids, headings, and HTML.
#[derive(Serialize)]
struct SectionsContext {
    sections: Vec<(&'static str, String, String)>,
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
        let mut chunks = Vec::new();
        let index = transcripts(self, Chunks::IN_PAGE, &mut |chunk| {
            chunks.push(chunk);
            Ok(())
        })?;
        self.page(Kept::InPage, index, chunks, made)
    }

    fn page(
        &self,
        kept: Kept,
        index: String,
        chunks: Vec<String>,
        made: Timestamp,
    ) -> Result<String, ReportError> {
        let (sections, sections_html) = self.sections()?;
        let (headlines, more_headlines) = self.overview();
        let context = PageContext {
            headlines,
            more_headlines,
            sections,
            sections_html,
            chunks,
            made: minute(made),
            ..PageContext::of(&self.title, self.language, kept, index)
        };
        self.templates.render("page.html", &context)
    }

    /// Ids and headings of the sections that the runs have anything for, and their HTML.
    pub(super) fn sections(&self) -> Result<(Vec<Heading>, String), ReportError> {
        let words = self.language.words();
        let mut sections = Vec::new();
        for section in SECTIONS {
            if let Some(part) = (section.render)(self)? {
                let title = words.get(format!("section.{}", section.id).as_str());
                sections.push((section.id, title.cloned().unwrap_or_default(), part.html));
            }
        }
        let context = SectionsContext { sections };
        let html = self.templates.render("sections.html", &context)?;
        let all = context.sections.into_iter();
        Ok((all.map(|(id, title, _)| (id, title)).collect(), html))
    }

    /// The sections as the page of a server asks for them: headlines, ids with their words in the navigation, HTML, and the runs' hashes.
    ///
    /// # Errors
    /// As for [`Report::html`].
    pub fn sections_as_json(&self) -> Result<String, ReportError> {
        let (sections, html) = self.sections()?;
        let words = self.language.words();
        let nav = |id: &str| words.get(format!("nav.{id}").as_str()).cloned();
        let sections: Vec<(&str, String)> = sections
            .into_iter()
            .map(|(id, title)| (id, nav(id).unwrap_or(title)))
            .collect();
        let shown = |part: &[String]| -> Vec<String> {
            let sentences = part.iter().map(|s| unbroken(&visible(s)));
            sentences.collect()
        };
        let (first, more) = self.overview();
        let json = serde_json::json!({ "headlines": shown(first), "more": shown(more), "sections": sections, "html": html, "hashes": self.run_hashes()? });
        Ok(json.to_string())
    }

    /// Writes every chart of the page into a folder: as SVG, its figures as CSV, and, where a Chromium is installed, as PNG.
    ///
    /// # Errors
    /// [`ReportError`] if a chart cannot be made or written.
    pub fn write_charts(&self, folder: &Path) -> Result<WrittenCharts, ReportError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| ReportError::file("cannot make", folder, &e))?;
        let style = file("chart.css");
        // Pictures are on white, whatever the reader's screen: without the colours for dark pages.
        let on_white = style.split("@media").next().unwrap_or(style);
        let (mut names, mut drawings) = (Vec::new(), Vec::new());
        for section in SECTIONS {
            for mut chart in (section.render)(self)?.map_or_else(Vec::new, |part| part.charts) {
                // Names are cut: those of two long captions can be the same.
                let (own, mut number) = (chart.name.clone(), 1);
                while names.contains(&chart.name) {
                    number += 1;
                    chart.name = format!("{own}-{number}");
                }
                chart.write(folder, style)?;
                drawings.push(chart.styled(on_white));
                names.push(chart.name);
            }
        }
        let pictures = match pictures(&drawings) {
            Ok(pictures) => pictures,
            Err(reason) => {
                return Ok(WrittenCharts {
                    charts: names.len(),
                    without_pictures: Some(reason),
                });
            }
        };
        for (name, picture) in names.iter().zip(pictures) {
            let path = folder.join(format!("{name}.png"));
            write_bytes(&path, &picture)
                .map_err(|e| ReportError::file("cannot write", &path, &e))?;
        }
        Ok(WrittenCharts {
            charts: names.len(),
            without_pictures: None,
        })
    }

    /// Writes the page. Transcripts of more than 50,000 trials are written into a folder beside it, whose path is given: `report.html` has
    /// `report_files`.
    ///
    /// # Errors
    /// [`ReportError`] if it cannot be made or written.
    pub fn write(&self, path: &Path) -> Result<Option<PathBuf>, ReportError> {
        if self.cells.iter().map(|c| c.trials).sum::<u64>() <= MOST_IN_PAGE {
            write_page(path, &self.html()?)?;
            return Ok(None);
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.with_file_name(format!("{stem}_files"));
        self.write_beside(path, &folder)?;
        Ok(Some(folder))
    }

    /// Writes the page as `index.html` of a folder, with its transcripts in files there, however few.
    ///
    /// # Errors
    /// As for [`Report::write`].
    pub fn write_folder(&self, folder: &Path) -> Result<(), ReportError> {
        self.write_beside(&folder.join("index.html"), &folder.join("files"))
    }

    fn write_beside(&self, path: &Path, folder: &Path) -> Result<(), ReportError> {
        std::fs::create_dir_all(folder)
            .map_err(|e| ReportError::file("cannot make", folder, &e))?;
        let write = |name: &str, packed: &str| {
            let path = folder.join(format!("{name}.js"));
            let text = format!("candorFile(\"{name}\",\"{packed}\")\n");
            write_text(&path, &text).map_err(|e| ReportError::file("cannot write", &path, &e))
        };
        let mut files = 0_usize;
        let questions = transcripts(self, Chunks::BESIDE, &mut |chunk| {
            write(&files.to_string(), &chunk)?;
            files += 1;
            Ok(())
        })?;
        let packed = pack(questions.as_bytes())?;
        drop(questions);
        write("index", &packed)?;
        // What an earlier, longer report left.
        let mut left = files;
        while std::fs::remove_file(folder.join(format!("{left}.js"))).is_ok() {
            left += 1;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let index = serde_json::json!({ "files": files, "folder": name });
        let index = index.to_string().replace('<', "\\u003c");
        let page = self.page(Kept::Beside, index, Vec::new(), Timestamp::now())?;
        write_page(path, &page)
    }
}

fn write_page(path: &Path, html: &str) -> Result<(), ReportError> {
    write_text(path, html).map_err(|e| ReportError::file("cannot write", path, &e))
}

/// Charts in files.
#[derive(Debug)]
pub struct WrittenCharts {
    /// How many.
    pub charts: usize,
    /// Why none of them is there as PNG; nothing where all are.
    pub without_pictures: Option<String>,
}

/// A section's id and its heading.
type Heading = (&'static str, String);

/// The script, of the files that each hold a part of it.
fn script(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(|name| file(&format!("script/{name}.js")))
        .collect();
    format!(
        "\"use strict\";\n(async () => {{\n{}\n}})();",
        parts.join("\n")
    )
}

/// A Content-Security-Policy under which only our own script runs, and nothing is loaded but what `kept` says. The worker that unpacks and
/// searches transcripts is made from that script.
fn policy(styles: &[&str], script: &str, kept: Kept) -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    let mut policy =
        String::from("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:");
    policy.push_str(match kept {
        Kept::Served => "; connect-src 'self'",
        Kept::InPage | Kept::Beside => "; worker-src blob:",
    });
    policy.push_str("; style-src");
    for style in styles {
        let _ = write!(policy, " 'sha256-{}'", hash(style));
    }
    let _ = write!(policy, "; script-src 'sha256-{}'", hash(script));
    if kept == Kept::Beside {
        policy.push_str(" 'self' file:");
    }
    policy
}

/// The policy of a page without a script, whose form leads to another of the same server.
pub(super) fn plain_policy(style: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; style-src 'sha256-{hash}'"
    )
}
