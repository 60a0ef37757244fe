//! What is withheld on sensitive questions beyond their matched controls, and how models differ in it.

mod table;
pub(in crate::analysis) mod units;

use super::Question;
use table::figure;
use units::{Sides, gap_cells};

pub(in crate::analysis) use table::gap_contrast;
pub use table::{GapContrast, GapFigure, GapKind, GapTable, gap_table};

/// What a model withholds on all sensitive questions beyond their controls; none if there are no pairs.
#[must_use]
pub fn gap(questions: &[&Question], model: &str) -> Option<GapFigure> {
    let own = questions.iter().filter(|q| &*q.model == model);
    let own: Vec<&Question> = own.copied().collect();
    let sides = Sides::Roles { by: Vec::new() };
    gap_cells(&own, &sides, 0.0)
        .first()
        .map(|cell| figure(model, cell, GapKind::Controls))
}
