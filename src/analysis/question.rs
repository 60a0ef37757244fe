//! One question as one model answered it: the unit of every inference.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

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
    /// [`AnalysisError::Table`] where the tables are not a run's, [`AnalysisError::NotANumber`] where a score is NaN or infinite.
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
        let wanted = any_of(metrics.iter().map(|m| {
            col("suite")
                .eq(lit(m.suite.clone()))
                .and(col("scorer").eq(lit(m.scorer.clone())))
                .and(col("metric").eq(lit(m.metric.clone())))
        }));
        let scores = self
            .scores()
            .filter(wanted.and(col("value").is_not_null()))
            .select([col("trial_key"), col("value")]);
        let suites: Vec<&str> = metrics.iter().map(|m| m.suite.as_str()).collect();
        let trials = self.trials_of(&suites, model, &[]).join(
            scores,
            [col("trial_key")],
            [col("trial_key")],
            JoinArgs::new(JoinType::Left),
        );
        self.group(&trials.collect()?)
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
        let value = match figure {
            TrialFigure::Seconds => col("seconds"),
            TrialFigure::Dollars => col("cost_usd"),
            TrialFigure::Status(status) => col("status").eq(lit(status)).cast(DataType::Float64),
        };
        let trials = self.trials_of(suites, Some(model), &[value.alias("value")]);
        self.group(&trials.collect()?)
    }

    /// Every metric that the scores of the suites named have.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn metrics(&self, suites: &[&str]) -> Result<Vec<MetricName>, AnalysisError> {
        let wanted = suites.iter().map(|s| col("suite").eq(lit((*s).to_owned())));
        let names = ["suite", "scorer", "metric"].map(col);
        let frame = self
            .scores()
            .filter(any_of(wanted))
            .group_by(names.clone())
            .agg([len()])
            .sort(
                ["suite", "scorer", "metric"],
                SortMultipleOptions::default(),
            )
            .collect()?;
        let text = |name: &str, i: usize| -> Result<String, AnalysisError> {
            Ok(frame
                .column(name)?
                .str()?
                .get(i)
                .unwrap_or_default()
                .to_owned())
        };
        (0..frame.height())
            .map(|i| {
                Ok(MetricName {
                    suite: text("suite", i)?,
                    scorer: text("scorer", i)?,
                    metric: text("metric", i)?,
                })
            })
            .collect()
    }

    /// Trials of a model without an answer, and all of its trials, on the suites named.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn failures(&self, model: &str, suites: &[&str]) -> Result<(u64, u64), AnalysisError> {
        let wanted = suites.iter().map(|s| col("suite").eq(lit((*s).to_owned())));
        let frame = self
            .trials()
            .filter(any_of(wanted).and(col("model").eq(lit(model.to_owned()))))
            .select([
                col("status")
                    .eq(lit("error"))
                    .sum()
                    .cast(DataType::UInt64)
                    .alias("failed"),
                len().cast(DataType::UInt64).alias("all"),
            ])
            .collect()?;
        let whole = |name: &str| -> Result<u64, AnalysisError> {
            Ok(frame.column(name)?.u64()?.get(0).unwrap_or(0))
        };
        Ok((whole("failed")?, whole("all")?))
    }

    /// What grouping needs of the trials of some suites, and more columns.
    fn trials_of(&self, suites: &[&str], model: Option<&str>, more: &[Expr]) -> LazyFrame {
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
        columns.extend(more.iter().cloned());
        let wanted = suites.iter().map(|s| col("suite").eq(lit((*s).to_owned())));
        let wanted = match model {
            Some(model) => any_of(wanted).and(col("model").eq(lit(model.to_owned()))),
            None => any_of(wanted),
        };
        self.trials().filter(wanted).select(columns)
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
        let mut places: HashMap<[u32; 3], usize, RandomState> = HashMap::default();
        let mut rows: Vec<Row> = Vec::new();
        for i in 0..frame.height() {
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

fn any_of(conditions: impl Iterator<Item = Expr>) -> Expr {
    conditions.reduce(Expr::or).unwrap_or_else(|| lit(false))
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
