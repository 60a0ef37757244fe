//! What a number of questions can show.

use candor_stats::{
    Discordance, NonInferiority, minimum_detectable_effect, paired_t_power_one_sided,
    paired_t_power_two_sided,
};

use super::{Case, each};

fn test(case: &Case) -> NonInferiority {
    NonInferiority {
        variance: case.number("var_diff"),
        margin: case.number("margin"),
        alpha: case.number("alpha"),
    }
}

#[test]
fn golden_power_noninferiority() {
    each("power_noninferiority", |case| {
        let (n, difference) = (case.whole("n") as usize, case.number("true_diff"));
        // The reference's noncentral t breaks down close to 1 (scipy 1.12; scipy 1.17 and mpmath have the value of the test below).
        let sound = case.value["expected"]["power_pass_t"].as_f64() < Some(0.9999);
        if sound {
            case.check("power_pass_t", test(case).power(n, difference));
        }
        case.check("power_pass_z", test(case).power_normal(n, difference));
    });
}

#[test]
fn the_power_of_a_large_test_agrees_with_mpmath() {
    let test = NonInferiority {
        variance: 0.15,
        margin: 0.05,
        alpha: 0.05,
    };
    let got = test.power(2000, 0.0).expect("a power");
    assert!((got - 0.999_981_599_245_271).abs() < 1e-11, "{got}");
}

#[test]
fn golden_sample_size_noninferiority() {
    each("sample_size_noninferiority", |case| {
        let power = case.number("power");
        case.check("n_z_unrounded", test(case).questions_normal(power));
        case.check("n_t", test(case).questions(power).map(|n| n as f64));
    });
}

#[test]
fn golden_power_paired_t() {
    each("power_paired_t", |case| {
        let (n, delta) = (case.whole("n") as usize, case.number("delta"));
        let (sd, alpha) = (case.number("sd"), case.number("alpha"));
        case.check(
            "power_one_sided",
            paired_t_power_one_sided(n, delta, sd, alpha),
        );
        case.check(
            "power_two_sided",
            paired_t_power_two_sided(n, delta, sd, alpha),
        );
    });
}

#[test]
fn golden_power_mcnemar() {
    each("power_mcnemar", |case| {
        let chances = Discordance {
            first_only: case.number("p10"),
            second_only: case.number("p01"),
        };
        let (n, alpha) = (case.whole("n"), case.number("alpha"));
        case.check("power_normal", chances.power_normal(n, alpha));
        if !case.value["expected"]["power_conditional_exact"].is_null() {
            case.check(
                "power_conditional_exact",
                chances.power_conditional(n, alpha),
            );
        }
        if !case.value["expected"]["power_exact2x2"].is_null() {
            case.check("power_exact2x2", chances.power_exact(n, alpha));
        }
    });
}

#[test]
fn golden_mde_miller() {
    each("mde_miller", |case| {
        let variance = case.number("omega2")
            + case.number("sigma2_a") / case.number("k_a")
            + case.number("sigma2_b") / case.number("k_b");
        case.check("var_diff", Ok(variance));
        case.check(
            "mde",
            minimum_detectable_effect(
                variance,
                case.whole("n") as usize,
                case.number("alpha"),
                case.number("power"),
            ),
        );
    });
}
