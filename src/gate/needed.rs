//! How much more would decide.

use serde::Serialize;

use crate::stats::normal_quantile;

/// What would decide an undecided check in 80 of 100 cases, if what was seen is the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Needed {
    /// Questions (or pairs) more; none if what was seen is so close to the limit that no reasonable number would do.
    pub more_questions: Option<usize>,
    /// Epochs of each question instead, where epochs are known to help enough.
    pub epochs: Option<usize>,
}

/// Maximum suggested growth, as a multiple of the questions asked.
const MAX_GROWTH: f64 = 1000.0;
/// Maximum epochs suggested.
const MAX_EPOCHS: usize = 50;

/// What an undecided check needs.
pub(super) struct Undecided {
    /// Distance of what was seen from the limit.
    pub distance: f64,
    /// Standard error of what was seen.
    pub se: f64,
    /// Questions behind it.
    pub n: usize,
    /// The part of SE² that more epochs would reduce, and the number of epochs.
    pub rerun: Option<(f64, usize)>,
    /// One-sided error.
    pub alpha: f64,
}

impl Undecided {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )]
    pub(super) fn needed(&self) -> Option<Needed> {
        let z = normal_quantile(1.0 - self.alpha).ok()? + normal_quantile(0.8).ok()?;
        let wanted = (self.distance / z).powi(2);
        let factor = self.se * self.se / wanted;
        let more_questions = (factor.is_finite() && factor <= MAX_GROWTH)
            .then(|| ((self.n as f64 * (factor - 1.0)).ceil().max(1.0)) as usize);
        let epochs = self.rerun.and_then(|(rerun, epochs)| {
            let rest = self.se * self.se - rerun;
            let k = (rerun * epochs as f64 / (wanted - rest)).ceil();
            (rest < wanted && k.is_finite() && k <= MAX_EPOCHS as f64)
                .then_some((k as usize).max(epochs + 1))
        });
        Some(Needed {
            more_questions: more_questions.map(rounded),
            epochs,
        })
    }
}

/// Two leading figures: more would pretend to know more.
fn rounded(n: usize) -> usize {
    let mut scale = 1;
    while n / scale >= 100 {
        scale *= 10;
    }
    n.div_ceil(scale) * scale
}
