//! One question as one model answered it: the unit of every inference.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{AnalysisError, Dataset};
use crate::store::{Filter, Table, TrialStatus, column, stratum_column};

/// A name that many questions share.
pub type Name = Arc<str>;

/// A model's scores on a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The model.
    pub model: Name,
    /// The suite.
    pub suite: Name,
    /// The sample.
    pub sample: Name,
    /// Its match.
    pub pair: Option<Name>,
    /// `sensitive` or `control`.
    pub role: Option<Name>,
    /// Questions of one cluster are not independent.
    pub cluster: Name,
    /// Its place in the order drawn before the run.
    pub schedule_index: u64,
    /// Mean of the repeats that have a value; not a number where none has.
    pub value: f64,
    /// The values of the repeats that have one, by epoch.
    pub repeats: Vec<f64>,
    /// Repeats without a value: failed, or not judged.
    pub unscored: usize,
    /// Values of the dataset's strata, in its order.
    pub strata: Vec<Option<Name>>,
}

impl Question {
    /// Suite and sample: what names the question, whoever answers it.
    #[must_use]
    pub fn key(&self) -> (&str, &str) {
        (&self.suite, &self.sample)
    }

    /// The same with a value where it has none.
    #[must_use]
    pub fn filled(&self, value: f64) -> Self {
        let mut filled = self.clone();
        if filled.repeats.is_empty() {
            filled.value = value;
            filled.repeats = vec![value];
        }
        filled
    }

    /// Variance of the mean over repeats, s²/K; none for a single repeat.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rerun_variance(&self) -> Option<f64> {
        let k = self.repeats.len();
        if k < 2 {
            return None;
        }
        let squares: f64 = self.repeats.iter().map(|r| (r - self.value).powi(2)).sum();
        Some(squares / (k - 1) as f64 / k as f64)
    }
}

/// Every question that was asked, under one metric a suite.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Questions with a value.
    pub scored: Vec<Question>,
    /// Questions without one: every repeat failed or could not be judged.
    pub missing: Vec<Question>,
}

impl Asked {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Question> {
        self.scored.iter().chain(&self.missing)
    }

    /// Those of some suites.
    #[must_use]
    pub fn only(&self, suites: &[&str]) -> Self {
        let own = |questions: &[Question]| -> Vec<Question> {
            let own = questions.iter().filter(|q| suites.contains(&&*q.suite));
            own.cloned().collect()
        };
        Self {
            scored: own(&self.scored),
            missing: own(&self.missing),
        }
    }
}

/// A scorer's metric, as one suite is read under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MetricName {
    /// The suite.
    pub suite: String,
    /// The scorer.
    pub scorer: String,
    /// The metric.
    pub metric: String,
}

impl Dataset {
    /// Every question's score under its suite's headline metric. Questions without a value (failed, blocked, not judged) are
    /// not in it.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] where the tables are not a run's.
    pub fn questions(&self) -> Result<Vec<Question>, AnalysisError> {
        Ok(self.asked(&self.headlines())?.scored)
    }

