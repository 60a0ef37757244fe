//! Models that somebody declared to be kin: a version and the one before, a model and what was made of it, the same weights behind a
//! platform. Names alone are no reason to pair any.

use serde::Serialize;

use super::comparison::{compare, or_undefined};
use super::gap::{GapContrast, gap_contrast};
use super::{Asked, Dataset, Estimand, Measure};
use crate::run::{ContrastKind, DeclaredContrast};
use crate::stats::{Estimate, Undefined, holm_where_defined};

/// What the difference between two models is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContrastOf {
    /// Mean scores.
    Score,
    /// Shares withheld.
    Withheld,
    /// Gaps between sensitive questions and their controls.
    Gap,
}

/// One difference between two models that were declared to be kin, on one suite.
#[derive(Debug, Clone, Serialize)]
pub struct ContrastFigure {
    /// How they are kin.
    pub kind: ContrastKind,
    /// The newer, the derived, or the one behind a platform.
    pub model: String,
    /// The older, the one it was made of, or the weights.
    pub of: String,
    /// The suite.
    pub suite: String,
    /// What it is a difference of.
    pub measure: ContrastOf,
    /// `model` − `of`, paired question by question, or pair by pair, with its 95 % interval.
    #[serde(serialize_with = "or_undefined")]
    pub difference: Result<Estimate, Undefined>,
    /// Two-sided p of none.
    pub p: Option<f64>,
    /// The same after Holm's correction over all of them.
    pub p_corrected: Option<f64>,
    /// Questions that both have a score for; for gaps, pairs.
    pub shared: usize,
}

/// The declared contrasts as far as these runs have both models, in the order declared, and the names of those that they have not.
#[must_use]
pub fn contrasts(
    data: &Dataset,
    asked: &Asked,
    declared: &[DeclaredContrast],
    estimand: Estimand,
) -> (Vec<ContrastFigure>, Vec<String>) {
    let (mut figures, mut missing) = (Vec::new(), Vec::new());
    for contrast in declared {
        match (data.model(&contrast.model), data.model(&contrast.of)) {
            (Ok(model), Ok(of)) => {
                for suite in &data.suites {
                    let own = asked.of_suites(&[&suite.name]);
                    let names = [model, of, &suite.name];
                    figures.extend(on_suite(data, &own, contrast.kind, names, estimand));
                }
            }
            (model, of) => {
                let named = [
                    (model.is_err(), &contrast.model),
                    (of.is_err(), &contrast.of),
                ];
                let absent = named.into_iter().filter(|(is_missing, _)| *is_missing);
                missing.extend(absent.map(|(_, name)| name.clone()));
            }
        }
    }
    missing.sort_unstable();
    missing.dedup();
    let tests = figures.iter_mut();
    holm_where_defined(tests.map(|f: &mut ContrastFigure| (f.p, &mut f.p_corrected)));
    (figures, missing)
}

/// The difference in scores, or in shares withheld, and that in gaps where there are any.
fn on_suite(
    data: &Dataset,
    asked: &Asked,
    kind: ContrastKind,
    [model, of, suite]: [&str; 3],
    estimand: Estimand,
) -> Vec<ContrastFigure> {
    let measure = data.measure(suite);
    let compared = compare(asked, &[suite], model, of, estimand).in_measure(measure);
    let figure = |measure, difference, p, shared| ContrastFigure {
        kind,
        model: model.to_owned(),
        of: of.to_owned(),
        suite: suite.to_owned(),
        measure,
        difference,
        p,
        p_corrected: None,
        shared,
    };
    let mut found = Vec::new();
    if compared.shared > 0 {
        let measure = match measure {
            Measure::Score => ContrastOf::Score,
            Measure::Withheld => ContrastOf::Withheld,
        };
        let (difference, p) = (compared.difference, compared.p);
        found.push(figure(measure, difference, p, compared.shared));
    }
    if let Some(GapContrast { difference, p, .. }) = gap_contrast(data, asked, [model, of]) {
        let pairs = difference.as_ref().map_or(0, |d| d.n);
        found.push(figure(ContrastOf::Gap, difference, p, pairs));
    }
    found
}
