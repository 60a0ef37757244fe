//! Log-probabilities from rows of logits.

/// Natural-log softmax of `logits` at `token`, summed in f64.
pub(super) fn log_softmax_at(logits: &[f32], token: u32) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits.iter().map(|l| f64::from(l - largest).exp()).sum();
    f64::from(logits[token as usize] - largest) - total.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_even_for_large_logits() {
        let logits = [1000.0, 999.0, -1000.0];
        let sum: f64 = (0..3).map(|t| log_softmax_at(&logits, t).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
