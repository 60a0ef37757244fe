//! pass@k: how often one of k programs passes, from the epochs of each problem (Chen et al. 2021, arXiv 2107.03374).

use std::collections::BTreeMap;

use super::{AnalysisError, Dataset, MetricValue};
use crate::stats::{pass_at_k, standard_error_of_mean};
use crate::store::{Filter, column};

/// The scorer whose answers are programs.
const CODE: &str = "code";

/// The k that are reported, as far as there are this many epochs.
const TRIES: [u64; 7] = [1, 2, 5, 10, 25, 50, 100];

/// pass@k of each model on each suite whose problems were asked several times: the mean over problems of the unbiased estimate
/// 1 − C(n − c, k) / C(n, k), of n programs of which c pass. A problem with fewer than k programs is left out of that k.
///
/// # Errors
/// [`AnalysisError`] if the tables cannot be read.
pub fn passes(data: &Dataset) -> Result<Vec<MetricValue>, AnalysisError> {
    if data.manifests.iter().all(|manifest| manifest.epochs < 2) {
        return Ok(Vec::new());
    }
    let columns = [
        column::MODEL,
        column::SUITE,
        column::SAMPLE,
        column::METRIC,
        column::VALUE,
    ];
    let scores = data.scores(&columns, &Filter::all().among(column::SCORER, [CODE]))?;
    let [suites, models, metrics, samples] =
        [column::SUITE, column::MODEL, column::METRIC, column::SAMPLE]
            .map(|name| scores.texts(name));
    let keys = [suites?, models?, metrics?, samples?];
    let values = scores.floats(column::VALUE)?;
    // Programs of each problem, and those of them that pass.
    let mut problems: BTreeMap<[&str; 4], (u64, u64)> = BTreeMap::new();
    for row in 0..scores.height() {
        if let Some(value) = values.get(row) {
            let key = [0, 1, 2, 3].map(|i| keys[i].get(row).unwrap_or_default());
            let (programs, passing) = problems.entry(key).or_default();
            *programs += 1;
            *passing += u64::from(value > 0.0);
        }
    }
    let mut suites: BTreeMap<[&str; 3], Vec<(u64, u64)>> = BTreeMap::new();
    for ([suite, model, metric, _], counts) in problems {
        let problems = suites.entry([suite, model, metric]).or_default();
        problems.push(counts);
    }
    let mut figures = Vec::new();
    for ([suite, model, _], problems) in suites {
        let most = problems.iter().map(|(n, _)| *n).max().unwrap_or(0);
        for k in TRIES.into_iter().filter(|k| most > 1 && *k <= most) {
            figures.push(figure(suite, model, k, &problems));
        }
    }
    Ok(figures)
}

#[allow(clippy::cast_precision_loss)]
fn figure(suite: &str, model: &str, k: u64, problems: &[(u64, u64)]) -> MetricValue {
    let estimates = problems
        .iter()
        .filter_map(|(n, c)| pass_at_k(*n, *c, k).ok());
    let estimates: Vec<f64> = estimates.collect();
    let n = estimates.len();
    MetricValue {
        model: model.to_owned(),
        suite: suite.to_owned(),
        scorer: CODE.to_owned(),
        metric: format!("pass@{k}"),
        value: (n > 0).then(|| estimates.iter().sum::<f64>() / n as f64),
        standard_error: standard_error_of_mean(&estimates),
        n: n as u64,
    }
}
