//! Every gap of every model, and how models differ in it: one table with one correction for all its looks.
//!
//! One sign holds everywhere: where scores tell what was withheld, a positive gap means that more was withheld on the first side.

use std::collections::BTreeSet;

use serde::Serialize;

use super::units::{GapCell, Sides, gap_cells, gap_difference};
use crate::analysis::comparison::or_undefined;
use crate::analysis::paired::estimate_and_p;
use crate::analysis::{
    AnalysisError, Asked, Attribution, Dataset, Estimand, LEVEL, PairedTest, PairedUnit, Question,
    attributions,
};
use crate::stats::{Estimate, Interval, MantelHaenszel, Table, Undefined, holm_where_defined};

/// What two sides a gap is between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GapKind {
    /// A sensitive question alongside its matched control: figures are shares withheld beyond the control.
    Controls,
    /// A sensitive question alongside its control where the score tells something else than what is withheld, such as a rating: figures are
    /// scores of the sensitive − scores of the control.
    Pairs,
    /// The same question in two values of strata: figures are shares withheld on the first − shares withheld on the second.
    Values,
    /// The same question in two values of strata where the score tells something else than what is withheld: figures are scores of the
    /// first − scores of the second.
    ValueScores,
}

impl GapKind {
    /// Whether its figures are scores, and not shares withheld.
    #[must_use]
    pub fn compares_scores(self) -> bool {
        matches!(self, Self::Pairs | Self::ValueScores)
    }

    /// Whether its sides are a question and its control.
    #[must_use]
    pub fn has_controls(self) -> bool {
        matches!(self, Self::Controls | Self::Pairs)
    }

    /// Between which sides the pairs of these questions lie, all of one kind of suite.
    fn of_pairs(data: &Dataset, asked: &Asked) -> Result<Self, AnalysisError> {
        let paired: Vec<&Question> = asked.all().filter(|q| q.pair.is_some()).collect();
        let has_controls = paired.iter().any(|q| q.role.is_some());
        let sided = paired.iter().filter(|q| !has_controls || q.role.is_some());
        let suites: BTreeSet<&str> = sided.map(|q| &*q.suite).collect();
        let audits = data.audits();
        let (withheld, scored): (Vec<&str>, Vec<&str>) =
            suites.into_iter().partition(|s| audits.contains(s));
        match (has_controls, scored.is_empty(), withheld.is_empty()) {
            (true, true, _) => Ok(Self::Controls),
            (true, false, true) => Ok(Self::Pairs),
            (false, true, _) => Ok(Self::Values),
            (false, false, true) => Ok(Self::ValueScores),
            (_, false, false) => Err(AnalysisError::Mixed(format!(
                "{} measure withholding, {} something else; choose suites of one kind with --suite",
                withheld.join(", "),
                scored.join(", ")
            ))),
        }
    }
}

/// One model's gap in one cell.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GapFigure {
    /// The model.
    pub model: String,
    /// The cell: a value of the strata, or two of them; none over all.
    pub cell: Option<String>,
    /// The two values, where the cell is between two.
    #[serde(skip)]
    pub between: Option<(String, String)>,
    /// Of the first side (sensitive; the first value), the share withheld, or the mean score where scores are compared; not a number
    /// without pairs.
    pub first: f64,
    /// The same on the second side (control; the second value).
    pub second: f64,
    /// The gap with its 95 % interval, in the sense of the table's kind.
    #[serde(serialize_with = "or_undefined")]
    pub gap: Result<Estimate, Undefined>,
    /// Two-sided p of none.
    pub p: Option<f64>,
    /// The same after Holm's correction over the table.
    pub p_corrected: Option<f64>,
    /// Mantel–Haenszel odds ratio of being withheld, pooled over pairs, with its 95 % interval; none without discordant pairs, or where
    /// scores are not answers withheld.
    pub odds_ratio: Option<(f64, Interval)>,
    /// Pairs with a score on both sides, whether or not they suffice for an interval.
    pub pairs: usize,
    /// Pairs without a score on a side.
    pub missing: usize,
    /// How the interval was made.
    pub method: &'static str,
}

