//! Tables with captions, and notes: the building block of several sections.

use serde::Serialize;

use crate::report::table::Grid;
use crate::report::{Report, ReportError};

/// Tables, charts and notes of a section.
#[derive(Default, Serialize)]
pub(super) struct Tables {
    /// Captions and charts as SVG.
    pub charts: Vec<(String, String)>,
    /// Tables with their captions.
    pub grids: Vec<Table>,
    /// Sentences below them.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Table {
    caption: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Folded until opened.
    folded: bool,
}

impl Table {
    pub(super) fn of(caption: &str, grid: Grid) -> Self {
        Self {
            caption: caption.to_owned(),
            heads: grid.heads,
            rows: grid.rows,
            folded: false,
        }
    }

    pub(super) fn folded(mut self) -> Self {
        self.folded = true;
        self
    }
}

impl Tables {
    pub(super) fn render(&self, report: &Report) -> Result<Option<String>, ReportError> {
        if self.charts.is_empty() && self.grids.is_empty() {
            return Ok(None);
        }
        report.render("sections/tables.html", self).map(Some)
    }
}
