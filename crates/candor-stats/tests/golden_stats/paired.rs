//! Two models on the same questions.

use candor_stats::{
    AdjustedT, Inference, PairedCounts, PairedT, Tango, Verdict, agresti_min, bonett_price,
    conditional_odds_ratio, mcnemar, newcombe_paired, wald_paired,
};

use super::{Case, each};

fn counts(case: &Case) -> PairedCounts {
    PairedCounts {
        n11: case.whole("n11"),
        n10: case.whole("n10"),
        n01: case.whole("n01"),
        n00: case.whole("n00"),
    }
}

#[test]
fn golden_paired_proportion_r() {
    each("paired_proportion_r", |case| {
        let (counts, level) = (counts(case), case.number("level"));
        let tango = Tango::new(counts).expect("pairs");
        case.check("diff", Ok(tango.value()));
        case.check_interval("tango", tango.interval(level));
        case.check_interval("newcombe_square_and_add", newcombe_paired(counts, level));
        case.check_interval("bonett_price", bonett_price(counts, level));
        case.check_interval("agresti_min", agresti_min(counts, level));
        case.check_interval("wald", wald_paired(counts, level));
        case.check("mcnemar_exact_p", mcnemar(counts).map(|m| m.exact_p));
        // The reference has ½ or less where both cells are equal; 1 is right there, and has its own file.
        if counts.n10 != counts.n01 {
            case.check(
                "mcnemar_midp_fagerland2013",
                mcnemar(counts).map(|m| m.mid_p),
            );
        }
        let ratio = conditional_odds_ratio(counts, level);
        case.check("conditional_or", ratio.map(|r| r.value));
        case.check_interval("conditional_or_exact_ci", ratio.map(|r| r.exact));
        // R finds the mid-p ends as shares b/(b + c) with `uniroot` at its default tolerance, 1.2e-4.
        if let (Ok(ratio), Some(want)) = (
            ratio,
            case.value["expected"]["conditional_or_midp_ci"].as_array(),
        ) {
            for (got, want) in [ratio.mid_p.low, ratio.mid_p.high].into_iter().zip(want) {
                let want = want.as_f64().unwrap_or(f64::INFINITY);
                let share = |odds: f64| 1.0 - 1.0 / (1.0 + odds);
                assert!(
                    (share(got) - share(want)).abs() < 1.3e-4,
                    "{}: {got}, want {want}",
                    case.id()
                );
            }
        }
    });
}

#[test]
fn golden_mcnemar() {
    each("mcnemar", |case| {
        let got = mcnemar(counts(case));
        case.check("exact_p", got.map(|m| m.exact_p));
        case.check("midp", got.map(|m| m.mid_p));
        case.check("chi2", got.map(|m| m.chi_squared));
        case.check("chi2_p", got.map(|m| m.chi_squared_p));
        case.check("chi2_cc", got.map(|m| m.chi_squared_corrected));
        case.check("chi2_cc_p", got.map(|m| m.chi_squared_corrected_p));
    });
}

#[test]
fn golden_paired_mean() {
    each("paired_mean", |case| {
        let differences: Vec<f64> = case
            .floats("cand")
            .iter()
            .zip(case.floats("base"))
            .map(|(c, b)| c - b)
            .collect();
        let (margin, level) = (case.number("margin"), 1.0 - 2.0 * case.number("alpha"));
        let plain = PairedT::new(&differences);
        if case.refused(&plain) {
            return;
        }
        case.check("se", plain.map(|t| t.se()));
        case.check("t", plain.map(|t| t.t()));
        case.check("p_two_sided", plain.and_then(|t| t.p_two_sided()));
        case.check_interval("ci95", plain.and_then(|t| t.interval(0.95)));
        case.check(
            "noninferiority_p",
            plain.and_then(|t| t.p_not_above(-margin)),
        );
        case.check("tost_p", plain.and_then(|t| t.equivalence_p(margin)));
        let bounds = plain.and_then(|t| t.interval(level));
        case.check("one_sided_lower95", bounds.map(|i| i.low));
        case.check("one_sided_upper95", bounds.map(|i| i.high));
        let alone: Vec<usize> = (0..differences.len()).collect();
        let adjusted = AdjustedT::new(&differences, &alone).expect("differences");
        case.check("diff", Ok(adjusted.value()));
        case.check("adjusted_diff", Ok(adjusted.centre()));
        case.check("adjusted_se", Ok(adjusted.se()));
        // Beyond −1 and 1 our interval is cut.
        let got = adjusted.interval(level).expect("an interval");
        for (field, got) in [
            ("adjusted_lower95", got.low),
            ("adjusted_upper95", got.high),
        ] {
            if let Some(want) = case.value["expected"][field].as_f64() {
                let want = want.clamp(-1.0, 1.0).into();
                case.close(Ok(got), &want, case.tolerance, field);
            }
        }
    });
}

#[test]
fn golden_gate_verdict() {
    each("gate_verdict", |case| {
        let (gained, lost, n) = (
            case.whole("candidate_only_right"),
            case.whole("baseline_only_right"),
            case.whole("n"),
        );
        let tango = Tango::new(PairedCounts {
            n11: n - gained - lost,
            n10: gained,
            n01: lost,
            n00: 0,
        })
        .expect("pairs");
        let (margin, alpha) = (case.number("margin"), case.number("alpha"));
        let interval = tango.interval(1.0 - 2.0 * alpha).expect("an interval");
        case.check("diff", Ok(tango.value()));
        case.check("lower", Ok(interval.low));
        case.check("upper", Ok(interval.high));
        case.check("p_noninferior", tango.p_not_above(-margin));
        case.check("p_beyond_margin", tango.p_not_below(-margin));
        case.check("p_drop", tango.p_not_below(0.0));
        assert_eq!(
            Some(Verdict::of(interval, margin).name()),
            case.value["expected"]["verdict"].as_str(),
            "{}",
            case.id()
        );
    });
}