    /// Each suite's headline metric.
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
            let known: Vec<&str> = metrics.iter().map(|m| m.suite.as_str()).collect();
            return Err(AnalysisError::UnknownSuite {
                name: unknown.clone(),
                known: known.join(", "),
            });
        }
        metrics.retain(|m| suites.is_empty() || suites.contains(&m.suite));
        Ok(metrics)
    }

    /// Every question that was asked of the suites named, under the metrics named (one a suite), by model, suite and place in the
    /// order drawn.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] where the tables are not a run's, [`AnalysisError::NotANumber`] where a score is NaN or infinite.
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
        let columns = [
            column::TRIAL_KEY,
            column::SUITE,
            column::SCORER,
            column::METRIC,
            column::VALUE,
        ];
        let scores = self.scores(&columns, &filter)?;
        let keys = scores.texts(column::TRIAL_KEY)?;
        let (of_suite, scorers, names) = (
            scores.texts(column::SUITE)?,
            scores.texts(column::SCORER)?,
            scores.texts(column::METRIC)?,
        );
        let values = scores.floats(column::VALUE)?;
        let mut by_trial: HashMap<&str, f64, RandomState> = HashMap::default();
        for row in 0..scores.height() {
            let name = [&of_suite, &scorers, &names].map(|c| c.get(row).unwrap_or_default());
            if let (Some(key), Some(value), true) =
                (keys.get(row), values.get(row), wanted.contains(&name))
            {
                by_trial.insert(key, value);
            }
        }
        let trials = self.trials_of(&suites, model, &[column::TRIAL_KEY])?;
        let keys = trials.texts(column::TRIAL_KEY)?;
        self.group(&trials, |row| {
            keys.get(row).and_then(|key| by_trial.get(key)).copied()
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
        };
        let trials = self.trials_of(suites, Some(model), &[column])?;
        if let TrialFigure::Status(wanted) = figure {
            let statuses = trials.texts(column)?;
            let holds = |status: &str| if status == wanted { 1.0 } else { 0.0 };
            self.group(&trials, |row| statuses.get(row).map(holds))
        } else {
            let values = trials.floats(column)?;
            self.group(&trials, |row| values.get(row))
        }
    }

    /// Every metric that the scores of the suites named have.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] where the tables are not a run's.
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

    /// Trials of a model without an answer, and all of its trials, on the suites named.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] where the tables are not a run's.
    pub fn failures(&self, model: &str, suites: &[&str]) -> Result<(u64, u64), AnalysisError> {
        let filter = Filter::all()
            .among(column::SUITE, suites.iter().copied())
            .is(column::MODEL, model);
        let trials = self.trials(&[column::STATUS], &filter)?;
        let statuses = trials.texts(column::STATUS)?;
        let failed = statuses
            .iter()
            .filter(|status| *status == Some(TrialStatus::Error.name()))
            .count();
        Ok((failed as u64, trials.height() as u64))
    }

    /// What grouping needs of the trials of some suites, and more columns.
    fn trials_of(
        &self,
        suites: &[&str],
        model: Option<&str>,
        more: &[&str],
    ) -> Result<Table, AnalysisError> {
        let strata: Vec<String> = self.strata.iter().map(|s| stratum_column(s)).collect();
        let mut columns = vec![
            column::SCHEDULE_INDEX,
            column::MODEL,
            column::SUITE,
            column::SAMPLE,
            column::EPOCH,
            column::PAIR,
            column::ROLE,
            column::CLUSTER,
        ];
        columns.extend(strata.iter().map(String::as_str));
        columns.extend(more);
        let filter = Filter::all()
            .among(column::SUITE, suites.iter().copied())
            .is_some(column::MODEL, model);
        self.trials(&columns, &filter)
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
                known: if self.strata.is_empty() {
                    "none".into()
                } else {
                    self.strata.join(", ")
                },
            })
    }

    /// Trials by question, each with its value where it has one.
    fn group(
        &self,
        trials: &Table,
        value: impl Fn(usize) -> Option<f64>,
    ) -> Result<Asked, AnalysisError> {
        let text = |name: &str| trials.texts(name);
        let (models, suites, samples) = (
            text(column::MODEL)?,
            text(column::SUITE)?,
            text(column::SAMPLE)?,
        );
        let (pairs, roles, clusters) = (
            text(column::PAIR)?,
            text(column::ROLE)?,
            text(column::CLUSTER)?,
        );
        let strata = self
            .strata
            .iter()
            .map(|s| trials.texts(&stratum_column(s)))
            .collect::<Result<Vec<_>, _>>()?;
        let (order, epochs) = (
            trials.wholes(column::SCHEDULE_INDEX)?,
            trials.wholes(column::EPOCH)?,
        );
        let mut names = Names::default();
        let mut places: HashMap<[u32; 3], usize, RandomState> = HashMap::default();
        let mut rows: Vec<Row> = Vec::new();
        for i in 0..trials.height() {
            let (Some(model), Some(suite), Some(sample)) =
                (models.get(i), suites.get(i), samples.get(i))
            else {
                continue;
            };
            let key = [names.id(model), names.id(suite), names.id(sample)];
            let at = *places.entry(key).or_insert_with(|| {
                let cluster = clusters.get(i).or(pairs.get(i)).unwrap_or(sample);
                rows.push(Row {
                    question: Question {
                        model: names.name(key[0]),
                        suite: names.name(key[1]),
                        sample: names.name(key[2]),
                        pair: pairs.get(i).map(|n| names.of(n)),
                        role: roles.get(i).map(|n| names.of(n)),
                        cluster: names.of(cluster),
                        schedule_index: u64::MAX,
                        value: f64::NAN,
                        repeats: Vec::new(),
                        unscored: 0,
                        strata: strata
                            .iter()
                            .map(|s| s.get(i).map(|n| names.of(n)))
                            .collect(),
                    },
                    epochs: Vec::new(),
                });
                rows.len() - 1
            });
            let row = &mut rows[at];
            let place = order.get(i).and_then(|n| u64::try_from(n).ok());
            row.question.schedule_index = row.question.schedule_index.min(place.unwrap_or(0));
            match value(i) {
                Some(value) if !value.is_finite() => {
                    return Err(AnalysisError::NotANumber {
                        model: row.question.model.to_string(),
                        suite: row.question.suite.to_string(),
                        sample: row.question.sample.to_string(),
                        value,
                    });
                }
                Some(value) => {
                    row.question.repeats.push(value);
                    row.epochs.push(epochs.get(i).unwrap_or(0));
                }
                None => row.question.unscored += 1,
            }
        }
        drop(places);
        let mut questions: Vec<Question> = rows.into_iter().map(Row::finish).collect();
        questions.sort_by(|a, b| {
            (&a.model, &a.suite, a.schedule_index, &a.sample).cmp(&(
                &b.model,
                &b.suite,
                b.schedule_index,
                &b.sample,
            ))
        });
        let (scored, missing) = questions.into_iter().partition(|q| !q.repeats.is_empty());
        Ok(Asked { scored, missing })
    }
}

