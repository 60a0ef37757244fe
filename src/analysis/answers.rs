//! Answers with their texts, a model at a time: what the detectors look at.

use polars::prelude::*;

use super::{AnalysisError, Dataset};
use crate::model::{Completion, Finish, Signal};
use crate::store::stratum_column;

/// Columns of the table of trials, in the order in which they are read here.
const COLUMNS: [&str; 10] = [
    "suite",
    "sample_id",
    "cluster",
    "pair",
    "role",
    "prompt",
    "answer",
    "reasoning",
    "finish",
    "signals",
];

/// One answer, as its trial has it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The suite.
    pub suite: String,
    /// The sample.
    pub sample: String,
    /// What it is not independent of: its cluster, its pair, or itself.
    pub unit: String,
    /// Its pair.
    pub pair: Option<String>,
    /// `sensitive` or `control`.
    pub role: Option<String>,
    /// The language asked in, where the suite says.
    pub language: Option<String>,
    /// What was asked.
    pub prompt: String,
    /// Text, reasoning, finish and signals.
    pub completion: Completion,
}

impl Dataset {
    /// A model's answers of the first repeat, by suite and sample; failed calls are left out.
    ///
    /// # Errors
    /// [`AnalysisError::Table`] where the tables are not a run's.
    pub fn answers(&self, model: &str) -> Result<Vec<Answer>, AnalysisError> {
        let language = stratum_column("language");
        let mut columns: Vec<Expr> = COLUMNS.iter().map(|name| col(*name)).collect();
        let has_language = self.strata.iter().any(|s| s == "language");
        if has_language {
            columns.push(col(language.as_str()));
        }
        let frame = self
            .trials()
            .filter(col("model").eq(lit(model.to_owned())))
            .filter(col("epoch").eq(lit(0)).and(col("status").neq(lit("error"))))
            .select(columns)
            .sort(["suite", "sample_id"], SortMultipleOptions::default())
            .collect()?;
        let text = |name: &str| -> Result<&StringChunked, AnalysisError> {
            Ok(frame.column(name)?.str()?)
        };
        let columns: Vec<&StringChunked> = COLUMNS
            .iter()
            .map(|name| text(name))
            .collect::<Result<_, _>>()?;
        let languages = has_language.then(|| text(&language)).transpose()?;
        let answer = |row: usize| {
            let of = |at: usize| columns[at].get(row).map(str::to_owned);
            let (sample, pair) = (of(1).unwrap_or_default(), of(3));
            let unit = of(2)
                .or_else(|| pair.clone())
                .unwrap_or_else(|| sample.clone());
            let finish = of(8).and_then(|f| serde_json::from_value::<Finish>(f.into()).ok());
            let signals = of(9).and_then(|s| serde_json::from_str::<Vec<Signal>>(&s).ok());
            Answer {
                suite: of(0).unwrap_or_default(),
                unit,
                sample,
                pair,
                role: of(4),
                language: languages.and_then(|l| l.get(row).map(str::to_owned)),
                prompt: of(5).unwrap_or_default(),
                completion: Completion {
                    reasoning: of(7),
                    finish: finish.unwrap_or(Finish::Unknown),
                    signals: signals.unwrap_or_default(),
                    ..Completion::text(of(6).unwrap_or_default())
                },
            }
        };
        Ok((0..frame.height()).map(answer).collect())
    }
}
