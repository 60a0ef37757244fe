//! Many tests and many models.

use candor_stats::{
    BradleyTerry, benjamini_hochberg, benjamini_yekutieli, bonferroni, hochberg, holm, kendall,
    mean_win_rate, pearson, spearman,
};
use serde_json::Value;

use super::{each, each_with_inputs};

#[test]
fn golden_multiplicity() {
    each("multiplicity", |case| {
        let (p, alpha) = (case.floats("p"), case.number("alpha"));
        let holm = holm(&p).expect("p values");
        let bh = benjamini_hochberg(&p).expect("p values");
        case.check_list("bonferroni", &bonferroni(&p).expect("p values"));
        case.check_list("holm", &holm);
        case.check_list("hochberg", &hochberg(&p).expect("p values"));
        case.check_list("bh", &bh);
        case.check_list("by", &benjamini_yekutieli(&p).expect("p values"));
        for (field, adjusted) in [("reject_holm_05", &holm), ("reject_bh_05", &bh)] {
            if let Some(want) = case.value["expected"][field].as_array() {
                let got: Vec<Value> = adjusted.iter().map(|p| Value::from(*p <= alpha)).collect();
                assert_eq!(&got, want, "{} {field}", case.id());
            }
        }
    });
}

#[test]
fn golden_bradley_terry() {
    each("bradley_terry", |case| {
        let got = BradleyTerry::fit(&case.rows("wins"));
        if case.refused(&got) {
            return;
        }
        let got = got.expect("strengths");
        case.check_list("theta_centred", &got.centred);
        case.check_list("se_centred", &got.centred_se);
        case.check_list("theta_ref0", &got.relative);
        case.check_list("se_ref0", &got.relative_se);
        case.check_list("elo_400", &got.elo());
    });
}

#[test]
fn golden_bradley_terry_r() {
    each_with_inputs("bradley_terry_r", "bradley_terry", &[], |case, input| {
        let got = BradleyTerry::fit(&input.rows("wins")).expect("strengths");
        case.check_list("theta_ref0", &got.relative);
        case.check_list("se_ref0", &got.relative_se);
    });
}

#[test]
fn golden_mean_win_rate() {
    each("mean_win_rate", |case| {
        let up: Vec<bool> = case
            .input("higher_is_better")
            .as_array()
            .expect("directions")
            .iter()
            .map(|v| v == &Value::Bool(true))
            .collect();
        let scores: Vec<Vec<Option<f64>>> = case
            .input("scores")
            .as_array()
            .expect("scores")
            .iter()
            .map(|row| {
                row.as_array()
                    .expect("a row")
                    .iter()
                    .map(Value::as_f64)
                    .collect()
            })
            .collect();
        case.check_list(
            "mean_win_rate",
            &mean_win_rate(&scores, &up).expect("rates"),
        );
    });
}

#[test]
fn golden_correlation() {
    each("correlation", |case| {
        let (x, y) = (case.floats("x"), case.floats("y"));
        let (rho, tau, r) = (spearman(&x, &y), kendall(&x, &y), pearson(&x, &y));
        case.check("spearman", rho.map(|c| c.value));
        case.check("spearman_p", rho.map(|c| c.p));
        case.check("kendall_tau_b", tau.map(|c| c.value));
        case.check("kendall_p", tau.map(|c| c.p));
        case.check("pearson", r.map(|c| c.value));
    });
}
