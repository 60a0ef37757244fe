//! What is told of each token while it is read or written: how likely it was, and what else was likely there.

use tokio::sync::mpsc::UnboundedSender;

use super::likelihood::{largest, log_softmax_at};
use crate::model::ModelError;

/// A token and how likely it was.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Logged {
    pub token: u32,
    /// None for the first token of a text.
    pub log_probability: Option<f64>,
    /// The likeliest tokens in its place, the likeliest first; the lowest id of equals.
    pub likeliest: Vec<(u32, f64)>,
    /// Whether it ended the answer.
    pub ends: bool,
}

/// Who hears of a text's tokens.
pub(super) struct Listener {
    /// Whether those of the prompt are told as well.
    pub echo: bool,
    /// How many of the likeliest tokens are told.
    pub likeliest: usize,
    pub told: UnboundedSender<Logged>,
}

impl Listener {
    /// Tells of a token, with the logits of its place.
    ///
    /// # Errors
    /// Those of [`log_softmax_at`].
    pub(super) fn tell(&self, token: u32, logits: &[f32], ends: bool) -> Result<(), ModelError> {
        let logged = Logged {
            token,
            log_probability: Some(log_softmax_at(logits, token)?),
            likeliest: likeliest(logits, self.likeliest)?,
            ends,
        };
        let _ = self.told.send(logged);
        Ok(())
    }

    /// Tells of the token that a text begins with.
    pub(super) fn tell_first(&self, token: u32) {
        let _ = self.told.send(Logged {
            token,
            log_probability: None,
            likeliest: Vec::new(),
            ends: false,
        });
    }
}

/// The `count` likeliest tokens with the logarithms of their probabilities.
fn likeliest(logits: &[f32], count: usize) -> Result<Vec<(u32, f64)>, ModelError> {
    let count = count.min(logits.len());
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (id, logit) in (0..).zip(logits) {
        if best.len() == count && best[count - 1].1 >= *logit {
            continue;
        }
        let place = best.partition_point(|(_, other)| other >= logit);
        best.insert(place, (id, *logit));
        best.truncate(count);
    }
    let largest = largest(logits)?;
    let total: f64 = logits.iter().map(|l| f64::from(l - largest).exp()).sum();
    let log = |logit: f32| f64::from(logit - largest) - total.ln();
    let listed = best.into_iter().map(|(id, logit)| (id, log(logit)));
    Ok(listed.filter(|(_, log)| log.is_finite()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_come_first_and_the_lowest_id_of_equals() {
        let found = likeliest(&[1.0, 3.0, 2.0, 3.0, f32::NEG_INFINITY], 3).expect("numbers");
        assert_eq!(
            found.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
            [1, 3, 2]
        );
        // ln(e³ / (e + 2e³ + e²)), by hand.
        assert!((found[0].1 - -0.917_6).abs() < 1e-4, "{found:?}");
        assert_eq!(
            likeliest(&[1.0, f32::NEG_INFINITY], 5).expect("one").len(),
            1
        );
        assert!(likeliest(&[1.0, 2.0], 0).expect("none").is_empty());
    }
}