/// How a model's gap differs from the baseline's, pair by pair.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GapContrast {
    /// The model.
    pub model: String,
    /// The cell.
    pub cell: Option<String>,
    /// The model's gap − the baseline's, with its 95 % interval.
    #[serde(serialize_with = "or_undefined")]
    pub difference: Result<Estimate, Undefined>,
    /// Two-sided p of none.
    pub p: Option<f64>,
    /// The same after Holm's correction over the table.
    pub p_corrected: Option<f64>,
}

/// Gaps by cell and model.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GapTable {
    /// What the gaps are between.
    pub kind: GapKind,
    /// The strata it is broken down by.
    pub by: Vec<String>,
    /// The value that others are compared with.
    pub reference: Option<String>,
    /// The model that others are compared with.
    pub baseline: Option<String>,
    /// Two-sided level of the intervals.
    pub level: f64,
    /// One per model and cell; where cells are values beside controls, each model's gap over all of them first.
    pub gaps: Vec<GapFigure>,
    /// One per model other than the baseline, and cell.
    pub contrasts: Vec<GapContrast>,
    /// Figures that share the correction for many looks.
    pub looks: usize,
    /// What each other model withholds that the baseline answers, by how.
    pub attributions: Vec<Attribution>,
}

/// Every gap of the models asked, in every value of the strata named.
///
/// # Errors
/// [`AnalysisError::UnknownStratum`] for a stratum that the runs do not have, [`AnalysisError::Mixed`] if there is nothing to pair.
pub fn gap_table(
    data: &Dataset,
    asked: &Asked,
    by: &[String],
    reference: Option<&str>,
    baseline: Option<&str>,
) -> Result<GapTable, AnalysisError> {
    let places: Vec<usize> = by
        .iter()
        .map(|s| data.stratum(s))
        .collect::<Result<_, _>>()?;
    let kind = GapKind::of_pairs(data, asked)?;
    let sides = if kind.has_controls() {
        Sides::Roles { by: places }
    } else if by.is_empty() {
        return Err(AnalysisError::Mixed(
            "these questions have no matched controls; name a stratum with --by to compute gaps between its values, paired by question".into(),
        ));
    } else {
        let reference = reference.map(str::to_owned);
        Sides::Values {
            by: places,
            reference,
        }
    };
    let mut cells: Vec<(&str, Vec<GapCell>)> = Vec::new();
    for model in data.names() {
        let own: Vec<&Question> = asked.all().filter(|q| &*q.model == model).collect();
        let mut found = Vec::new();
        if kind.has_controls() && !by.is_empty() {
            found.extend(gap_cells(&own, &Sides::Roles { by: Vec::new() }, 0.0));
        }
        found.extend(gap_cells(&own, &sides, 0.0));
        if !kind.has_controls() && reference.is_none() {
            // Without a reference every two values stand alongside each other once.
            found.retain(|c| c.between.as_ref().is_some_and(|(a, b)| a < b));
        }
        if !found.is_empty() {
            cells.push((model, found));
        }
    }
    if cells.is_empty() {
        return Err(AnalysisError::Mixed(
            "no two questions form a pair: pairs are questions with the same `pair`".into(),
        ));
    }
    let gaps = cells
        .iter()
        .flat_map(|(model, cells)| cells.iter().map(|cell| figure(model, cell, kind)))
        .collect();
    let contrasts = baseline.map_or_else(Vec::new, |baseline| contrasts(&cells, baseline, kind));
    let attributions = match baseline {
        Some(baseline) => attributions(data, asked, baseline)?,
        None => Vec::new(),
    };
    let mut table = GapTable {
        kind,
        by: by.to_vec(),
        reference: reference.map(str::to_owned),
        baseline: baseline.map(str::to_owned),
        level: LEVEL,
        gaps,
        contrasts,
        looks: 0,
        attributions,
    };
    table.correct();
    Ok(table)
}

