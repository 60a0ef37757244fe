//! Means of several samples together, and their standard errors: what a group of tasks scores.

/// The standard error of a sample's mean: its standard deviation (with n − 1) over √n. None for fewer than two values.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn standard_error_of_mean(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    Some((squares / (n - 1.0)).sqrt() / n.sqrt())
}

/// The mean of samples' means, each weighted by its size, and its standard error from theirs: the pooled variance over all values. Samples
/// are a mean, a standard error and a size; none where there are none, or as many samples as values.
///
/// The formula is that by which lm-evaluation-harness sums up groups weighted by size.
#[must_use]
pub fn pooled_mean(samples: &[(f64, f64, f64)]) -> Option<(f64, f64)> {
    let all: f64 = samples.iter().map(|(.., n)| n).sum();
    let groups = f64::from(u32::try_from(samples.len()).ok()?);
    if groups == 0.0 || all <= groups {
        return None;
    }
    let mean = samples.iter().map(|(mean, _, n)| mean * n).sum::<f64>() / all;
    let squares: f64 = samples
        .iter()
        .map(|(_, error, n)| (n - 1.0) * error.powi(2) * n)
        .sum();
    Some((mean, (squares / (all - groups) / all).sqrt()))
}

/// The plain mean of samples' means, and its standard error from theirs: √Σe² / k. Samples are a mean and a standard error.
#[must_use]
pub fn mean_of_means(samples: &[(f64, f64)]) -> Option<(f64, f64)> {
    let groups = f64::from(u32::try_from(samples.len()).ok().filter(|k| *k > 0)?);
    let mean = samples.iter().map(|(mean, _)| mean).sum::<f64>() / groups;
    let error = samples
        .iter()
        .map(|(_, error)| error.powi(2))
        .sum::<f64>()
        .sqrt()
        / groups;
    Some((mean, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_summed_up_as_lm_eval_does() {
        // lm-eval 0.4.13: mean_stderr, aggregate_subtask_metrics, pooled_sample_stderr, unweighted_mean_stderr.
        let error = standard_error_of_mean(&[1.0, 0.0, 1.0, 1.0]).expect("four values");
        assert!((error - 0.25).abs() < 1e-12);
        let (mean, error) =
            pooled_mean(&[(0.5, 0.1, 10.0), (0.8, 0.05, 30.0)]).expect("two samples");
        assert!((mean - 0.725).abs() < 1e-12);
        assert!((error - POOLED).abs() < 1e-12, "{error}");
        let (mean, error) = mean_of_means(&[(0.5, 0.1), (0.8, 0.05)]).expect("two samples");
        assert!((mean - 0.65).abs() < 1e-12 && (error - 0.055_901_699_437_494_74).abs() < 1e-12);
    }

    const POOLED: f64 = 0.044_978_064_829_308_45;
}
