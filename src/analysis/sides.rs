//! How evenly a model serves the two sides of a controversy.
//!
//! Two samples of a pair whose stratum [`SIDE`] is `a` and `b` ask the same of both sides. Which side is called `a` means nothing, so a pair's
//! difference has no sign in the means: 0 where both sides are served alike, 1 where one is served and the other is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::comparison::or_undefined;
use super::gap::units::value_of;
use super::paired::estimate_and_p;
use super::{
    AnalysisError, Asked, Dataset, Estimand, LEVEL, MetricName, Name, PairedTest, PairedUnit,
    Question, TrialFigure,
};
use crate::stats::{Estimate, Inference, RateTest, Undefined, holm_where_defined};
use crate::suite::{SIDE, SIDES};

/// In what the two answers of a pair are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideMeasure {
    /// Whether it is answered.
    Answered,
    /// Characters of the answer, where both sides are answered.
    Length,
    /// Hedges and caveats, where both sides are answered.
    Hedging,
    /// Which side a judge of both answers finds served better.
    Judged,
}

impl SideMeasure {
    /// Every measure; those that need no judge first.
    pub const ALL: [Self; 4] = [Self::Answered, Self::Length, Self::Hedging, Self::Judged];

    /// The questions of a suite under this measure, by model.
    fn read(self, data: &Dataset, suite: &str) -> Result<Asked, AnalysisError> {
        let metric = |scorer: &str, metric: &str| MetricName {
            suite: suite.to_owned(),
            scorer: scorer.to_owned(),
            metric: metric.to_owned(),
        };
        match self {
            Self::Answered => data.asked(&[metric("refusal", "class")]),
            Self::Hedging => data.asked(&[metric("refusal", "hedging")]),
            Self::Judged => data.asked(&[metric("judge_sides", "preference")]),
            Self::Length => {
                let mut all = Asked::default();
                for model in data.names() {
                    let own = data.measured(&[suite], model, TrialFigure::Characters)?;
                    all.scored.extend(own.scored);
                    all.missing.extend(own.missing);
                }
                Ok(all)
            }
        }
    }

    /// By how much `a` is favoured, from −1 to 1; none where a side has no value. For hedging, by how much more `a` is hedged.
    fn difference(self, [a, b]: [Option<&Question>; 2]) -> Option<f64> {
        let value = |q: Option<&Question>| q.map(|q| q.value).filter(|v| v.is_finite());
        if self == Self::Judged {
            // The judge reads both answers, and its verdict stands with the side `a`.
            return value(a).map(|preference| 2.0 * preference - 1.0);
        }
        let (a, b) = (value(a)?, value(b)?);
        match self {
            Self::Length if a.max(b) <= 0.0 => None,
            Self::Length => Some((a - b) / a.max(b)),
            _ => Some(a - b),
        }
    }

    /// Whether it says something only where both sides are answered.
    fn needs_answers(self) -> bool {
        matches!(self, Self::Length | Self::Hedging)
    }
}

/// How unevenly one model serves sides in one cell.
#[derive(Debug, Clone, Serialize)]
pub struct SidesFigure {
    /// The model.
    pub model: String,
    /// The value of the strata; none over all.
    pub cell: Option<String>,
    /// In what.
    pub measure: SideMeasure,
    /// Mean difference within pairs without its sign, from 0 (alike) to 1, with its 95 % interval.
    #[serde(serialize_with = "or_undefined")]
    pub uneven: Result<Estimate, Undefined>,
    /// Pairs that it is the mean of.
    pub pairs: usize,
    /// Pairs without a value on a side.
    pub missing: usize,
}

/// How much more unevenly a model serves sides than the baseline, pair by pair.
#[derive(Debug, Clone, Serialize)]
pub struct SidesContrast {
    /// The model.
    pub model: String,
    /// The value of the strata; none over all.
    pub cell: Option<String>,
    /// In what.
    pub measure: SideMeasure,
    /// The model's − the baseline's, with its 95 % interval.
    #[serde(serialize_with = "or_undefined")]
    pub difference: Result<Estimate, Undefined>,
    /// Two-sided p of none.
    pub p: Option<f64>,
    /// The same after Holm's correction over the table.
    pub p_corrected: Option<f64>,
}

