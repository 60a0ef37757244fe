//! Comparisons with a baseline, and a ranking with ties: as tables, Markdown and JSON.

use std::fmt::Write;

use serde::Serialize;

use super::figures::{bracket, count, p_value, percent, points};
use super::table::{Grid, markdown};
use crate::analysis::{Asked, Comparison, Estimand, Measure, Ranking, RouteArm, compare, rank};

/// Every comparison with a baseline, suite by suite and over all, and every suite's order of models.
#[derive(Debug, Serialize)]
pub struct Comparisons {
    /// The model that the others are compared with; without one there are no comparisons.
    pub baseline: Option<String>,
    /// Estimand: what the figures generalise to.
    pub estimand: Estimand,
    /// Two-sided level of the intervals.
    pub level: f64,
    /// One per model and suite; then, with several suites, one per model over all of them.
    pub comparisons: Vec<Comparison>,
    /// One per suite.
    pub rankings: Vec<Ranking>,
    /// The routes to models that have several, each compared with the model's first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteArm>,
}

impl Comparisons {
    /// Compares every other model with the baseline, if there is one, on the suites named, and ranks all of them. Suites of one measure
    /// are also compared together.
    #[must_use]
    pub fn of(
        asked: &Asked,
        suites: &[(&str, Measure)],
        models: &[&str],
        baseline: Option<&str>,
        estimand: Estimand,
    ) -> Self {
        let mut over: Vec<(Measure, Vec<&str>)> =
            suites.iter().map(|(s, of)| (*of, vec![*s])).collect();
        for measure in [Measure::Score, Measure::Withheld] {
            let own = suites.iter().filter(|(_, of)| *of == measure);
            let own: Vec<&str> = own.map(|(suite, _)| *suite).collect();
            if own.len() > 1 {
                over.push((measure, own));
            }
        }
        let with = |baseline: &str| {
            let mut all = Vec::new();
            for (measure, suites) in &over {
                let others = models.iter().filter(|m| **m != baseline);
                let each = others.map(|model| compare(asked, suites, model, baseline, estimand));
                all.extend(each.map(|c| c.in_measure(*measure)));
            }
            all.retain(|c| c.shared + c.unshared + c.missing > 0);
            all
        };
        let comparisons = baseline.map_or_else(Vec::new, with);
        Self {
            baseline: baseline.map(str::to_owned),
            estimand,
            level: crate::analysis::LEVEL,
            comparisons,
            rankings: suites
                .iter()
                .filter_map(|(suite, _)| rank(asked, suite, estimand))
                .collect(),
            routes: Vec::new(),
        }
    }

    /// The comparisons as a table.
    #[must_use]
    pub fn grid(&self) -> Grid {
        let mut grid = Grid::new(
            &[
                "suite",
                "model",
                "measure",
                "− baseline",
                "95 % interval",
                "p",
                "n",
                "missing",
                "worst … best",
                "MDE (80 % power)",
                "gained",
                "lost",
            ],
            &[3, 5, 6, 7, 9, 10, 11],
        )
        .spare(&[
            "worst … best",
            "missing",
            "MDE (80 % power)",
            "gained",
            "lost",
            "measure",
        ]);
        let dash = || "–".to_owned();
        for c in &self.comparisons {
            let (value, interval) = match &c.difference {
                Ok(d) => (points(d.value), bracket(d.interval)),
                Err(why) => (dash(), why.to_string()),
            };
            let bounds = match (&c.worst, &c.best) {
                (Some(worst), Some(best)) => {
                    format!("{} … {}", points(worst.value), points(best.value))
                }
                _ => String::new(),
            };
            grid.rows.push(vec![
                c.suite.clone().unwrap_or_else(|| "all".into()),
                c.model.clone(),
                match c.measure {
                    Measure::Score => "score".into(),
                    Measure::Withheld => "withheld".into(),
                },
                value,
                interval,
                c.p.map_or_else(dash, p_value),
                c.shared.to_string(),
                if c.missing > 0 {
                    c.missing.to_string()
                } else {
                    String::new()
                },
                bounds,
                c.detectable.map_or_else(dash, percent),
                c.gained.len().to_string(),
                c.lost.len().to_string(),
            ]);
        }
        grid
    }

