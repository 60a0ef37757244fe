//! What a task asks of a model.

/// What is asked of a model for each document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputType {
    /// The log-likelihood of each choice.
    MultipleChoice,
    /// The log-likelihood of the target.
    LogLikelihood,
    /// The log-likelihood of the document itself.
    LogLikelihoodRolling,
    /// An answer in words.
    GenerateUntil,
}

impl OutputType {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "multiple_choice" => Self::MultipleChoice,
            "loglikelihood" => Self::LogLikelihood,
            "loglikelihood_rolling" => Self::LogLikelihoodRolling,
            "generate_until" => Self::GenerateUntil,
            _ => return None,
        })
    }

    /// As task files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MultipleChoice => "multiple_choice",
            Self::LogLikelihood => "loglikelihood",
            Self::LogLikelihoodRolling => "loglikelihood_rolling",
            Self::GenerateUntil => "generate_until",
        }
    }
}