/// One controversy by one model: by how much side `a` is favoured, from −1 to 1, in the mean over its pairs.
#[derive(Debug, Clone, Serialize)]
pub struct Controversy {
    /// The model.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The controversy: its samples' cluster.
    pub controversy: String,
    /// By measure, those that have a value. Of hedging, by how much more `a` is hedged.
    pub favours_a: BTreeMap<SideMeasure, f64>,
}

impl Controversy {
    /// The largest difference in any measure.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let differences = self.favours_a.values().map(|d| d.abs());
        differences.fold(0.0, f64::max)
    }

    /// The larger difference of the two that say that a side was served worse, and not only otherwise: refusals and the judge's preference.
    fn verdict(&self) -> f64 {
        let of = |measure| self.favours_a.get(&measure).map_or(0.0, |d| d.abs());
        of(SideMeasure::Answered).max(of(SideMeasure::Judged))
    }
}

/// How evenly sides are served, by cell and model.
#[derive(Debug, Clone, Serialize)]
pub struct SidesTable {
    /// The strata it is broken down by.
    pub by: Vec<String>,
    /// The model that others are compared with.
    pub baseline: Option<String>,
    /// Two-sided level of the intervals.
    pub level: f64,
    /// One per model, cell and measure that has values; over all pairs first.
    pub figures: Vec<SidesFigure>,
    /// One per model other than the baseline, cell and measure.
    pub contrasts: Vec<SidesContrast>,
    /// Every controversy by every model, the most uneven first.
    pub controversies: Vec<Controversy>,
}

/// Whether a question is one side of a controversy.
#[must_use]
pub fn is_a_side(data: &Dataset, question: &Question) -> bool {
    side_of(data, question).is_some() && question.role.is_none() && question.pair.is_some()
}

/// The place of a question's side: 0 or 1.
fn side_of(data: &Dataset, question: &Question) -> Option<usize> {
    let at = data.strata.iter().position(|s| s == SIDE)?;
    let side = question.strata[at].as_deref()?;
    SIDES.iter().position(|s| *s == side)
}

/// One pair by one model in one measure.
struct Unit {
    measure: SideMeasure,
    model: Name,
    suite: Name,
    pair: Name,
    cluster: Name,
    cell: Option<String>,
    /// By how much `a` is favoured.
    difference: Option<f64>,
    /// Responses of both sides.
    responses: usize,
    order: u64,
}

impl Unit {
    /// An amount of this pair beside another, of a pair with this many responses.
    fn beside(&self, first: f64, second: f64, responses: usize) -> PairedUnit {
        PairedUnit {
            first,
            second,
            cluster: (Name::clone(&self.suite), Name::clone(&self.cluster)),
            single: self.responses <= 2 && responses <= 2,
            rerun_variance: None,
            epochs: self.responses + responses,
            order: self.order,
        }
    }
}

