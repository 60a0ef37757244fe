//! The same weights on several routes: one model with an axis, whose arms were asked the same questions.

use std::collections::BTreeMap;

use serde::Serialize;

use super::detectors::empties;
use super::ranking::scores;
use super::{AnalysisError, Asked, Comparison, Dataset, Empties, Estimand, Measure, compare};

/// One route to a model, on one suite.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RouteArm {
    /// The model, whoever serves it.
    pub model: String,
    /// The suite.
    pub suite: String,
    /// The upstream.
    pub route: String,
    /// What the model is called on this route.
    pub arm: String,
    /// Its mean score over the questions it has a score for; none if it has none.
    pub score: Option<f64>,
    /// Answers that came empty.
    pub empties: Empties,
    /// The difference from the model's first route, paired by question; none for the first.
    pub difference: Option<Comparison>,
}

/// Every route to every model that has more than one, in alphabetical order, suite by suite.
///
/// # Errors
/// [`AnalysisError::Store`] if the tables are not a run's.
pub fn routes(
    data: &Dataset,
    asked: &Asked,
    suites: &[(&str, Measure)],
    estimand: Estimand,
) -> Result<Vec<RouteArm>, AnalysisError> {
    let mut models: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for record in &data.models {
        if let Some(route) = &record.route {
            let arms = models.entry(&route.model).or_default();
            arms.push((&route.route, &record.identity.name));
        }
    }
    models.retain(|_, arms| arms.len() > 1);
    let mut found = Vec::new();
    for (model, mut arms) in models {
        arms.sort_unstable();
        let (_, first) = arms[0];
        for &(route, arm) in &arms {
            let answers = data.answers(arm)?;
            for &(suite, measure) in suites {
                let own = answers.iter().filter(|a| a.suite == suite);
                let mut sum = Empties::default();
                for of_route in empties(own).values() {
                    sum.withheld += of_route.withheld;
                    sum.filled += of_route.filled;
                }
                let difference = || compare(asked, &[suite], arm, first, estimand);
                let score = scores(asked, suite).into_iter();
                found.push(RouteArm {
                    model: model.to_owned(),
                    suite: suite.to_owned(),
                    route: route.to_owned(),
                    arm: arm.to_owned(),
                    score: score.filter(|(m, _)| *m == arm).map(|(_, s)| s).next(),
                    empties: sum,
                    difference: (arm != first).then(|| difference().in_measure(measure)),
                });
            }
        }
    }
    // Suite by suite, the routes below each other.
    found.sort_by(|a, b| (&a.model, &a.suite).cmp(&(&b.model, &b.suite)));
    Ok(found)
}
