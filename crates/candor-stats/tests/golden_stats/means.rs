//! Means: independent, clustered, repeated, resampled.

use candor_stats::{
    Bootstrap, ClusteredMean, Interval, Mean, VarianceComponents, acceleration, effective_n,
    g_pass_at_k, korn_graubard, logit_interval, normal_quantile, pass_at_k, pass_hat_k,
    wilson_effective_n,
};

use super::{each, each_with_inputs, golden};

#[test]
fn golden_mean_ci() {
    each("mean_ci", |case| {
        let got = Mean::of(&case.floats("values"));
        if case.refusal().is_some() {
            assert!(got.is_err(), "{}", case.id());
            return;
        }
        case.check("se", got.map(|m| m.se));
        case.check("sd", got.map(|m| m.sd));
        let Ok(mean) = got else { return };
        let level = case.number("level");
        case.check("mean", Ok(mean.value));
        case.check_interval("t_ci", mean.t_interval(level));
        case.check_interval("z_ci", mean.z_interval(level));
    });
}

#[test]
fn golden_cluster_se() {
    each("cluster_se", |case| {
        let got = ClusteredMean::of(&case.floats("values"), &case.texts("cluster"));
        if case.refused(&got) {
            return;
        }
        let mean = got.expect("a mean");
        case.check("mean", Ok(mean.value));
        case.check("se_cr0_miller2024", Ok(mean.se_cr0));
        case.check("se_cr1", Ok(mean.se_cr1));
        case.check("se_iid", Ok(mean.se_independent));
        case.check("df", Ok(mean.clusters as f64 - 1.0));
        case.check_interval("t_ci_cr1", mean.t_interval(case.number("level")));
        case.check("design_effect", mean.design_effect());
    });
}

#[test]
fn golden_cluster_se_cr2() {
    each("cluster_se_cr2", |case| {
        let mean =
            ClusteredMean::of(&case.floats("values"), &case.texts("cluster")).expect("a mean");
        case.check("mean", Ok(mean.value));
        case.check("se_cr0", Ok(mean.se_cr0));
        case.check("se_cr1", Ok(mean.se_cr1));
        case.check("se_cr2", Ok(mean.se_cr2));
        case.check("df_satterthwaite", Ok(mean.df_cr2));
        case.check_interval("ci95_cr2", mean.cr2_interval(case.number("level")));
    });
}

#[test]
fn golden_effective_n_wilson() {
    each("effective_n_wilson", |case| {
        let (values, clusters) = (case.floats("values"), case.texts("cluster"));
        let level = case.number("level");
        let got = wilson_effective_n(&values, &clusters, values.len(), level);
        if case.refused(&got) {
            return;
        }
        let got = got.expect("an estimate");
        let mean = ClusteredMean::of(&values, &clusters).expect("a mean");
        case.check("p", Ok(got.value));
        case.check("se", Ok(mean.se_cr1));
        case.check("n_eff_raw", effective_n(&mean));
        case.check_interval("korn_graubard", korn_graubard(&mean, level));
        case.check_interval("logit", logit_interval(&mean, level));
        // Without clusters the house's default is the ordinary Wilson interval, which has its own file.
        if got.clusters < values.len() {
            case.check_interval("wilson_neff_t", Ok(got.interval));
        }
    });
}

#[test]
fn golden_variance_components() {
    each("variance_components", |case| {
        let got = VarianceComponents::of(&case.rows("rows"));
        if case.refused(&got) {
            return;
        }
        let got = got.expect("components");
        case.check("mean", Ok(got.mean));
        case.check("sigma2_within", Ok(got.within));
        case.check("sigma2_between", Ok(got.between));
        case.check("icc1", got.intraclass_correlation());
        case.check("se_mean", Ok(got.se));
        case.check("rerun_sd_of_score", Ok(got.rerun_sd));
        case.check("flip_rate", Ok(got.flip_rate));
        case.check("always_right", Ok(got.always_right));
        case.check("always_wrong", Ok(got.always_wrong));
    });
}

