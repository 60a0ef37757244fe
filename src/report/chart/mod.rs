//! Charts as SVG of our own: text at 12 px, the page's colours through classes of `reports/chart.css`, figures that link to their trials,
//! a description for screen readers and a table of the same figures. One file per kind of chart.

pub(super) mod heat_map;
pub(super) mod intervals;
mod png;
mod scale;
pub(super) mod scatter;
mod svg;

use std::path::Path;

use serde::Serialize;

pub(super) use self::png::pictures;

use super::ReportError;
use super::table::Grid;
use crate::files::write_text;

/// A chart with the figures it shows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Chart {
    /// Its name as a file.
    pub name: String,
    /// What it shows.
    pub caption: String,
    pub svg: String,
    /// The same for a phone, where the chart can be laid out for one.
    pub narrow: Option<String>,
    /// Heads and rows of the same figures.
    pub heads: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Chart {
    fn new(caption: String, svg: String, figures: Grid) -> Self {
        Self {
            name: file_name(&caption),
            caption,
            svg,
            narrow: None,
            heads: figures.heads,
            rows: figures.rows,
        }
    }

    /// Writes the chart as SVG, and its figures as CSV.
    pub(super) fn write(&self, folder: &Path, style: &str) -> Result<(), ReportError> {
        for (extension, text) in [("svg", self.styled(style)), ("csv", self.csv())] {
            let path = folder.join(format!("{}.{extension}", self.name));
            write_text(&path, &text).map_err(|e| ReportError::file("cannot write", &path, &e))?;
        }
        Ok(())
    }

    /// The drawing with its style in it, as a file of its own.
    pub(super) fn styled(&self, style: &str) -> String {
        self.svg
            .replacen('>', &format!("><style>{style}</style>"), 1)
    }

    fn csv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells.iter().map(|c| quoted(c)).collect();
            format!("{}\r\n", cells.join(","))
        };
        std::iter::once(&self.heads)
            .chain(&self.rows)
            .map(line)
            .collect()
    }
}

/// A cell of CSV: with a minus that programs read, and no formula.
fn quoted(cell: &str) -> String {
    let text = crate::text::visible(cell).replace('−', "-");
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula && text.parse::<f64>().is_err() {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// A caption as a file's name.
fn file_name(caption: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let name: String = caption.to_lowercase().chars().map(plain).take(80).collect();
    let parts: Vec<&str> = name.split('-').filter(|p| !p.is_empty()).collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_becomes_a_file_with_a_plain_name_and_cells_without_formulas() {
        assert_eq!(
            file_name("../a/b: Score, 95 % interval"),
            "a-b-score-95-interval"
        );
        assert_eq!(quoted("−3.5"), "\"-3.5\"");
        assert_eq!(quoted("=A1 \"x\""), "\"'=A1 \"\"x\"\"\"");
    }
}
