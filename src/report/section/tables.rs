//! Plain tables with a caption each, and notes: what several sections are made of.

use serde::Serialize;

use crate::report::table::Grid;
use crate::report::{Report, ReportError};

/// Tables, charts and notes of a section.
#[derive(Default, Serialize)]
pub(super) struct Tables {
    /// Charts as SVG, with what they show.
    pub charts: Vec<(String, String)>,
    /// Tables, with what they show.
    pub grids: Vec<Table>,
    /// Sentences below them.
    pub notes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Table {
    caption: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Folded away until it is asked for.
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
