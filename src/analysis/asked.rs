//! Questions as they are read from the tables: under a metric, or with a figure of each trial in place of a score.

use std::collections::{BTreeSet, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::grouping::Grouping;
use super::{AnalysisError, Asked, Dataset, Failures, MetricName, Name, Question, TrialFigure};
use crate::score::{UNABLE, WITHOUT_VERDICT};
use crate::store::{
    Filter, SCORES, TRIALS, Table, Texts, TrialKey, TrialStatus, column, stratum_column,
};
use crate::text::instead;

/// What a question is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    /// Its score.
    Score,
    /// 0 where the model was unable to answer, 1 where it answered or withheld.
    Ability,
}

impl Figure {
    fn of(self, value: Option<f64>, label: Option<&str>) -> Option<f64> {
        match (self, value) {
            (Self::Score, value) => value,
            (Self::Ability, Some(_)) => Some(1.0),
            (Self::Ability, None) => label.filter(|l| UNABLE.contains(l)).map(|_| 0.0),
        }
    }
}

impl Dataset {
    /// Every question's score under its suite's primary metric. Questions without a value (failed, blocked, not judged) are
    /// not in it.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn questions(&self) -> Result<Vec<Question>, AnalysisError> {
        Ok(self.asked(&self.headlines())?.scored)
    }

    /// Each suite's primary metric.
    #[must_use]
    pub fn headlines(&self) -> Vec<MetricName> {
        self.suites
            .iter()
            .map(|s| MetricName {
                suite: s.name.clone(),
                scorer: s.headline.0.clone(),
                metric: s.headline.1.clone(),
            })
            .collect()
    }

    /// The headline metrics of the suites named; of all where none is.
    ///
    /// # Errors
    /// [`AnalysisError::UnknownSuite`] lists the suites.
    pub fn headlines_of(&self, suites: &[String]) -> Result<Vec<MetricName>, AnalysisError> {
        let mut metrics = self.headlines();
        if let Some(unknown) = suites
            .iter()
            .find(|s| metrics.iter().all(|m| m.suite != **s))
        {
            return Err(AnalysisError::UnknownSuite {
                name: unknown.clone(),
                known: instead(unknown, "its suites", metrics.iter().map(|m| &m.suite)),
            });
        }
        metrics.retain(|m| suites.is_empty() || suites.contains(&m.suite));
        Ok(metrics)
    }

    /// Every question that was asked of the suites named, under the metrics named (one per suite), by model, suite and place in the
    /// order drawn.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's, [`AnalysisError::NotANumber`] if a score is NaN or infinite.
    pub fn asked(&self, metrics: &[MetricName]) -> Result<Asked, AnalysisError> {
        self.asked_of(metrics, None)
    }

    /// The same of one model.
    ///
    /// # Errors
    /// As for [`Dataset::asked`].
    pub fn asked_of(
        &self,
        metrics: &[MetricName],
        model: Option<&str>,
    ) -> Result<Asked, AnalysisError> {
        self.asked_by(metrics, model, Figure::Score)
    }

    /// Every question that was asked, with 0 where the model was unable to answer and 1 where it answered or withheld: the same questions,
    /// so that inability is compared as withholding is.
    ///
    /// # Errors
    /// As for [`Dataset::asked`].
    pub(super) fn asked_for_ability(&self, metrics: &[MetricName]) -> Result<Asked, AnalysisError> {
        self.asked_by(metrics, None, Figure::Ability)
    }

    fn asked_by(
        &self,
        metrics: &[MetricName],
        model: Option<&str>,
        figure: Figure,
    ) -> Result<Asked, AnalysisError> {
        let wanted: HashSet<[&str; 3]> = metrics
            .iter()
            .map(|m| [m.suite.as_str(), &m.scorer, &m.metric])
            .collect();
        let suites: Vec<&str> = metrics.iter().map(|m| m.suite.as_str()).collect();
        let filter = Filter::all()
            .among(column::SUITE, suites.iter().copied())
            .among(column::SCORER, metrics.iter().map(|m| m.scorer.as_str()))
            .among(column::METRIC, metrics.iter().map(|m| m.metric.as_str()))
            .is_some(column::MODEL, model);
        let mut columns = vec![
            column::TRIAL_KEY,
            column::SUITE,
            column::SCORER,
            column::METRIC,
            column::VALUE,
        ];
        columns.extend((figure == Figure::Ability).then_some(column::LABEL));
        let mut by_trial: HashMap<TrialKey, f64, RandomState> = HashMap::default();
        self.each(SCORES, &columns, &filter, |scores| {
            let keys = scores.texts(column::TRIAL_KEY)?;
            let names = [
                scores.texts(column::SUITE)?,
                scores.texts(column::SCORER)?,
                scores.texts(column::METRIC)?,
            ];
            let values = scores.floats(column::VALUE)?;
            let labels = match figure {
                Figure::Score => None,
                Figure::Ability => Some(scores.texts(column::LABEL)?),
            };
            for row in 0..scores.height() {
                let name = names.map(|c| c.get(row).unwrap_or_default());
                let label = labels.as_ref().and_then(|l| l.get(row));
                let value = figure.of(values.get(row), label);
                if let (Some(key), Some(value), true) =
                    (key_of(keys, row), value, wanted.contains(&name))
                {
                    by_trial.insert(key, value);
                }
            }
            Ok(())
        })?;
        self.group(&suites, model, column::TRIAL_KEY, |trials| {
            let keys = trials.texts(column::TRIAL_KEY)?;
            let value = |row| by_trial.get(&key_of(keys, row)?).copied();
            Ok((0..trials.height()).map(value).collect())
        })
    }

    /// Every question that was asked of the suites named, with a figure of each trial in place of a score: a column such as
    /// `seconds`, or whether it ended with a status.
    ///
    /// # Errors
    /// As for [`Dataset::asked`].
    pub fn measured(
        &self,
        suites: &[&str],
        model: &str,
        figure: TrialFigure,
    ) -> Result<Asked, AnalysisError> {
        let column = match figure {
            TrialFigure::Seconds => column::SECONDS,
            TrialFigure::Dollars => column::COST_USD,
            TrialFigure::Status(_) => column::STATUS,
            TrialFigure::Characters => column::ANSWER,
        };
        self.group(suites, Some(model), column, |trials| match figure {
            TrialFigure::Status(wanted) => {
                let holds = |status: &str| if status == wanted.name() { 1.0 } else { 0.0 };
                Ok(trials.texts(column)?.iter().map(|s| s.map(holds)).collect())
            }
            TrialFigure::Characters => {
                #[allow(clippy::cast_precision_loss)]
                let length = |answer: &str| answer.trim().chars().count() as f64;
                let answers = trials.texts(column)?;
                Ok(answers.iter().map(|s| s.map(length)).collect())
            }
            TrialFigure::Seconds | TrialFigure::Dollars => {
                let values = trials.floats(column)?;
                Ok((0..trials.height()).map(|row| values.get(row)).collect())
            }
        })
    }

    /// Every metric that the scores of the suites named have.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn metrics(&self, suites: &[&str]) -> Result<Vec<MetricName>, AnalysisError> {
        let names = [column::SUITE, column::SCORER, column::METRIC];
        let filter = Filter::all().among(column::SUITE, suites.iter().copied());
        let scores = self.scores(&names, &filter)?;
        let [of_suite, scorers, metrics] = [
            scores.texts(column::SUITE)?,
            scores.texts(column::SCORER)?,
            scores.texts(column::METRIC)?,
        ];
        let all: BTreeSet<[&str; 3]> = (0..scores.height())
            .map(|row| [&of_suite, &scorers, &metrics].map(|c| c.get(row).unwrap_or_default()))
            .collect();
        let metric = |[suite, scorer, metric]: [&str; 3]| MetricName {
            suite: suite.to_owned(),
            scorer: scorer.to_owned(),
            metric: metric.to_owned(),
        };
        Ok(all.into_iter().map(metric).collect())
    }

    /// Trials of a model that ended without an answer, or whose answer lacks a verdict under its suite's primary metric; and all of its
    /// trials, on the suites named.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn failures(&self, model: &str, suites: &[&str]) -> Result<Failures, AnalysisError> {
        let filter = Filter::all()
            .among(column::SUITE, suites.iter().copied())
            .is(column::MODEL, model);
        let trials = self.trials(&[column::STATUS], &filter)?;
        let statuses = trials.texts(column::STATUS)?;
        let unanswered = statuses
            .iter()
            .filter(|status| *status == Some(TrialStatus::Error.name()))
            .count();
        Ok(Failures {
            unanswered: unanswered as u64,
            unscored: self.unscored(Some(model), suites)?.len() as u64,
            unable: self.without_value(UNABLE, Some(model), suites)?.len() as u64,
            trials: trials.height() as u64,
        })
    }

    /// Model and suite of every trial whose answer lacks a verdict under its suite's primary metric.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub(super) fn unscored(
        &self,
        model: Option<&str>,
        suites: &[&str],
    ) -> Result<Vec<[String; 2]>, AnalysisError> {
        self.without_value(WITHOUT_VERDICT, model, suites)
    }

    /// Model and suite of every trial that has one of these labels, and no value, under its suite's primary metric; of all suites where none
    /// is named.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub(super) fn without_value(
        &self,
        labels: &[&str],
        model: Option<&str>,
        suites: &[&str],
    ) -> Result<Vec<[String; 2]>, AnalysisError> {
        let heads = self.headlines();
        let named = heads.iter().map(|h| h.suite.as_str());
        let named: Vec<&str> = if suites.is_empty() {
            named.collect()
        } else {
            suites.to_vec()
        };
        let columns = [
            column::MODEL,
            column::SUITE,
            column::SCORER,
            column::METRIC,
            column::VALUE,
        ];
        let filter = Filter::all()
            .among(column::SUITE, named.iter().copied())
            .among(column::LABEL, labels.iter().copied())
            .is_some(column::MODEL, model);
        let mut unscored = Vec::new();
        self.each(SCORES, &columns, &filter, |scores| {
            let [models, of_suite, scorers, metrics] = [
                scores.texts(column::MODEL)?,
                scores.texts(column::SUITE)?,
                scores.texts(column::SCORER)?,
                scores.texts(column::METRIC)?,
            ];
            let values = scores.floats(column::VALUE)?;
            for row in 0..scores.height() {
                let name = |texts: &Texts<'_>| texts.get(row).unwrap_or_default().to_owned();
                let own = MetricName {
                    suite: name(&of_suite),
                    scorer: name(&scorers),
                    metric: name(&metrics),
                };
                if values.get(row).is_none() && heads.contains(&own) {
                    unscored.push([name(&models), own.suite]);
                }
            }
            Ok(())
        })?;
        Ok(unscored)
    }

    /// The trials of some suites by question, each with the value that `values` finds for it; `more` is the column it reads.
    fn group(
        &self,
        suites: &[&str],
        model: Option<&str>,
        more: &str,
        values: impl Fn(&Table) -> Result<Vec<Option<f64>>, AnalysisError>,
    ) -> Result<Asked, AnalysisError> {
        let strata: Vec<String> = self.strata.iter().map(|s| stratum_column(s)).collect();
        let mut columns = Grouping::COLUMNS.to_vec();
        columns.extend(strata.iter().map(String::as_str));
        columns.push(more);
        let filter = Filter::all()
            .among(column::SUITE, suites.iter().copied())
            .is_some(column::MODEL, model);
        let mut grouping = Grouping::default();
        self.each(TRIALS, &columns, &filter, |trials| {
            grouping.add(trials, &strata, &values(trials)?)
        })?;
        Ok(grouping.finish())
    }

    /// Takes questions of one value of a stratum as one cluster; those without a value stand alone.
    ///
    /// # Errors
    /// [`AnalysisError::UnknownStratum`] lists the strata.
    pub fn cluster_by(&self, asked: &mut Asked, stratum: &str) -> Result<(), AnalysisError> {
        let at = self.stratum(stratum)?;
        for question in asked.scored.iter_mut().chain(&mut asked.missing) {
            question.cluster = question.strata[at]
                .as_ref()
                .map_or_else(|| Name::clone(&question.sample), Name::clone);
        }
        Ok(())
    }

    /// A stratum's place among [`Question::strata`].
    ///
    /// # Errors
    /// [`AnalysisError::UnknownStratum`] lists the strata.
    pub fn stratum(&self, name: &str) -> Result<usize, AnalysisError> {
        self.strata
            .iter()
            .position(|s| s == name)
            .ok_or_else(|| AnalysisError::UnknownStratum {
                name: name.into(),
                known: instead(name, "its strata", &self.strata),
            })
    }
}

/// A trial's key, as its row has it.
fn key_of(keys: Texts<'_>, row: usize) -> Option<TrialKey> {
    keys.get(row)?.parse().ok()
}
