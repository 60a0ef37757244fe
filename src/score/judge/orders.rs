//! A preference asked for in both orders, since judges favour a place.

use std::collections::BTreeMap;

use serde_json::Value;

use super::NO_LABEL;
use super::panel::{self, Panel, Voice};
use crate::score::{Score, ScoreContext, ScoreError, Scorer};
use crate::suite::Sample;

/// The labels of a preference.
pub(super) fn labels() -> Vec<String> {
    ["first", "second", "tie"].map(str::to_owned).to_vec()
}

/// Asks a panel with `own` as first and `other` as second, and the other way round, and scores what it says.
pub(super) async fn ask(
    scorer: &dyn Scorer,
    panel: &Panel,
    sample: &Sample,
    context: &ScoreContext<'_>,
    [own, other]: [&Value; 2],
) -> Result<Vec<Score>, ScoreError> {
    let in_order = async |first: &Value, second: &Value| {
        let values = BTreeMap::from([("first", first.clone()), ("second", second.clone())]);
        panel.ask(sample, context, &values).await
    };
    let ours = in_order(own, other).await?;
    let theirs = in_order(other, own).await?;
    Ok(scores(scorer, panel, &ours, &theirs))
}

/// The scores `preference` and `consistent` of what judges said with the answer as first, and with it as second.
#[allow(clippy::cast_precision_loss)]
fn scores(scorer: &dyn Scorer, panel: &Panel, ours: &[Voice], theirs: &[Voice]) -> Vec<Score> {
    let pairs = ours.iter().zip(theirs).map(|(a, b)| {
        let label = |voice: &Voice| voice.verdict.as_ref().ok().map(|v| v.label.clone());
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
        .map(|(place, voices)| format!("{place}: {}", panel::vote(voices, &panel.labels).told));
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
            by: Some(panel.models.join(", ")),
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
