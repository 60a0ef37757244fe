//! `imported`: labels that came with recorded answers, kept word for word.

use super::{Score, Tells};

/// The scorer's name.
pub const IMPORTED: &str = "imported";

/// What imported labels tell.
pub(super) const TELLS: Tells = Tells::Withheld;

/// A value that another tool reported; none where it reported none.
#[must_use]
pub fn reported_score(metric: &str, value: Option<f64>) -> Score {
    Score {
        scorer: IMPORTED.into(),
        version: 1,
        metric: metric.into(),
        value,
        label: None,
        explanation: None,
        by: None,
        confidence: None,
    }
}

/// A label that somebody else gave. `value` is 1 for a full answer, 0 for a withheld one, none if the label is not a verdict.
#[must_use]
pub fn imported_score(
    metric: &str,
    label: &str,
    value: Option<f64>,
    explanation: Option<String>,
) -> Score {
    Score {
        label: Some(label.into()),
        explanation,
        ..reported_score(metric, value)
    }
}
