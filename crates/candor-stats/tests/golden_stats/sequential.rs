//! Evidence that stays valid at every look.

use candor_stats::{
    BettingWealth, Interval, betting_interval, empirical_bernstein_sequence, hedged_log_capital,
    hedged_sequence, hoeffding_sequence, predictable_bets, sign_log_e_value,
};

use super::{Case, each, floats};

/// Holds a sequence of intervals against expected lower and upper ends.
fn check_sequence(case: &Case, field: &str, got: &[Interval]) {
    let want = &case.value["expected"][field];
    if want.is_null() {
        return;
    }
    let (lower, upper) = (floats(&want["lower"]), floats(&want["upper"]));
    assert_eq!(got.len(), lower.len(), "{} {field}", case.id());
    for (t, got) in got.iter().enumerate() {
        case.close(Ok(got.low), &lower[t].into(), case.tolerance, field);
        case.close(Ok(got.high), &upper[t].into(), case.tolerance, field);
    }
}

#[test]
fn golden_confidence_sequence() {
    each("confidence_sequence", |case| {
        let (x, alpha) = (case.floats("x"), case.number("alpha"));
        let expected = &case.value["expected"];
        let population = expected["hedged_wor_grid1000"]["N"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        let hedged = hedged_sequence(&x, alpha, None, 1000).expect("a sequence");
        check_sequence(case, "hedged_grid1000", &hedged);
        if population.is_some() {
            let got = hedged_sequence(&x, alpha, population, 1000).expect("a sequence");
            check_sequence(case, "hedged_wor_grid1000", &got);
        }
        check_sequence(
            case,
            "empirical_bernstein",
            &empirical_bernstein_sequence(&x, alpha).expect("a sequence"),
        );
        check_sequence(
            case,
            "hoeffding",
            &hoeffding_sequence(&x, alpha).expect("a sequence"),
        );
        case.check_list(
            "lambda_predmix_eb",
            &predictable_bets(&x, alpha / 2.0, None),
        );
        case.check_interval(
            "fixed_n_betting_ci_grid1000",
            betting_interval(&x, alpha, 1000),
        );
        // Capital is floored at ln 1e-300 and capped at ln 1e300 in the file.
        let cut = |log: f64| log.clamp(1e-300_f64.ln(), 1e300_f64.ln());
        for (field, _) in expected.as_object().expect("fields") {
            let Some((name, mean)) = field.rsplit_once("_m") else {
                continue;
            };
            let Ok(mean) = mean.parse::<f64>() else {
                continue;
            };
            let draws = if name.ends_with("_wor") {
                population
            } else {
                None
            };
            let got: Vec<f64> = if name.starts_with("log_capital") {
                hedged_log_capital(&x, mean, alpha, draws)
            } else {
                let mut wealth = BettingWealth::against(mean, draws);
                x.iter()
                    .map(|x| {
                        wealth.push(*x);
                        wealth.log_wealth()
                    })
                    .collect()
            };
            case.check_list(field, &got.into_iter().map(cut).collect::<Vec<_>>());
        }
    });
}

#[test]
fn golden_evalue_paired_sign() {
    each("evalue_paired_sign", |case| {
        let prior = case.floats("prior");
        let log_e = sign_log_e_value(
            case.whole("wins"),
            case.whole("losses"),
            (prior[0], prior[1]),
        );
        case.check("log_e", Ok(log_e));
        case.check("e", Ok(log_e.exp()));
        case.check("anytime_p", Ok((-log_e).exp().min(1.0)));
    });
}