/// A figure that every trial has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialFigure {
    /// Seconds from question to answer.
    Seconds,
    /// US dollars.
    Dollars,
    /// 1 where it ended with this status, else 0.
    Status(&'static str),
}

/// A question while its repeats come together.
struct Row {
    question: Question,
    epochs: Vec<i64>,
}

impl Row {
    #[allow(clippy::cast_precision_loss)]
    fn finish(self) -> Question {
        let mut question = self.question;
        if !self.epochs.is_sorted() {
            let mut both: Vec<(i64, f64)> = self.epochs.into_iter().zip(question.repeats).collect();
            both.sort_by_key(|(epoch, _)| *epoch);
            question.repeats = both.into_iter().map(|(_, value)| value).collect();
        }
        question.repeats.shrink_to_fit();
        if !question.repeats.is_empty() {
            question.value = question.repeats.iter().sum::<f64>() / question.repeats.len() as f64;
        }
        question
    }
}

/// One copy of each name, and a number for it.
#[derive(Default)]
struct Names {
    ids: HashMap<Name, u32, RandomState>,
    all: Vec<Name>,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(known) = self.ids.get(name) {
            return *known;
        }
        let id = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let new = Name::from(name);
        self.ids.insert(Name::clone(&new), id);
        self.all.push(new);
        id
    }

    fn name(&self, id: u32) -> Name {
        Name::clone(&self.all[id as usize])
    }

    fn of(&mut self, name: &str) -> Name {
        let id = self.id(name);
        self.name(id)
    }
}
