//! One question as one model answered it: the unit of every inference.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use polars::prelude::*;

use super::{AnalysisError, Dataset};
use crate::store::stratum_column;

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
    /// [`AnalysisError::Table`] where the tables are not a run's.
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

    /// Every question that was asked of the suites named, under the metrics named (one a suite), by model, suite and place in the
    /// order drawn.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's, [`AnalysisError::NotANumber`] where a score is NaN or infinite.
    pub fn asked(&self, metrics: &[MetricName]) -> Result<Asked, AnalysisError> {
        let any = |each: &dyn Fn(&MetricName) -> Expr| {
            metrics
                .iter()
                .map(each)
                .reduce(Expr::or)
                .unwrap_or_else(|| lit(false))
        };
        let wanted = any(&|m| {
            col("suite")
                .eq(lit(m.suite.clone()))
                .and(col("scorer").eq(lit(m.scorer.clone())))
                .and(col("metric").eq(lit(m.metric.clone())))
        });
        let scores = self
            .scores()
            .filter(wanted.and(col("value").is_not_null()))
            .select([col("trial_key"), col("value")]);
        let mut columns: Vec<Expr> = [
            "trial_key",
            "schedule_index",
            "model",
            "suite",
            "sample_id",
            "epoch",
            "pair",
            "role",
            "cluster",
        ]
        .iter()
        .map(|c| col(*c))
        .collect();
        columns.extend(self.strata.iter().map(|s| col(stratum_column(s).as_str())));
        let frame = self
            .trials()
            .filter(any(&|m| col("suite").eq(lit(m.suite.clone()))))
            .select(columns)
            .join(
                scores,
                [col("trial_key")],
                [col("trial_key")],
                JoinArgs::new(JoinType::Left),
            )
            .drop(by_name(["trial_key"], true, false))
            .collect()?;
        self.group(&frame)
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

    fn group(&self, frame: &DataFrame) -> Result<Asked, AnalysisError> {
        let text = |name: &str| -> Result<&StringChunked, AnalysisError> {
            Ok(frame.column(name)?.str()?)
        };
        let (models, suites, samples) = (text("model")?, text("suite")?, text("sample_id")?);
        let (pairs, roles, clusters) = (text("pair")?, text("role")?, text("cluster")?);
        let strata: Vec<&StringChunked> = self
            .strata
            .iter()
            .map(|s| Ok(frame.column(&stratum_column(s))?.str()?))
            .collect::<Result<_, AnalysisError>>()?;
        let (values, epochs) = (frame.column("value")?.f64()?, frame.column("epoch")?.i64()?);
        let order = frame.column("schedule_index")?.i64()?;
        let mut names = Names::default();
        let mut places: HashMap<(Name, Name, Name), usize> = HashMap::new();
        let mut rows: Vec<Row> = Vec::new();
        for i in 0..frame.height() {
            let (Some(model), Some(suite), Some(sample)) =
                (models.get(i), suites.get(i), samples.get(i))
            else {
                continue;
            };
            let key = (names.of(model), names.of(suite), names.of(sample));
            let at = *places
                .entry(key)
                .or_insert_with_key(|(model, suite, sample)| {
                    let cluster = clusters.get(i).or(pairs.get(i)).unwrap_or(sample);
                    rows.push(Row {
                        question: Question {
                            model: Name::clone(model),
                            suite: Name::clone(suite),
                            sample: Name::clone(sample),
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
            match values.get(i) {
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

/// One copy of each name.
#[derive(Default)]
struct Names(HashSet<Name>);

impl Names {
    fn of(&mut self, name: &str) -> Name {
        if let Some(known) = self.0.get(name) {
            return Name::clone(known);
        }
        let new = Name::from(name);
        self.0.insert(Name::clone(&new));
        new
    }
}
