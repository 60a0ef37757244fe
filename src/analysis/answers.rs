//! Answers with their texts, a model at a time: what the detectors look at.

use super::{AnalysisError, Dataset};
use crate::model::{Completion, Finish, Signal};
use crate::store::{Filter, TrialStatus, column, stratum_column};

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
    /// A model's answers of the first epoch, by suite and sample; failed calls are left out.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] where the tables are not a run's.
    pub fn answers(&self, model: &str) -> Result<Vec<Answer>, AnalysisError> {
        let language = stratum_column("language");
        let mut columns = vec![
            column::SUITE,
            column::SAMPLE,
            column::EPOCH,
            column::STATUS,
            column::CLUSTER,
            column::PAIR,
            column::ROLE,
            column::PROMPT,
            column::ANSWER,
            column::REASONING,
            column::FINISH,
            column::SIGNALS,
        ];
        let has_language = self.strata.iter().any(|s| s == "language");
        if has_language {
            columns.push(&language);
        }
        let trials = self.trials(&columns, &Filter::all().is(column::MODEL, model))?;
        let text = |name: &str| trials.texts(name);
        let (suites, samples, statuses) = (
            text(column::SUITE)?,
            text(column::SAMPLE)?,
            text(column::STATUS)?,
        );
        let (clusters, pairs, roles) = (
            text(column::CLUSTER)?,
            text(column::PAIR)?,
            text(column::ROLE)?,
        );
        let (prompts, texts, thoughts) = (
            text(column::PROMPT)?,
            text(column::ANSWER)?,
            text(column::REASONING)?,
        );
        let (finishes, signals) = (text(column::FINISH)?, text(column::SIGNALS)?);
        let languages = has_language.then(|| text(&language)).transpose()?;
        let epochs = trials.wholes(column::EPOCH)?;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let answer = |row: usize| {
            let sample = samples.get(row).unwrap_or_default();
            let unit = clusters.get(row).or(pairs.get(row)).unwrap_or(sample);
            let finish = finishes.get(row);
            let finish = finish.and_then(|f| serde_json::from_value::<Finish>(f.into()).ok());
            let signals = signals.get(row);
            let signals = signals.and_then(|s| serde_json::from_str::<Vec<Signal>>(s).ok());
            Answer {
                suite: suites.get(row).unwrap_or_default().to_owned(),
                sample: sample.to_owned(),
                unit: unit.to_owned(),
                pair: owned(pairs.get(row)),
                role: owned(roles.get(row)),
                language: owned(languages.and_then(|l| l.get(row))),
                prompt: prompts.get(row).unwrap_or_default().to_owned(),
                completion: Completion {
                    reasoning: owned(thoughts.get(row)),
                    finish: finish.unwrap_or(Finish::Unknown),
                    signals: signals.unwrap_or_default(),
                    ..Completion::text(texts.get(row).unwrap_or_default())
                },
            }
        };
        let failed = Some(TrialStatus::Error.name());
        let mut answers: Vec<Answer> = (0..trials.height())
            .filter(|row| epochs.get(*row) == Some(0) && statuses.get(*row) != failed)
            .map(answer)
            .collect();
        answers.sort_by(|a, b| (&a.suite, &a.sample).cmp(&(&b.suite, &b.sample)));
        Ok(answers)
    }
}