    /// The same weights on several routes as a table; none where there are none.
    #[must_use]
    pub fn routes_grid(&self) -> Option<Grid> {
        let heads = [
            "model",
            "suite",
            "route",
            "score %",
            "empty",
            "filled",
            "− first route",
            "95 % interval",
            "p",
            "n",
        ];
        let mut grid = Grid::new(&heads, &[3, 4, 5, 6, 8, 9]).spare(&["filled", "suite"]);
        for route in &self.routes {
            let dash = || "–".to_owned();
            let of = |figure: fn(&Comparison) -> Option<String>| {
                let difference = route.difference.as_ref();
                difference.and_then(figure).unwrap_or_else(dash)
            };
            grid.rows.push(vec![
                route.model.clone(),
                route.suite.clone(),
                route.route.clone(),
                route.score.map_or_else(dash, percent),
                route.empties.withheld.to_string(),
                route.empties.filled.to_string(),
                of(|d| d.difference.as_ref().ok().map(|e| points(e.value))),
                of(|d| d.difference.as_ref().ok().map(|e| bracket(e.interval))),
                of(|d| d.p.map(p_value)),
                of(|d| Some(d.shared.to_string())),
            ]);
        }
        (!grid.rows.is_empty()).then_some(grid)
    }

    /// What the columns mean, and which models do not differ significantly.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let (estimand, meaning) = (self.estimand, self.estimand.meaning());
        let mut notes = vec![match &self.baseline {
            Some(baseline) => format!(
                "Points; baseline {baseline}; estimand {estimand}: {meaning}. MDE: the minimum detectable effect, the smallest true difference that this n detects with 80 % power."
            ),
            None => format!(
                "No baseline was named, so there are no differences; name one with --baseline MODEL. Estimand {estimand}: {meaning}."
            ),
        }];
        if self.comparisons.iter().any(|c| c.missing > 0) {
            notes.push(
                "missing: questions without a score on one side; worst … best: the difference if all of them went against, or for, the model."
                    .into(),
            );
        }
        if self
            .comparisons
            .iter()
            .any(|c| c.shared == 0 && c.unshared > 0)
        {
            notes.push("n = 0: the two models share no questions.".into());
        }
        if self.comparisons.iter().any(Comparison::is_unpaired) {
            notes.push(
                "Where n = 0 but a difference is given, the two models answered different questions of the same suite: their rates are compared unpaired (Newcombe), which needs several times as many questions as a paired comparison."
                    .into(),
            );
        }
        if self
            .comparisons
            .iter()
            .any(|c| c.measure == Measure::Withheld)
        {
            notes.push(
                "withheld: difference in the share withheld; positive if the model withholds more than the baseline. gained, lost: questions that only the model, or only the baseline, answers."
                    .into(),
            );
        }
        if !self.routes.is_empty() {
            notes.push(
                "Routes are hosts of the same weights, as far as they serve what they say. empty: answers that stayed empty however often they were asked for; filled: those that came when asked again. Differences are from the model's first route, paired by question."
                    .into(),
            );
        }
        for ranking in &self.rankings {
            notes.extend(ranking_sentences(ranking));
        }
        notes
    }

    /// Everything in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = match &self.baseline {
            Some(_) => self.grid().to_markdown(),
            None => String::new(),
        };
        if let Some(routes) = self.routes_grid() {
            let _ = write!(text, "\n{}", routes.to_markdown());
        }
        for note in self.notes() {
            let _ = write!(text, "\n{}\n", markdown(&note));
        }
        text
    }
}

/// A ranking in words.
fn ranking_sentences(ranking: &Ranking) -> Vec<String> {
    let places: Vec<String> = ranking
        .models
        .iter()
        .map(|m| {
            let rank = if m.best == m.worst {
                m.best.to_string()
            } else {
                format!("{}–{}", m.best, m.worst)
            };
            format!("{rank} {} ({} %)", m.model, percent(m.value))
        })
        .collect();
    let why = ranking
        .undefined
        .map_or_else(String::new, |why| why.to_string());
    if ranking.pairs == 0 {
        return vec![format!(
            "No ranking on {}: no two models could be tested against each other ({why}).",
            ranking.suite
        )];
    }
    let mut lines = vec![format!(
        "Ranking on {} (possible ranks after Holm's correction for {} pairs): {}.",
        ranking.suite,
        ranking.pairs,
        places.join(", ")
    )];
    if ranking.untested > 0 {
        lines.push(format!(
            "{} on {} could not be tested ({why}); their ranking is unknown.",
            count(ranking.untested, "pair"),
            ranking.suite
        ));
    }
    lines.extend(ranking.not_separable.iter().map(|group| {
        format!(
            "Not separable on {} at n = {}: {}.",
            ranking.suite,
            ranking.n,
            group.join(", ")
        )
    }));
    lines
}
