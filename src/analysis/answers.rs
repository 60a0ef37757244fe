//! Answers with their texts, a model at a time: what the detectors look at.

use std::collections::HashMap;

use rayon::prelude::*;

use super::{AnalysisError, Dataset};
use crate::model::{Completion, Finish, Signal};
use crate::store::{
    Filter, ROUTE, TRIALS, Table, Texts, TrialStatus, Wholes, column, stratum_column,
};
use crate::suite::PairRole;

/// Bytes of texts read at once: as many models' as these hold, one model's at least.
const MAX_BYTES_AT_ONCE: u64 = 96 << 20;

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
    /// Its side of the pair.
    pub role: Option<PairRole>,
    /// The language asked in, where the suite says.
    pub language: Option<String>,
    /// The upstream that served it, where the server said so.
    pub route: Option<String>,
    /// What was asked.
    pub prompt: String,
    /// Text, reasoning, finish and signals.
    pub completion: Completion,
}

impl Dataset {
    /// Looks at every model's answers of the first epoch, by suite and sample; failed calls are skipped. What is seen comes in the models'
    /// order, each model's at once.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn each_model<T: Send>(
        &self,
        look: impl Fn(&str, &[Answer]) -> T + Sync,
    ) -> Result<Vec<T>, AnalysisError> {
        let names: Vec<&str> = self.names().collect();
        let bytes = self.trial_bytes(&self.answer_columns())? / (names.len().max(1) as u64);
        let at_once = usize::try_from(MAX_BYTES_AT_ONCE / bytes.max(1)).unwrap_or(usize::MAX);
        let mut seen = Vec::with_capacity(names.len());
        for models in names.chunks(at_once.max(1)) {
            let few = Filter::all().among(column::MODEL, models.iter().copied());
            let all = Filter::all();
            let every = models.len() == names.len();
            let mut by_model = self.read_answers(if every { &all } else { &few })?;
            let own: Vec<Vec<Answer>> = models
                .iter()
                .map(|model| by_model.remove(*model).unwrap_or_default())
                .collect();
            let looked = models.par_iter().zip(own);
            seen.par_extend(looked.map(|(model, answers)| look(model, &answers)));
        }
        Ok(seen)
    }

    /// One model's answers, as [`Dataset::each_model`] shows them.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn answers(&self, model: &str) -> Result<Vec<Answer>, AnalysisError> {
        let own = Filter::all().is(column::MODEL, model);
        let mut by_model = self.read_answers(&own)?;
        Ok(by_model.remove(model).unwrap_or_default())
    }

    /// Answers of some models to a few samples, as [`Dataset::each_model`] shows them.
    ///
    /// # Errors
    /// [`AnalysisError::Store`] if the tables are not a run's.
    pub fn answers_to(
        &self,
        models: &[&str],
        samples: &[&str],
    ) -> Result<HashMap<String, Vec<Answer>>, AnalysisError> {
        let few = Filter::all()
            .among(column::MODEL, models.iter().copied())
            .among(column::SAMPLE, samples.iter().copied());
        self.read_answers(&few)
    }

    fn answer_columns(&self) -> Vec<String> {
        let strata = self.strata.iter();
        let strata = strata.filter(|s| [LANGUAGE, ROUTE].contains(&s.as_str()));
        COLUMNS
            .iter()
            .map(|c| (*c).to_owned())
            .chain(strata.map(|s| stratum_column(s)))
            .collect()
    }

    fn read_answers(
        &self,
        filter: &Filter<'_>,
    ) -> Result<HashMap<String, Vec<Answer>>, AnalysisError> {
        let columns = self.answer_columns();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut by_model: HashMap<String, Vec<Answer>> = HashMap::new();
        self.each(TRIALS, &columns, filter, |part| {
            let rows = Rows::of(part, &columns)?;
            for row in 0..part.height() {
                if let Some((model, answer)) = rows.answer(row) {
                    match by_model.get_mut(model) {
                        Some(own) => own.push(answer),
                        None => drop(by_model.insert(model.to_owned(), vec![answer])),
                    }
                }
            }
            Ok(())
        })?;
        for own in by_model.values_mut() {
            // In place: a stable sort would hold half of them twice.
            own.sort_unstable_by(|a, b| (&a.suite, &a.sample).cmp(&(&b.suite, &b.sample)));
        }
        Ok(by_model)
    }
}

/// The stratum that names the language asked in.
const LANGUAGE: &str = "language";

const COLUMNS: [&str; 14] = [
    column::MODEL,
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
    column::EMPTY_REPLIES,
];

/// Rows of the table of trials, read as answers.
struct Rows<'a> {
    texts: HashMap<&'a str, Texts<'a>>,
    epochs: Wholes<'a>,
    empty_replies: Wholes<'a>,
    language: Option<Texts<'a>>,
    route: Option<Texts<'a>>,
}

impl<'a> Rows<'a> {
    fn of(part: &'a Table, columns: &[&'a str]) -> Result<Self, AnalysisError> {
        let numbers = [column::EPOCH, column::EMPTY_REPLIES];
        let texts = COLUMNS.iter().filter(|c| !numbers.contains(*c));
        let texts = texts.map(|c| Ok((*c, part.texts(c)?)));
        let stratum = |name: &str| {
            let name = stratum_column(name);
            let column = columns.iter().find(|c| **c == name);
            column.map(|c| part.texts(c)).transpose()
        };
        Ok(Self {
            texts: texts.collect::<Result<_, AnalysisError>>()?,
            epochs: part.wholes(column::EPOCH)?,
            empty_replies: part.wholes(column::EMPTY_REPLIES)?,
            language: stratum(LANGUAGE)?,
            route: stratum(ROUTE)?,
        })
    }

    /// A row's model and answer; none for a epoch or a failed call.
    fn answer(&self, row: usize) -> Option<(&'a str, Answer)> {
        let text = |column: &str| self.texts.get(column)?.get(row);
        let owned = |column: &str| text(column).map(str::to_owned);
        let failed = text(column::STATUS) == Some(TrialStatus::Error.name());
        if failed || self.epochs.get(row) != Some(0) {
            return None;
        }
        let sample = text(column::SAMPLE).unwrap_or_default();
        let unit = text(column::CLUSTER)
            .or(text(column::PAIR))
            .unwrap_or(sample);
        let finish = text(column::FINISH);
        let finish = finish.and_then(|f| serde_json::from_value::<Finish>(f.into()).ok());
        let signals = text(column::SIGNALS);
        let signals = signals.and_then(|s| serde_json::from_str::<Vec<Signal>>(s).ok());
        let answer = Answer {
            suite: owned(column::SUITE).unwrap_or_default(),
            sample: sample.to_owned(),
            unit: unit.to_owned(),
            pair: owned(column::PAIR),
            role: text(column::ROLE).and_then(PairRole::named),
            language: self.language.and_then(|l| l.get(row)).map(str::to_owned),
            route: self.route.and_then(|r| r.get(row)).map(str::to_owned),
            prompt: owned(column::PROMPT).unwrap_or_default(),
            completion: Completion {
                reasoning: owned(column::REASONING),
                finish: finish.unwrap_or(Finish::Unknown),
                signals: signals.unwrap_or_default(),
                empty_replies: self
                    .empty_replies
                    .get(row)
                    .and_then(|n| u32::try_from(n).ok())
                    .unwrap_or(0),
                ..Completion::text(text(column::ANSWER).unwrap_or_default())
            },
        };
        Some((text(column::MODEL)?, answer))
    }
}