#[test]
fn golden_variance_components_r() {
    each_with_inputs(
        "variance_components_r",
        "variance_components",
        &["50x3"],
        |case, input| {
            let got = VarianceComponents::of(&input.rows("rows")).expect("components");
            case.check("sigma2_between_reml", Ok(got.between));
            case.check("sigma2_within_reml", Ok(got.within));
        },
    );
}

#[test]
fn golden_pass_at_k() {
    each("pass_at_k", |case| {
        let (n, c, k) = (case.whole("n"), case.whole("c"), case.whole("k"));
        if case.refused(&pass_at_k(n, c, k)) {
            assert!(case.refused(&pass_hat_k(n, c, k)) && case.refused(&g_pass_at_k(n, c, k, 0.5)));
            return;
        }
        case.check("pass_at_k", pass_at_k(n, c, k));
        case.check("pass_hat_k", pass_hat_k(n, c, k));
        if let Some(by_tau) = case.value["expected"]["g_pass_at_k"].as_object() {
            for (tau, want) in by_tau {
                let got = g_pass_at_k(n, c, k, tau.parse().expect("a share"));
                case.close(got, want, case.tolerance, tau);
            }
        }
    });
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn jackknife(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values
        .iter()
        .map(|v| (sum - v) / (values.len() as f64 - 1.0))
        .collect()
}

#[test]
fn golden_bootstrap() {
    each("bootstrap", |case| {
        let values = case.floats("values");
        if case.value["input"]["replicates"].is_array() {
            let level = case.number("level");
            let bootstrap =
                Bootstrap::from_replicates(mean(&values), case.floats("replicates")).expect("one");
            case.check("acceleration", acceleration(&jackknife(&values)));
            case.check("z0", bootstrap.bias_correction());
            case.check("se", bootstrap.se());
            case.check_interval("bca_ci", bootstrap.bca(&jackknife(&values), level));
            case.check_interval("percentile_ci", bootstrap.percentile(level));
            return;
        }
        // All resamples are known here: a Monte-Carlo bootstrap comes close to them.
        let drawn = Bootstrap::resample(&values, 20_000, 7, |draw| {
            Ok(draw.iter().copied().sum::<f64>() / draw.len() as f64)
        })
        .expect("a bootstrap");
        let within = |field: &str, got: f64, tolerance: f64| {
            case.close(Ok(got), &case.value["expected"][field], tolerance, field);
        };
        within("boot_mean", drawn.bias() + mean(&values), 0.005);
        within("closed_form_se", drawn.se().expect("a spread"), 0.005);
        let Interval { low, high } = drawn.percentile(0.95).expect("an interval");
        within("q025", low, 0.05);
        within("q975", high, 0.05);
    });
}

#[test]
fn golden_bootstrap_boot_ci() {
    each("bootstrap_boot_ci", |case| {
        let (values, level) = (case.floats("values"), case.number("level"));
        let bootstrap =
            Bootstrap::from_replicates(mean(&values), case.floats("replicates")).expect("one");
        case.check("t0", Ok(mean(&values)));
        case.check("bias", Ok(bootstrap.bias()));
        case.check("se", bootstrap.se());
        case.check_interval("normal", bootstrap.normal(level));
        // R interpolates quantiles on the normal scale, we linearly, as numpy does: 0.005, as the file says. Its bias correction does
        // not count ties, ours counts them half, as scipy's.
        case.check_interval_within("percent", bootstrap.percentile(level), 0.005);
        case.check_interval_within("basic", bootstrap.basic(level), 0.005);
        let replicates = case.floats("replicates");
        let below = replicates
            .iter()
            .filter(|r| **r < mean(&values) - 1e-9)
            .count();
        let correction = normal_quantile(below as f64 / replicates.len() as f64).expect("a share");
        let acceleration = acceleration(&jackknife(&values)).expect("a spread");
        case.check_interval_within(
            "bca",
            bootstrap.bca_with(correction, acceleration, level),
            0.005,
        );
    });
}

#[test]
fn golden_files_are_read() {
    let golden = golden("mean_ci");
    assert!(golden.tolerance > 0.0 && !golden.relative && !golden.cases.is_empty());
}
