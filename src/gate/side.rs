//! Candidate or baseline: one model of one run.

use super::GateError;
use crate::analysis::{AnalysisError, Dataset, Question};

/// A model of a run.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// The run.
    pub data: &'a Dataset,
    /// The model's name in it.
    pub model: &'a str,
}

impl<'a> Side<'a> {
    /// The model named, or the only one.
    ///
    /// # Errors
    /// [`AnalysisError::UnknownModel`], or [`AnalysisError::Mixed`] if several are there and none is named.
    pub fn of(data: &'a Dataset, model: Option<&str>) -> Result<Self, AnalysisError> {
        let model = match (model, data.models.as_slice()) {
            (Some(name), _) => data.model(name)?,
            (None, [only]) => &only.identity.name,
            (None, many) => {
                let names: Vec<&str> = many.iter().map(|m| m.identity.name.as_str()).collect();
                return Err(AnalysisError::Mixed(format!(
                    "the run has {} models; append # and the name of one, as in RUN#MODEL: {}",
                    many.len(),
                    names.join(", ")
                )));
            }
        };
        Ok(Self { data, model })
    }

    /// Whether a question is this side's.
    #[must_use]
    pub fn owns(&self, question: &Question) -> bool {
        &*question.model == self.model
    }

    /// Refuses a run of which too much has no answer, an answer without a verdict, or one that the model was unable to give: the one rule on
    /// it, for a run that is over and for one that a gate has asked itself.
    ///
    /// # Errors
    /// [`GateError::Failures`], and [`GateError::Analysis`] if the run cannot be read.
    pub fn check_failures(&self, who: &str, suites: &[&str], most: f64) -> Result<(), GateError> {
        let failures = self.data.failures(self.model, suites)?;
        GateError::of_failures(format!("{who} '{}'", self.model), failures, most)
    }
}
