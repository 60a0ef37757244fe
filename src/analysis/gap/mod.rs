//! What is withheld on sensitive questions beyond their matched controls, and how models differ in it.

mod table;
pub(in crate::analysis) mod units;

use serde::Serialize;

use super::comparison::known;
use super::{Dataset, LEVEL, PairedTest, PairedUnit, Question, Target};
use crate::stats::{Estimate, Inference, Undefined};
use units::{GapCell, Sides, gap_cells};

pub use table::{GapContrast, GapFigure, GapKind, GapTable, gap_table};

/// A model's gap.
#[derive(Debug, Clone, Serialize)]
pub struct Gap {
    /// The model.
    pub model: String,
    /// The stratum's value, where the gap is of one.
    pub stratum: Option<String>,
    /// Share withheld on sensitive questions − share withheld on their controls, with its 95 % interval.
    #[serde(serialize_with = "known")]
    pub gap: Result<Estimate, Undefined>,
    /// Share withheld on the sensitive side.
    pub sensitive: f64,
    /// Share withheld on the control side.
    pub control: f64,
    /// How the interval was made.
    pub method: &'static str,
}

/// The gap of a model over all its pairs; none where there are no pairs.
#[must_use]
pub fn gap(questions: &[Question], model: &str) -> Option<Gap> {
    let own: Vec<&Question> = questions.iter().filter(|q| &*q.model == model).collect();
    let sides = Sides::Roles { by: Vec::new() };
    gap_cells(&own, &sides, 0.0)
        .first()
        .map(|cell| of_cell(model, cell))
}

/// The gap of every model in every value of a stratum.
#[must_use]
pub fn gaps(data: &Dataset, questions: &[Question], stratum: &str) -> Vec<Gap> {
    let Ok(at) = data.stratum(stratum) else {
        return Vec::new();
    };
    let sides = Sides::Roles { by: vec![at] };
    let mut all = Vec::new();
    for chunk in questions.chunk_by(|a, b| a.model == b.model) {
        let own: Vec<&Question> = chunk.iter().collect();
        let cells = gap_cells(&own, &sides, 0.0);
        all.extend(cells.iter().map(|cell| of_cell(&chunk[0].model, cell)));
    }
    all
}

/// The units of a cell that have a score on both sides.
fn scored(cell: &GapCell) -> Vec<PairedUnit> {
    let whole = cell.units.iter().filter(|u| !u.missing);
    whole.map(|u| u.unit.clone()).collect()
}

#[allow(clippy::cast_precision_loss)]
fn mean(units: &[PairedUnit], side: fn(&PairedUnit) -> f64) -> f64 {
    units.iter().map(side).sum::<f64>() / units.len() as f64
}

fn of_cell(model: &str, cell: &GapCell) -> Gap {
    let units = scored(cell);
    let test = PairedTest::of(&units, Target::Population, units.len());
    Gap {
        model: model.into(),
        stratum: cell.name.clone(),
        gap: test
            .as_ref()
            .map_err(|e| *e)
            .and_then(|t| t.estimate(LEVEL)),
        sensitive: mean(&units, |u| u.first),
        control: mean(&units, |u| u.second),
        method: test.as_ref().map_or("", |t| t.method()),
    }
}
