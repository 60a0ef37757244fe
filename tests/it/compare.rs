//! `candor compare` through the binary, against figures computed here.

use serde_json::Value;

use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, ran};

fn compared(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let ran = ran(candor(folder)
        .arg("compare")
        .args(arguments)
        .args(["--format", "json"]))
    .exits_with(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

/// Old right on even questions, new right on all but every seventh.
fn two_models(n: usize) -> Vec<MadeTrial> {
    let value = |model: &str, i: usize| {
        let right = if model == "old" {
            i.is_multiple_of(2)
        } else {
            !i.is_multiple_of(7)
        };
        f64::from(u8::from(right))
    };
    ["old", "new"]
        .iter()
        .flat_map(|model| {
            (0..n).map(|i| MadeTrial::new(model, "sums", format!("q{i:03}"), value(model, i)))
        })
        .collect()
}

#[test]
fn a_comparison_counts_flips_and_tells_what_it_could_have_seen() {
    let folder = tempfile::tempdir().unwrap();
    write_run(&folder.path().join("run"), &two_models(70), |_| ());
    let json = compared(folder.path(), &["run", "--baseline", "old"]);
    let comparison = &json["comparisons"][0];
    // Odd questions not divisible by 7 are gained: 35 − 5; even ones divisible by 7 are lost: 5.
    assert_eq!(comparison["gained"].as_array().unwrap().len(), 30);
    assert_eq!(comparison["lost"].as_array().unwrap().len(), 5);
    assert_eq!(comparison["lost"][1], "q014");
    let value = comparison["difference"]["value"].as_f64().unwrap();
    assert!((value - 25.0 / 70.0).abs() < 1e-12);
    // p of Tango's statistic at no difference is McNemar's: (30 − 5)²/35 = 17.857, χ²(1).
    let p = comparison["p"].as_f64().unwrap();
    assert!((p - 2.381_6e-5).abs() < 1e-8, "{p}");
    assert_eq!(
        (&comparison["shared"], &comparison["missing"]),
        (&70.into(), &0.into())
    );
    assert!(comparison["detectable"].as_f64().unwrap() > 0.1);
    let ranking = &json["rankings"][0];
    assert_eq!(ranking["models"][0]["model"], "new");
    assert_eq!(
        (
            &ranking["models"][0]["best"],
            &ranking["models"][0]["worst"]
        ),
        (&1.into(), &1.into())
    );
    assert_eq!(ranking["not_separable"].as_array().unwrap().len(), 0);
}

#[test]
fn missing_answers_are_told_at_their_worst_and_best() {
    let folder = tempfile::tempdir().unwrap();
    let mut trials = two_models(40);
    // The new model gives no answer to ten questions.
    for trial in trials.iter_mut().filter(|t| t.model == "new").take(10) {
        (trial.value, trial.status) = (None, "error");
    }
    write_run(&folder.path().join("run"), &trials, |_| ());
    let json = compared(folder.path(), &["run", "--baseline", "old"]);
    let comparison = &json["comparisons"][0];
    assert_eq!(
        (&comparison["shared"], &comparison["missing"]),
        (&30.into(), &10.into())
    );
    let at = |name: &str| comparison[name]["value"].as_f64().unwrap();
    // Of the last 30 questions old has 15, new 30 − 4 (14, 21, 28, 35); of the ten missing ones old has 5.
    assert!((at("difference") - 11.0 / 30.0).abs() < 1e-12);
    assert!((at("worst") - (26.0 - 20.0) / 40.0).abs() < 1e-12);
    assert!((at("best") - (36.0 - 20.0) / 40.0).abs() < 1e-12);
}

#[test]
fn models_that_cannot_be_told_apart_share_a_rank() {
    let folder = tempfile::tempdir().unwrap();
    let models = ["a", "b", "c"];
    let trials: Vec<MadeTrial> = models
        .iter()
        .enumerate()
        .flat_map(|(m, model)| {
            (0..100).map(move |i| {
                // a and b differ on four questions, c fails on half.
                let right = match m {
                    0 => i % 25 != 0,
                    1 => i % 25 != 1,
                    _ => i % 2 == 0,
                };
                MadeTrial::new(model, "sums", format!("q{i}"), f64::from(u8::from(right)))
            })
        })
        .collect();
    write_run(&folder.path().join("run"), &trials, |_| ());
    let json = compared(folder.path(), &["run"]);
    let ranking = &json["rankings"][0];
    let ranks: Vec<(u64, u64)> = ranking["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| (m["best"].as_u64().unwrap(), m["worst"].as_u64().unwrap()))
        .collect();
    assert_eq!(ranks, [(1, 2), (1, 2), (3, 3)]);
    assert_eq!(ranking["not_separable"], serde_json::json!([["a", "b"]]));
    let text = ran(candor(folder.path()).args(["compare", "run", "--format", "markdown"]))
        .exits_with(0)
        .stdout;
    assert!(
        text.contains("Not separable on sums at n = 100: a, b."),
        "{text}"
    );
}

#[test]
fn a_target_says_what_is_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let trials: Vec<MadeTrial> = ["old", "new"]
        .iter()
        .flat_map(|model| {
            (0..4).flat_map(move |epoch| {
                (0..50).map(move |i| {
                    let right = !(i * 7 + epoch as usize * 3 + model.len()).is_multiple_of(5);
                    MadeTrial::new(model, "sums", format!("q{i}"), f64::from(u8::from(right)))
                        .epoch(epoch)
                })
            })
        })
        .collect();
    write_run(&folder.path().join("run"), &trials, |_| ());
    let width = |target: &str| {
        let json = compared(folder.path(), &["run", "--target", target]);
        let interval = &json["comparisons"][0]["difference"]["interval"];
        interval["high"].as_f64().unwrap() - interval["low"].as_f64().unwrap()
    };
    // The complete run prints what it prints; these questions vary less than a sample of questions does.
    assert_eq!(width("run"), 0.0);
    assert!(width("suite") > 0.0 && width("population") > 0.0);
    let clustered = compared(folder.path(), &["run", "--target", "population"]);
    assert_eq!(clustered["estimand"], "population");
    ran(candor(folder.path()).args(["compare", "run", "--target", "everything"])).exits_with(2);
    ran(candor(folder.path()).args(["compare", "run", "--cluster-by", "topic"]))
        .exits_with(2)
        .says(&["no stratum 'topic'"]);
}

#[test]
fn models_without_a_shared_question_are_compared_unpaired_and_told_so() {
    let folder = tempfile::tempdir().unwrap();
    // 56 of 70 and 48 of 80: example (a) of Newcombe 1998, whose hybrid interval is 0.0524 to 0.3339.
    let trials: Vec<MadeTrial> = (0..80)
        .map(|i| {
            MadeTrial::new(
                "old",
                "sums",
                format!("old-{i}"),
                f64::from(u8::from(i < 48)),
            )
        })
        .chain((0..70).map(|i| {
            MadeTrial::new(
                "new",
                "sums",
                format!("new-{i}"),
                f64::from(u8::from(i < 56)),
            )
        }))
        .collect();
    write_run(&folder.path().join("run"), &trials, |_| ());
    let json = compared(folder.path(), &["run", "--baseline", "old"]);
    let comparison = &json["comparisons"][0];
    let end = |name: &str| comparison["difference"]["interval"][name].as_f64().unwrap();
    assert!((end("low") - 0.0524).abs() < 1e-4 && (end("high") - 0.3339).abs() < 1e-4);
    assert!(
        comparison["method"]
            .as_str()
            .unwrap()
            .starts_with("unpaired")
    );
    assert_eq!(comparison["shared"], 0);
}
