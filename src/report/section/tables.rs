//! Tables with captions, and notes: the building block of several sections.

use serde::Serialize;

use super::Part;
use crate::report::address::Trials;
use crate::report::chart::Chart;
use crate::report::table::Grid;
use crate::report::{Report, ReportError};

/// Tables, charts and notes of a section.
#[derive(Default, Serialize)]
pub(super) struct Tables {
    /// Charts above them.
    pub charts: Vec<Chart>,
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
    /// The column whose figures lead to their trials, and where each row's leads.
    linked: usize,
    links: Vec<Option<Trials>>,
}

impl Table {
    pub(super) fn of(caption: &str, grid: Grid) -> Self {
        Self {
            caption: caption.to_owned(),
            heads: grid.heads,
            rows: grid.rows,
            folded: false,
            linked: 0,
            links: Vec::new(),
        }
    }

    /// With links in a column, one per row.
    pub(super) fn linked(mut self, column: usize, links: Vec<Option<Trials>>) -> Self {
        (self.linked, self.links) = (column, links);
        self
    }

    pub(super) fn folded(mut self) -> Self {
        self.folded = true;
        self
    }
}

impl Tables {
    pub(super) fn render(self, report: &Report) -> Result<Option<Part>, ReportError> {
        if self.charts.is_empty() && self.grids.is_empty() {
            return Ok(None);
        }
        let html = report.render("sections/tables.html", &self)?;
        Ok(Some(Part {
            html,
            charts: self.charts,
        }))
    }
}
