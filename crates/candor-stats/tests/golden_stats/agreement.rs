//! Agreement of raters.

use candor_stats::{
    Agreement, Ratings, Scale, Undefined, Weights, cohen_kappa, fleiss_kappa, gwet_ac1,
    kappa_null_se, krippendorff_alpha, krippendorff_alpha_se, normal_cdf, percent_agreement,
};

use super::{Case, each};

fn table(case: &Case) -> Vec<Vec<u64>> {
    case.rows("table")
        .iter()
        .map(|row| row.iter().map(|c| *c as u64).collect())
        .collect()
}

/// The table as two raters' lists.
fn lists(table: &[Vec<u64>]) -> Ratings {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (i, row) in table.iter().enumerate() {
        for (j, n) in row.iter().enumerate() {
            for _ in 0..*n {
                first.push(Some(i as f64));
                second.push(Some(j as f64));
            }
        }
    }
    Ratings::new(&[first, second]).expect("ratings")
}

#[test]
fn golden_agreement_two_raters() {
    each("agreement_two_raters", |case| {
        let table = table(case);
        let kappa = cohen_kappa(&table, Weights::Unweighted);
        if case.refused(&kappa) {
            return;
        }
        let part = |a: Result<Agreement, Undefined>, f: fn(Agreement) -> f64| a.map(f);
        case.check("kappa", part(kappa, |k| k.value));
        case.check("se", part(kappa, |k| k.se));
        case.check_interval("ci95", kappa.and_then(|k| k.z_interval(0.95)));
        let null = kappa_null_se(&table, Weights::Unweighted);
        case.check("se_null", null);
        let z = kappa.and_then(|k| null.map(|se| k.value / se));
        case.check("p_two_sided", z.map(|z| 2.0 * normal_cdf(-z.abs())));
        case.check("percent_agreement", percent_agreement(&table));
        for (weights, value, se) in [
            (Weights::Linear, "kappa_linear", "se_linear"),
            (Weights::Quadratic, "kappa_quadratic", "se_quadratic"),
        ] {
            let got = cohen_kappa(&table, weights);
            case.check(value, part(got, |k| k.value));
            case.check(se, part(got, |k| k.se));
        }
        let ac1 = gwet_ac1(&lists(&table));
        case.check("ac1", part(ac1, |k| k.value));
        case.check("ac1_se", part(ac1, |k| k.se));
        case.check_interval("ac1_ci95", ac1.and_then(|k| k.t_interval(0.95)));
    });
}

#[test]
fn golden_agreement_many_raters() {
    each("agreement_many_raters", |case| {
        let raters: Vec<Vec<Option<f64>>> = case
            .input("raters")
            .as_array()
            .expect("raters")
            .iter()
            .map(|r| {
                r.as_array()
                    .expect("a rater")
                    .iter()
                    .map(serde_json::Value::as_f64)
                    .collect()
            })
            .collect();
        let ratings = Ratings::new(&raters).expect("ratings");
        let nominal = krippendorff_alpha(&ratings, Scale::Nominal);
        if case.refused(&nominal) {
            return;
        }
        case.check("nominal", nominal);
        case.check("ordinal", krippendorff_alpha(&ratings, Scale::Ordinal));
        case.check("interval", krippendorff_alpha(&ratings, Scale::Interval));
        case.check("ratio", krippendorff_alpha(&ratings, Scale::Ratio));
        case.check("alpha_nominal_irrcac", nominal);
        case.check("alpha_nominal_se_irrcac", krippendorff_alpha_se(&ratings));
        case.check("fleiss_irrcac", fleiss_kappa(&ratings));
        case.check("ac1", gwet_ac1(&ratings).map(|a| a.value));
        case.check("ac1_se", gwet_ac1(&ratings).map(|a| a.se));
    });
}
