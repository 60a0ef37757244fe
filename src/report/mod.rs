//! Answers → one self-contained HTML page, SVG charts, and tables for other tools.
//!
//! A section is a file in `section/`, a template in `reports/sections/`, and a line in `section::SECTIONS`. A chart is
//! a file in `chart/`; an export format a file in `export/`.

mod address;
mod calibration;
mod chart;
mod chromium;
mod comparison;
mod embedded;
pub mod evidence;
mod excerpt;
pub mod export;
mod figures;
mod gap;
pub mod gate;
mod headline;
mod html;
mod labelling;
mod language;
mod leaders;
mod loopback;
mod page;
mod paper;
pub mod pdf;
mod published;
mod section;
mod sides;
mod table;
mod templates;
mod transcripts;
mod unable;
mod view;

use std::path::{Path, PathBuf};

use crate::analysis::AnalysisError;
use crate::store::StoreError;

pub use calibration::{agreement_grid, calibration_notes, confusion_grid, rates_grid};
pub use comparison::Comparisons;
pub use excerpt::{both_ends, question_excerpt};
pub use figures::{bracket, count, p_value, percent, points, points_with_interval, signed};
pub use gap::{every_gap, gap_grid, gap_markdown, gap_notes};
pub use headline::headlines;
pub use html::WrittenCharts;
pub use labelling::Labelling;
pub use language::Language;
pub use page::{Report, ReportOptions};
pub use sides::{sides_grid, sides_markdown, sides_notes, uneven_grid};
pub use table::Grid;
pub use view::{Reads, ReportProcess, Viewer};

/// Why a report cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run cannot be analysed.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// A file of labels cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template or chart failed: a bug in candor.
    #[error(
        "the report's {part} cannot be rendered: {reason}. This is a bug in candor; please report it"
    )]
    Render {
        /// Which part.
        part: String,
        /// Why.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{action} {path}: {reason}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        reason: String,
    },
    /// An unknown name.
    #[error("unknown {what} '{name}'; {known}")]
    Unknown {
        /// What it should name.
        what: &'static str,
        /// The name given.
        name: String,
        /// The likely name, and the names known.
        known: String,
    },
}

impl ReportError {
    /// A file that could not be read or written.
    fn file(action: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self::File {
            action,
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
