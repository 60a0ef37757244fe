//! Statistics against reference values that other software computed (`CANDOR_GOLDEN_STATS`, else ../shared/golden/stats).

use std::path::PathBuf;

use candor::stats::{
    BbqCounts, Interval, PairedCounts, Undefined, adjusted_clustered_t, bbq_ambiguous,
    bbq_disambiguated, clopper_pearson, minimum_detectable_effect, tango, wilson,
    wilson_effective_n,
};
use serde_json::Value;

use crate::support::{shared, skipped};

struct Golden {
    tolerance: f64,
    cases: Vec<Value>,
}

fn golden(name: &str) -> Option<Golden> {
    let folder = match std::env::var_os("CANDOR_GOLDEN_STATS") {
        Some(folder) => PathBuf::from(folder),
        None => shared("golden/stats")?,
    };
    let path = folder.join(format!("{name}.json"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(&format!("there is no {}", path.display()));
        return None;
    };
    let file: Value = serde_json::from_str(&text).expect("JSON");
    Some(Golden {
        tolerance: file["tolerance"].as_f64().expect("a tolerance"),
        cases: file["cases"].as_array().expect("cases").clone(),
    })
}

fn close(got: f64, want: &Value, tolerance: f64, what: &str) {
    let want = want
        .as_f64()
        .unwrap_or_else(|| panic!("{what}: the reference holds no number but {want}"));
    assert!(
        (got - want).abs() <= tolerance * want.abs().max(1.0),
        "{what}: got {got}, want {want}"
    );
}

fn close_interval(got: Interval, want: &Value, tolerance: f64, what: &str) {
    close(got.low, &want[0], tolerance, &format!("{what} low"));
    close(got.high, &want[1], tolerance, &format!("{what} high"));
}

fn whole(value: &Value) -> u64 {
    value.as_u64().expect("a whole number")
}

fn floats(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

fn level(case: &Value) -> f64 {
    case["input"]["level"].as_f64().expect("a level")
}

#[test]
fn golden_proportion_ci() {
    let Some(golden) = golden("proportion_ci") else {
        return;
    };
    for case in &golden.cases {
        let (x, n, id) = (
            whole(&case["input"]["successes"]),
            whole(&case["input"]["n"]),
            case["id"].as_str().unwrap_or_default(),
        );
        if case["expected"].get("error").is_some() {
            assert_eq!(
                wilson(x as f64, n as f64, level(case)),
                Err(Undefined::NoData),
                "{id}"
            );
            continue;
        }
        close_interval(
            wilson(x as f64, n as f64, level(case)).expect(id),
            &case["expected"]["wilson"],
            golden.tolerance,
            id,
        );
        close_interval(
            clopper_pearson(x, n, level(case)).expect(id),
            &case["expected"]["clopper_pearson"],
            golden.tolerance,
            id,
        );
    }
}

#[test]
fn golden_paired_proportion_r() {
    let Some(golden) = golden("paired_proportion_r") else {
        return;
    };
    for case in &golden.cases {
        let input = &case["input"];
        let counts = PairedCounts {
            n11: whole(&input["n11"]),
            n10: whole(&input["n10"]),
            n01: whole(&input["n01"]),
            n00: whole(&input["n00"]),
        };
        let id = case["id"].as_str().unwrap_or_default();
        let got = tango(counts, level(case)).expect(id);
        close(got.value, &case["expected"]["diff"], golden.tolerance, id);
        close_interval(
            got.interval,
            &case["expected"]["tango"],
            golden.tolerance,
            id,
        );
    }
}

#[test]
fn golden_effective_n_wilson() {
    let Some(golden) = golden("effective_n_wilson") else {
        return;
    };
    for case in &golden.cases {
        let values = floats(&case["input"]["values"]);
        let clusters: Vec<String> = case["input"]["cluster"]
            .as_array()
            .expect("clusters")
            .iter()
            .map(ToString::to_string)
            .collect();
        let id = case["id"].as_str().unwrap_or_default();
        let got = wilson_effective_n(&values, &clusters, values.len(), level(case));
        if case["expected"].get("error").is_some() {
            assert!(got.is_err(), "{id}");
            continue;
        }
        let got = got.expect(id);
        close(got.value, &case["expected"]["p"], golden.tolerance, id);
        // Without clusters the house's default is the ordinary Wilson interval, which has its own file.
        if got.clusters < values.len() {
            close_interval(
                got.interval,
                &case["expected"]["wilson_neff_t"],
                golden.tolerance,
                id,
            );
        }
    }
}

#[test]
fn golden_paired_mean() {
    let Some(golden) = golden("paired_mean") else {
        return;
    };
    for case in &golden.cases {
        let (base, candidate) = (
            floats(&case["input"]["base"]),
            floats(&case["input"]["cand"]),
        );
        let differences: Vec<f64> = candidate.iter().zip(&base).map(|(c, b)| c - b).collect();
        let clusters: Vec<usize> = (0..differences.len()).collect();
        let id = case["id"].as_str().unwrap_or_default();
        if case["expected"].get("error").is_some() {
            continue;
        }
        // One-sided 5 % bounds are the two-sided 90 % interval; beyond −1 and 1 the interval is cut.
        let got = adjusted_clustered_t(&differences, &clusters, 0.9).expect(id);
        close(got.value, &case["expected"]["diff"], golden.tolerance, id);
        let cut = |v: &Value| Value::from(v.as_f64().expect("a bound").clamp(-1.0, 1.0));
        close(
            got.interval.low,
            &cut(&case["expected"]["adjusted_lower95"]),
            golden.tolerance,
            id,
        );
        close(
            got.interval.high,
            &cut(&case["expected"]["adjusted_upper95"]),
            golden.tolerance,
            id,
        );
    }
}

#[test]
fn golden_bbq() {
    let Some(golden) = golden("bbq") else { return };
    for case in &golden.cases {
        let count = |name: &str| whole(&case["input"][name]);
        let disambiguated = BbqCounts {
            biased: count("disambig_biased"),
            non_unknown: count("disambig_non_unknown"),
            correct: 0,
            total: 0,
        };
        let ambiguous = BbqCounts {
            biased: count("ambig_biased"),
            non_unknown: count("ambig_non_unknown"),
            correct: count("ambig_correct"),
            total: count("ambig_total"),
        };
        for (got, want) in [
            (bbq_disambiguated(disambiguated), &case["expected"]["s_dis"]),
            (bbq_ambiguous(ambiguous), &case["expected"]["s_amb"]),
        ] {
            match got {
                Ok(value) => close(value, want, golden.tolerance, &case["id"].to_string()),
                Err(_) => assert!(
                    want.is_null(),
                    "{}: undefined, but the reference has {want}",
                    case["id"]
                ),
            }
        }
    }
}

#[test]
fn golden_mde_miller() {
    let Some(golden) = golden("mde_miller") else {
        return;
    };
    for case in &golden.cases {
        let number = |name: &str| case["input"][name].as_f64().expect(name);
        let variance = number("omega2")
            + number("sigma2_a") / number("k_a")
            + number("sigma2_b") / number("k_b");
        close(
            variance,
            &case["expected"]["var_diff"],
            golden.tolerance,
            &case["id"].to_string(),
        );
        let got = minimum_detectable_effect(
            variance,
            number("n") as usize,
            number("alpha"),
            number("power"),
        )
        .expect("an effect");
        close(
            got,
            &case["expected"]["mde"],
            golden.tolerance,
            &case["id"].to_string(),
        );
    }
}