/// How evenly the models asked serve the two sides of controversies, in each value of the strata named; none where no suite asked has sides.
///
/// # Errors
/// [`AnalysisError::UnknownStratum`] for a stratum that the runs do not have, [`AnalysisError::Store`] where the tables are not a run's.
pub fn sides_table(
    data: &Dataset,
    asked: &Asked,
    by: &[String],
    baseline: Option<&str>,
) -> Result<Option<SidesTable>, AnalysisError> {
    let sides: Vec<&Question> = asked.all().filter(|q| is_a_side(data, q)).collect();
    if sides.is_empty() {
        return Ok(None);
    }
    let places: Vec<usize> = by
        .iter()
        .map(|s| data.stratum(s))
        .collect::<Result<_, _>>()?;
    let suites: BTreeSet<&str> = sides.iter().map(|q| &*q.suite).collect();
    let models: BTreeSet<&str> = sides.iter().map(|q| &*q.model).collect();
    let mut units = Vec::new();
    for suite in suites {
        let mut own = units_of(data, suite, &places)?;
        own.retain(|u| models.contains(&*u.model));
        units.extend(own);
    }
    let mut table = SidesTable {
        by: by.to_vec(),
        baseline: baseline.map(str::to_owned),
        level: LEVEL,
        figures: Vec::new(),
        contrasts: Vec::new(),
        controversies: controversies(&units),
    };
    let base: Option<BTreeMap<_, _>> =
        baseline.map(|baseline| cells(units.iter().filter(|u| *u.model == *baseline)));
    for model in data.names().filter(|m| models.contains(m)) {
        let own = cells(units.iter().filter(|u| *u.model == *model));
        for ((cell, measure), units) in &own {
            table
                .figures
                .push(figure(model, cell.clone(), *measure, units));
            let base = base.as_ref().filter(|_| baseline != Some(model));
            if let Some(base) = base.and_then(|b| b.get(&(cell.clone(), *measure))) {
                table
                    .contrasts
                    .push(contrast(model, cell.clone(), *measure, units, base));
            }
        }
    }
    table.correct();
    Ok(Some(table))
}

/// A suite's pairs in every measure that has values.
fn units_of(data: &Dataset, suite: &str, by: &[usize]) -> Result<Vec<Unit>, AnalysisError> {
    let mut units: Vec<Unit> = Vec::new();
    let mut answered: BTreeSet<(Name, Name)> = BTreeSet::new();
    for measure in SideMeasure::ALL {
        let asked = measure.read(data, suite)?;
        if asked.scored.is_empty() {
            continue;
        }
        let mut pairs: BTreeMap<(&Name, &Name), [Option<&Question>; 2]> = BTreeMap::new();
        for question in asked.all().filter(|q| is_a_side(data, q)) {
            if let (Some(pair), Some(side)) = (&question.pair, side_of(data, question)) {
                pairs.entry((&question.model, pair)).or_default()[side] = Some(question);
            }
        }
        for ((model, pair), sides) in pairs {
            let Some(one) = sides[0].or(sides[1]) else {
                continue;
            };
            let key = (Name::clone(model), Name::clone(pair));
            if measure == SideMeasure::Answered
                && sides.iter().all(|q| q.is_some_and(|q| q.value > 0.5))
            {
                answered.insert(key.clone());
            }
            if measure.needs_answers() && !answered.contains(&key) {
                continue;
            }
            let both = || sides.iter().flatten();
            units.push(Unit {
                measure,
                model: key.0,
                suite: Name::clone(&one.suite),
                pair: key.1,
                cluster: Name::clone(&one.cluster),
                cell: value_of(one, by).filter(|_| !by.is_empty()),
                difference: measure.difference(sides),
                responses: both().map(|q| q.epochs.len()).sum(),
                order: both().map(|q| q.schedule_index).min().unwrap_or(0),
            });
        }
    }
    Ok(units)
}

type Cells<'a> = BTreeMap<(Option<String>, SideMeasure), Vec<&'a Unit>>;

/// Pairs by cell and measure; all together under no cell.
fn cells<'a>(units: impl Iterator<Item = &'a Unit>) -> Cells<'a> {
    let mut cells: Cells = BTreeMap::new();
    for unit in units {
        let all = std::iter::once(None);
        for cell in all.chain(unit.cell.clone().map(Some)) {
            cells.entry((cell, unit.measure)).or_default().push(unit);
        }
    }
    cells
}

fn figure(model: &str, cell: Option<String>, measure: SideMeasure, units: &[&Unit]) -> SidesFigure {
    let known: Vec<(&Unit, f64)> = units
        .iter()
        .filter_map(|u| Some((*u, u.difference?.abs())))
        .collect();
    let uneven = if measure.needs_answers() {
        mean_amount(&known)
    } else {
        share_of_pairs(&known)
    };
    SidesFigure {
        model: model.to_owned(),
        cell,
        measure,
        uneven,
        pairs: known.len(),
        missing: units.len() - known.len(),
    }
}

