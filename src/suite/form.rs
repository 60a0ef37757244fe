//! The two forms of multiple choice.

/// How multiple choice is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Form {
    /// By the log-likelihood of each choice.
    #[default]
    Likelihood,
    /// By the letter of a choice.
    Letter,
}

impl std::str::FromStr for Form {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        match written {
            "likelihood" => Ok(Self::Likelihood),
            "letter" => Ok(Self::Letter),
            _ => Err(format!("form={written} is neither likelihood nor letter")),
        }
    }
}
