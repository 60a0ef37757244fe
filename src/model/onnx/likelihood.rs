//! Log-probabilities from rows of logits.

use crate::model::{ContinuationScore, ErrorClass, ModelError};

/// The log-likelihood of a continuation, token by token.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    log_likelihood: f64,
    /// Whether each token so far was the most likely one.
    is_greedy: bool,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            log_likelihood: 0.0,
            is_greedy: true,
        }
    }
}

impl Sum {
    /// Adds a token that follows.
    ///
    /// # Errors
    /// Those of [`log_softmax_at`].
    pub(super) fn add(&mut self, logits: &[f32], token: u32) -> Result<(), ModelError> {
        self.log_likelihood += log_softmax_at(logits, token)?;
        self.is_greedy &= argmax(logits) == token;
        Ok(())
    }

    /// Adds what was added elsewhere.
    pub(super) fn join(&mut self, other: &Self) {
        self.log_likelihood += other.log_likelihood;
        self.is_greedy &= other.is_greedy;
    }

    /// The whole, of this many tokens.
    pub(super) fn score(&self, tokens: usize) -> ContinuationScore {
        ContinuationScore {
            log_likelihood: self.log_likelihood,
            is_greedy: self.is_greedy,
            tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
        }
    }
}

/// Natural-log softmax of `logits` at `token`, summed in f64.
///
/// # Errors
/// [`ErrorClass::Runtime`] if the logits say nothing or rule the token out, [`ErrorClass::Files`] if there is no such token.
pub(super) fn log_softmax_at(logits: &[f32], token: u32) -> Result<f64, ModelError> {
    let largest = largest(logits)?;
    let own = logits.get(token as usize).ok_or_else(|| {
        let tokens = logits.len();
        ModelError::new(
            ErrorClass::Files,
            format!(
                "the tokenizer produced token {token}, but the graph has {tokens}: \
                tokenizer.json and the graph do not match"
            ),
        )
    })?;
    let total: f64 = logits.iter().map(|l| f64::from(l - largest).exp()).sum();
    let likelihood = f64::from(own - largest) - total.ln();
    if likelihood.is_finite() {
        Ok(likelihood)
    } else {
        Err(unusable(
            "the model gives a token probability 0, so its logarithm is undefined",
        ))
    }
}

/// The largest logit of a row that can be used. Exports in half precision overflow, and then every logit is NaN, infinite, or the same: an
/// answer drawn from them would be garbage.
///
/// # Errors
/// [`ErrorClass::Runtime`] says what the logits are.
pub(super) fn largest(logits: &[f32]) -> Result<f32, ModelError> {
    let (mut smallest, mut largest) = (f32::INFINITY, f32::NEG_INFINITY);
    for logit in logits {
        if logit.is_nan() {
            return Err(unusable("the model's logits are not numbers (NaN)"));
        }
        smallest = smallest.min(*logit);
        largest = largest.max(*logit);
    }
    if largest.is_infinite() {
        Err(unusable("the model's logits are infinite"))
    } else if smallest == largest && logits.len() > 1 {
        Err(unusable("the model's logits are all equal"))
    } else {
        Ok(largest)
    }
}

/// The most likely token; the lowest id of equals.
pub(super) fn argmax(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (i, value) in logits.iter().enumerate() {
        if *value > logits[best] {
            best = i;
        }
    }
    u32::try_from(best).unwrap_or(0)
}

fn unusable(what: &str) -> ModelError {
    ModelError::new(
        ErrorClass::Runtime,
        format!(
            "{what}; an export in half precision may have overflowed: try one in fp32 or int8 (?file=NAME)"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_even_for_large_logits() {
        let logits = [1000.0, 999.0, -1000.0];
        let sum: f64 = (0..3)
            .map(|t| log_softmax_at(&logits, t).expect("a number").exp())
            .sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn logits_that_say_nothing_are_an_error() {
        let (nan, infinite) = (f32::NAN, f32::INFINITY);
        for logits in [
            &[0.0, nan, 1.0][..],
            &[nan, nan],
            &[infinite, 0.0],
            &[-infinite, -infinite],
            &[0.0, 0.0, 0.0],
        ] {
            let error = log_softmax_at(logits, 0).expect_err("an error");
            assert_eq!(error.class, ErrorClass::Runtime, "{logits:?}");
        }
        // Padding tokens are ruled out by many models.
        assert!(log_softmax_at(&[1.0, 0.0, -infinite], 1).is_ok());
        assert!(log_softmax_at(&[1.0, 0.0, -infinite], 2).is_err());
    }

    #[test]
    fn a_token_beyond_the_vocabulary_is_an_error() {
        let error = log_softmax_at(&[1.0, 0.0], 2).expect_err("an error");
        assert_eq!(error.class, ErrorClass::Files);
        assert!(error.message.contains("token 2"), "{error}");
    }
}
