//! What is withheld on sensitive questions beyond their matched controls, and how models differ in it.

mod table;
pub(in crate::analysis) mod units;

use super::{Dataset, Question};
use table::figure;
use units::{Sides, gap_cells};

pub use table::{GapContrast, GapFigure, GapKind, GapTable, gap_table};

/// The gap of a model over all its pairs; none where there are no pairs.
#[must_use]
pub fn gap(questions: &[Question], model: &str) -> Option<GapFigure> {
    let own: Vec<&Question> = questions.iter().filter(|q| &*q.model == model).collect();
    let sides = Sides::Roles { by: Vec::new() };
    gap_cells(&own, &sides, 0.0)
        .first()
        .map(|cell| figure(model, cell, GapKind::Controls))
}

/// The gap of every model in every value of a stratum.
#[must_use]
pub fn gaps(data: &Dataset, questions: &[Question], stratum: &str) -> Vec<GapFigure> {
    let Ok(at) = data.stratum(stratum) else {
        return Vec::new();
    };
    let sides = Sides::Roles { by: vec![at] };
    let mut all = Vec::new();
    for chunk in questions.chunk_by(|a, b| a.model == b.model) {
        let own: Vec<&Question> = chunk.iter().collect();
        let cells = gap_cells(&own, &sides, 0.0);
        all.extend(
            cells
                .iter()
                .map(|cell| figure(&chunk[0].model, cell, GapKind::Controls)),
        );
    }
    all
}
