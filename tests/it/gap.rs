//! `candor gap` through the binary: on real answers, and on pairs with controls.

use serde_json::Value;

use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, ran, speechmap_run};

fn gap(folder: &std::path::Path, arguments: &[&str]) -> Value {
    let ran = ran(candor(folder)
        .arg("gap")
        .args(arguments)
        .args(["--format", "json"]))
    .exits_with(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn figure<'a>(table: &'a Value, model: &str, cell: &str) -> &'a Value {
    let found = table["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|g| g["model"].as_str().is_some_and(|m| m.ends_with(model)) && g["cell"] == cell);
    found.unwrap_or_else(|| panic!("no gap of {model} in {cell}"))
}

#[test]
fn speechmap_shows_the_gap_of_r1_and_none_of_grok() {
    let home = tempfile::tempdir().unwrap();
    if speechmap_run(home.path()).is_none() {
        return;
    }
    let table = gap(
        home.path(),
        &[
            "run",
            "--by",
            "jurisdiction,language",
            "--reference",
            "us · en",
        ],
    );
    // 14 of 50 on China in English, 1 of 50 in Chinese, 50 of 50 on the United States.
    for (cell, value, low, high) in [
        ("china · en − us · en", 0.72, 0.5834, 0.8254),
        ("china · zh − us · en", 0.98, 0.8395, 0.9966),
    ] {
        let r1 = figure(&table, "deepseek-r1-0528", cell);
        let at = |part: &Value| part.as_f64().unwrap();
        assert!((at(&r1["gap"]["value"]) - value).abs() < 1e-9, "{r1}");
        assert!(
            (at(&r1["gap"]["interval"]["low"]) - low).abs() < 2e-3,
            "{r1}"
        );
        assert!(
            (at(&r1["gap"]["interval"]["high"]) - high).abs() < 2e-3,
            "{r1}"
        );
        assert!(at(&r1["p_corrected"]) < 0.001);
        let grok = figure(&table, "grok-3-beta", cell);
        assert!(at(&grok["gap"]["value"]).abs() < 0.021, "{grok}");
    }
    // The language contrast for every model that was asked in both.
    let languages = gap(
        home.path(),
        &["run", "--by", "language", "--reference", "en"],
    );
    assert_eq!(languages["gaps"].as_array().unwrap().len(), 36);
    let r1 = figure(&languages, "deepseek-r1-0528", "zh − en");
    assert!(
        (r1["gap"]["value"].as_f64().unwrap() - 0.26).abs() < 1e-9,
        "1 − 14 of 50: {r1}"
    );
    // Between models, pair by pair: grok has no gap on these, so the difference is r1's own.
    let between = gap(
        home.path(),
        &[
            "run",
            "--by",
            "jurisdiction",
            "--reference",
            "us",
            "--baseline",
            "grok-3-beta",
            "-m",
            "deepseek-r1-0528",
        ],
    );
    let contrast = &between["contrasts"][0];
    assert_eq!(contrast["cell"], "china − us");
    assert!(
        (contrast["difference"]["value"].as_f64().unwrap() - 0.72).abs() < 1e-9,
        "{contrast}"
    );
}

#[test]
fn gaps_beyond_controls_are_corrected_for_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut trials = Vec::new();
    for (model, strict) in [("open", false), ("strict", true)] {
        for country in ["A", "B", "C"] {
            for i in 0..40 {
                for (role, value) in [
                    (
                        "sensitive",
                        f64::from(u8::from(!(strict && country == "A" && i % 4 != 0))),
                    ),
                    ("control", 1.0),
                ] {
                    trials.push(
                        MadeTrial::new(model, "audit", format!("{country}{i}{role}"), value)
                            .side(&format!("{country}{i}"), role)
                            .stratum("country", country),
                    );
                }
            }
        }
    }
    write_run(&folder.path().join("run"), &trials, |_| ());
    let table = gap(
        folder.path(),
        &["run", "--by", "country", "--baseline", "open"],
    );
    assert_eq!(table["kind"], "controls");
    let strict = figure(&table, "strict", "A");
    assert_eq!(
        (strict["first"].as_f64(), strict["second"].as_f64()),
        (Some(0.75), Some(0.0))
    );
    assert!(strict["p_corrected"].as_f64().unwrap() >= strict["p"].as_f64().unwrap());
    assert!(
        figure(&table, "strict", "B")["p_corrected"]
            .as_f64()
            .unwrap()
            > 0.9
    );
    // Six gaps and three contrasts share the correction; the gaps over all countries sum up and do not count.
    assert_eq!(table["looks"], 9);
    let text =
        ran(candor(folder.path()).args(["gap", "run", "--by", "country", "--baseline", "open"]))
            .exits_with(0)
            .stdout;
    assert!(
        text.contains("+75.0") && text.contains("***") && text.contains("strict − open"),
        "{text}"
    );
    ran(candor(folder.path()).args(["gap", "run", "--by", "planet"]))
        .exits_with(2)
        .says(&["no stratum 'planet'", "country"]);
}

#[test]
fn where_scores_are_no_answers_withheld_a_gap_is_one_of_scores() {
    let folder = tempfile::tempdir().unwrap();
    let mut trials = Vec::new();
    for suite in ["audit", "letters"] {
        for i in 0..40 {
            for (role, value) in [
                ("sensitive", if i % 2 == 0 { 0.5 } else { 1.0 }),
                ("control", 1.0),
            ] {
                trials.push(
                    MadeTrial::new("m", suite, format!("{i}{role}"), value)
                        .side(&format!("{suite}{i}"), role),
                );
            }
        }
    }
    write_run(&folder.path().join("run"), &trials, |_| ());
    let scores = gap(folder.path(), &["run", "--suite", "letters"]);
    let m = &scores["gaps"][0];
    assert_eq!(scores["kind"], "pairs");
    assert!(
        (m["gap"]["value"].as_f64().unwrap() + 0.25).abs() < 1e-9,
        "{m}"
    );
    assert!(m["odds_ratio"].is_null(), "{m}");
    let withheld = gap(folder.path(), &["run", "--suite", "audit"]);
    let m = &withheld["gaps"][0];
    assert_eq!(withheld["kind"], "controls");
    assert!(
        (m["gap"]["value"].as_f64().unwrap() - 0.25).abs() < 1e-9,
        "{m}"
    );
    ran(candor(folder.path()).args(["gap", "run"]))
        .exits_with(2)
        .says(&[
            "audit measure withholding, letters something else",
            "--suite",
        ]);
    ran(candor(folder.path()).args(["report", "run", "-o", "report.html"])).exits_with(0);
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for (id, own, other) in [("gaps", "audit", "letters"), ("pairs", "letters", "audit")] {
        let section = html.split(&format!("id=\"{id}\"")).nth(1).expect(id);
        let section = section.split("</section>").next().unwrap();
        assert!(
            section.contains(&format!("{own}: s")) && !section.contains(&format!("{other}: s")),
            "{section}"
        );
    }
}