/// From shares withheld to the table's sense. A score is what was not withheld, so the first's score − the second's is the share withheld of
/// the second − that of the first.
fn sense(kind: GapKind, units: Vec<PairedUnit>) -> Vec<PairedUnit> {
    if kind.compares_scores() {
        units.into_iter().map(PairedUnit::swapped).collect()
    } else {
        units
    }
}

/// A model's gap in a cell.
pub(super) fn figure(model: &str, cell: &GapCell, kind: GapKind) -> GapFigure {
    let units = sense(kind, cell.paired(false));
    let test = PairedTest::of(&units, Estimand::Population, units.len());
    let (gap, p) = estimate_and_p(&test);
    let scored = cell.units.iter().filter(|u| !u.missing);
    let tables: Vec<Table> = scored.map(|u| u.table).collect();
    let odds_ratio = MantelHaenszel::of(&tables)
        .and_then(|mh| Ok((mh.odds_ratio, mh.interval(LEVEL)?)))
        .ok()
        .filter(|_| !kind.compares_scores());
    let (first, second) = (mean(&units, |u| u.first), mean(&units, |u| u.second));
    let (first, second) = if kind.compares_scores() {
        (1.0 - second, 1.0 - first)
    } else {
        (first, second)
    };
    GapFigure {
        model: model.into(),
        cell: cell.name.clone(),
        between: cell.between.clone(),
        first,
        second,
        gap,
        p,
        p_corrected: None,
        odds_ratio,
        pairs: units.len(),
        missing: cell.units.len() - units.len(),
        method: test.as_ref().map_or("", |t| t.method()),
    }
}

#[allow(clippy::cast_precision_loss)]
fn mean(units: &[PairedUnit], side: fn(&PairedUnit) -> f64) -> f64 {
    units.iter().map(side).sum::<f64>() / units.len() as f64
}

/// Difference in differences: each pair's gap by the model − by the baseline.
fn contrasts(cells: &[(&str, Vec<GapCell>)], baseline: &str, kind: GapKind) -> Vec<GapContrast> {
    let Some((_, base)) = cells.iter().find(|(model, _)| *model == baseline) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for (model, own) in cells.iter().filter(|(model, _)| *model != baseline) {
        for cell in own {
            let Some(base) = base.iter().find(|b| b.name == cell.name) else {
                continue;
            };
            let test = gap_difference(&sense(kind, cell.paired_with(base, false)));
            let (difference, p) = estimate_and_p(&test);
            all.push(GapContrast {
                model: (*model).to_owned(),
                cell: cell.name.clone(),
                p,
                difference,
                p_corrected: None,
            });
        }
    }
    all
}

/// How a model's gap over all pairs of some questions differs from another's; none where they have no controls.
pub(in crate::analysis) fn gap_contrast(
    data: &Dataset,
    asked: &Asked,
    [model, baseline]: [&str; 2],
) -> Option<GapContrast> {
    let kind = GapKind::of_pairs(data, asked).ok()?;
    if !kind.has_controls() {
        return None;
    }
    let sides = Sides::Roles { by: Vec::new() };
    let cells = [model, baseline].map(|name| {
        let own: Vec<&Question> = asked.all().filter(|q| *q.model == *name).collect();
        (name, gap_cells(&own, &sides, 0.0))
    });
    contrasts(&cells, baseline, kind).pop()
}

impl GapTable {
    /// Holm's correction over every figure of the table but the gaps over all cells, which sum the others up.
    fn correct(&mut self) {
        let own = self
            .gaps
            .iter_mut()
            .filter(|g| g.cell.is_some() || self.by.is_empty())
            .map(|g| (g.p, &mut g.p_corrected));
        let between = self
            .contrasts
            .iter_mut()
            .filter(|c| c.cell.is_some() || self.by.is_empty())
            .map(|c| (c.p, &mut c.p_corrected));
        self.looks = holm_where_defined(own.chain(between));
    }
}