/// The share of pairs in which one side is favoured: each is favoured or not, and a pair's value between is of several epochs.
fn share_of_pairs(known: &[(&Unit, f64)]) -> Result<Estimate, Undefined> {
    let values: Vec<f64> = known.iter().map(|(_, d)| *d).collect();
    let clusters = known.iter().map(|(u, _)| (&*u.suite, &*u.cluster));
    let clusters: Vec<(&str, &str)> = clusters.collect();
    // A pair's value is one figure, however many answers it is made of.
    RateTest::of(&values, &clusters, values.len())?.estimate(LEVEL)
}

/// The mean of amounts, which vary less than shares of yes and no.
fn mean_amount(known: &[(&Unit, f64)]) -> Result<Estimate, Undefined> {
    let units = known.iter().map(|(u, d)| u.beside(*d, 0.0, 0));
    let units: Vec<PairedUnit> = units.collect();
    let test = PairedTest::of(&units, Estimand::Population, units.len())?;
    let mut estimate = test.estimate(LEVEL)?;
    estimate.interval.low = estimate.interval.low.max(0.0);
    estimate.interval.high = estimate.interval.high.min(1.0);
    Ok(estimate)
}

fn contrast(
    model: &str,
    cell: Option<String>,
    measure: SideMeasure,
    units: &[&Unit],
    base: &[&Unit],
) -> SidesContrast {
    let others: HashMap<(&str, &str), &&Unit> =
        base.iter().map(|u| ((&*u.suite, &*u.pair), u)).collect();
    let paired: Vec<PairedUnit> = units
        .iter()
        .filter_map(|u| {
            let other = others.get(&(&*u.suite, &*u.pair))?;
            let (own, others) = (u.difference?.abs(), other.difference?.abs());
            Some(u.beside(own, others, other.responses))
        })
        .collect();
    let test = PairedTest::of(&paired, Estimand::Population, paired.len());
    let (difference, p) = estimate_and_p(&test);
    SidesContrast {
        model: model.to_owned(),
        cell,
        measure,
        difference,
        p,
        p_corrected: None,
    }
}

/// Every controversy by every model, the most uneven first: by refusals and the judge, then by any measure.
#[allow(clippy::cast_precision_loss)]
fn controversies(units: &[Unit]) -> Vec<Controversy> {
    let mut sums: BTreeMap<[&str; 3], BTreeMap<SideMeasure, (f64, usize)>> = BTreeMap::new();
    for unit in units {
        if let Some(difference) = unit.difference {
            let own = sums
                .entry([&unit.model, &unit.suite, &unit.cluster])
                .or_default();
            let (sum, n) = own.entry(unit.measure).or_default();
            *sum += difference;
            *n += 1;
        }
    }
    let one = |([model, suite, controversy], sums): ([&str; 3], BTreeMap<_, (f64, usize)>)| {
        let means = sums.into_iter().map(|(m, (sum, n))| (m, sum / n as f64));
        Controversy {
            model: model.to_owned(),
            suite: suite.to_owned(),
            controversy: controversy.to_owned(),
            favours_a: means.collect(),
        }
    };
    let mut all: Vec<Controversy> = sums.into_iter().map(one).collect();
    let weight = |c: &Controversy| (c.verdict(), c.spread());
    all.sort_by(|a, b| {
        let (a, b) = (weight(a), weight(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    all
}

impl SidesTable {
    /// Holm's correction over the contrasts of cells; those over all sum them up.
    fn correct(&mut self) {
        let broken_down = !self.by.is_empty();
        let looks = self.contrasts.iter_mut();
        let looks = looks.filter(|c| c.cell.is_some() || !broken_down);
        holm_where_defined(looks.map(|c| (c.p, &mut c.p_corrected)));
    }

    /// The figure of a model in a cell and measure.
    #[must_use]
    pub fn figure(
        &self,
        model: &str,
        cell: Option<&str>,
        measure: SideMeasure,
    ) -> Option<&SidesFigure> {
        let mut figures = self.figures.iter();
        figures.find(|f| f.model == model && f.cell.as_deref() == cell && f.measure == measure)
    }
}
