//! A preference asked for in both orders, since judges favour a place.

use super::{NO_LABEL, panel};
use crate::score::{Score, Scorer};

/// The labels of a preference.
pub(super) fn labels() -> Vec<String> {
    ["first", "second", "tie"].map(str::to_owned).to_vec()
}

/// The scores `preference` and `consistent` of what judges said with the answer as first, and with it as second.
#[allow(clippy::cast_precision_loss)]
pub(super) fn scores(
    scorer: &dyn Scorer,
    models: &[String],
    labels: &[String],
    ours: &[panel::Voice],
    theirs: &[panel::Voice],
) -> Vec<Score> {
    let pairs = ours.iter().zip(theirs).map(|(a, b)| {
        let label = |voice: &panel::Voice| voice.verdict.as_ref().ok().map(|v| v.label.clone());
        (label(a), label(b))
    });
    let (mut preferences, mut consistent) = (Vec::new(), Vec::new());
    for pair in pairs {
        let (Some(a), Some(b)) = pair else { continue };
        let steady = matches!(
            (a.as_str(), b.as_str()),
            ("first", "second") | ("second", "first") | ("tie", "tie")
        );
        consistent.push(f64::from(u8::from(steady)));
        preferences.push(match (a.as_str(), steady) {
            ("first", true) => 1.0,
            ("second", true) => 0.0,
            _ => 0.5,
        });
    }
    let average = |values: &[f64]| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let told = [("as first", ours), ("as second", theirs)]
        .map(|(place, voices)| format!("{place}: {}", panel::vote(voices, labels).told));
    let preference = average(&preferences);
    let label = match preference {
        None => NO_LABEL,
        Some(p) if p > 0.5 => "preferred",
        Some(p) if p < 0.5 => "other preferred",
        Some(_) if average(&consistent) < Some(1.0) => "place preferred",
        Some(_) => "tie",
    };
    vec![
        Score {
            value: preference,
            by: Some(models.join(", ")),
            ..Score::new(scorer, "preference")
                .label(label)
                .because(told.join(" | "))
        },
        Score {
            value: average(&consistent),
            ..Score::new(scorer, "consistent")
        },
    ]
}
