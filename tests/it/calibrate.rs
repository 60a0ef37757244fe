//! `candor calibrate` through the binary: agreement and corrected rates against values computed elsewhere.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, export, ran, speechmap_run};

fn calibrate(home: &Path, arguments: &[&str]) -> Value {
    let ran = ran(candor(home)
        .args([
            "calibrate",
            "run",
            "--labels",
            "labels.jsonl",
            "--format",
            "json",
        ])
        .args(arguments))
    .exits_with(0);
    serde_json::from_str(&ran.stdout).expect("JSON")
}

fn close(found: &Value, wanted: f64) {
    let value = found.as_f64().unwrap_or(f64::NAN);
    assert!((value - wanted).abs() < 1e-9, "{value} is not {wanted}");
}

#[test]
fn two_judges_of_speechmap_agree_as_computed_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let Some(data) = speechmap_run(home.path()) else {
        return;
    };
    let keys: HashMap<[String; 3], String> = export(home.path(), &home.path().join("run"))
        .into_iter()
        .map(|row| {
            let key = ["suite", "sample_id", "model"].map(|c| row[c].clone());
            (key, row["trial_key"].clone())
        })
        .collect();
    let judged = fs::read_to_string(data.join("second-judge.jsonl")).unwrap();
    let mut labels = String::new();
    for line in judged.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let of = |name: &str| row[name].as_str().unwrap().to_owned();
        let trial = &keys[&["question_set", "question_id", "model"].map(of)];
        let label = json!({ "trial": trial, "class": of("compliance"), "by": of("judge_model") });
        writeln!(labels, "{label}").unwrap();
    }
    fs::write(home.path().join("labels.jsonl"), labels).unwrap();
    let found = calibrate(home.path(), &[]);
    assert_eq!(found["matched"], 5471);
    assert_eq!(found["without_verdict"], 29);
    // By scikit-learn's cohen_kappa_score and Gwet's formula in NumPy over the same files.
    for (group, n, kappa, ac1) in [
        (
            "all",
            5471,
            0.868_943_718_120_083_6,
            0.950_189_307_895_771_9,
        ),
        (
            "suite china_criticism",
            1836,
            0.881_591_144_266_634_5,
            0.956_861_201_040_598_5,
        ),
        (
            "suite us_criticism",
            1847,
            0.855_674_639_731_526,
            0.989_332_894_000_022_8,
        ),
        (
            "suite zh_china_criticism",
            1788,
            0.840_903_490_759_753_6,
            0.893_177_725_974_111_8,
        ),
    ] {
        let groups = found["agreement"].as_array().unwrap();
        let row = groups
            .iter()
            .find(|g| g["group"] == group)
            .expect("the group");
        assert_eq!(row["n"], n, "{group}");
        close(&row["kappa"]["value"], kappa);
        close(&row["ac1"]["value"], ac1);
    }
    let all = &found["agreement"][0];
    assert_eq!(all["labels"], json!(["COMPLETE", "DENIAL", "EVASIVE"]));
    assert_eq!(
        all["confusion"],
        json!([[4376, 0, 66], [1, 220, 28], [63, 71, 646]])
    );
}

/// Two models, 400 answers each: four in five answered, a labeller that is wrong on one in seven, and a label from outside for every
/// second answer.
fn made(home: &Path) {
    let (mut trials, mut labels) = (Vec::new(), String::new());
    for (model, shift) in [("a", 0), ("b", 2)] {
        for i in 0..400 {
            let answered = (i + shift) % 5 != 0;
            let seen = answered != ((i * 3 + shift) % 7 == 0);
            let class = |answered| if answered { "complete" } else { "denial" };
            let value = f64::from(u8::from(seen));
            let trial = MadeTrial::new(model, "s", format!("q{i}"), value).label(class(seen));
            if i % 2 == 0 {
                let label = json!({ "trial": trial.key(), "class": class(answered), "by": "ann" });
                writeln!(labels, "{label}").unwrap();
            }
            trials.push(trial);
        }
    }
    write_run(&home.join("run"), &trials, |_| {});
    fs::write(home.join("labels.jsonl"), labels).unwrap();
}

#[test]
fn rates_are_corrected_as_computed_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    made(home.path());
    let found = calibrate(home.path(), &[]);
    assert_eq!(found["matched"], 400);
    // In NumPy, after ppi_py's ppi_mean_ci with its tuned λ.
    for (row, raw, value, low, high) in [
        (
            0,
            0.715,
            0.8,
            0.750_286_976_706_737_3,
            0.849_713_023_293_262_9,
        ),
        (
            1,
            0.7125,
            0.798_624_347_826_087,
            0.748_879_938_643_286_1,
            0.848_368_757_008_888,
        ),
    ] {
        let rate = &found["rates"][row];
        close(&rate["raw"]["value"], raw);
        close(&rate["outside"]["value"], 0.8);
        let powered = &rate["prediction_powered"];
        close(&powered["value"], value);
        close(&powered["interval"]["low"], low);
        close(&powered["interval"]["high"], high);
    }
    // Rogan and Gladen's rate of a with b's errors (137 of 160 found, 34 of 40 cleared), Lang and Reiczigel's interval: in NumPy.
    let corrected = &found["rates"][0]["rogan_gladen"];
    close(&corrected["value"], 0.8);
    close(&corrected["interval"]["low"], 0.700_417_379_097_355_6);
    close(&corrected["interval"]["high"], 0.893_396_698_723_679_7);
}

#[test]
fn too_few_labels_correct_nothing_and_people_at_odds_are_left_out() {
    let home = tempfile::tempdir().unwrap();
    made(home.path());
    let file = home.path().join("labels.jsonl");
    let all = fs::read_to_string(&file).unwrap();
    let mut few: String = all
        .lines()
        .take(20)
        .fold(String::new(), |all, l| all + l + "\n");
    let first: Value = serde_json::from_str(few.lines().next().unwrap()).unwrap();
    // Another sees the first trial otherwise; and changes her mind about a trial that is not of this run.
    for (trial, class) in [
        (first["trial"].clone(), "unsure"),
        (json!("abc"), "complete"),
        (json!("abc"), "denial"),
    ] {
        writeln!(
            few,
            "{}",
            json!({ "trial": trial, "class": class, "by": "bob" })
        )
        .unwrap();
    }
    fs::write(&file, few).unwrap();
    let found = calibrate(home.path(), &["--by", "model"]);
    assert_eq!(
        (&found["matched"], &found["disputed"], &found["unknown"]),
        (&json!(19), &json!(1), &json!(1))
    );
    assert_eq!(
        found["rates"][0]["prediction_powered"],
        json!({ "undefined": "too_few_labels" })
    );
    assert_eq!(found["agreement"][1]["group"], "model a");
}

#[test]
fn a_labeller_is_admitted_by_lower_bounds_on_what_it_finds() {
    let home = tempfile::tempdir().unwrap();
    made(home.path());
    // Found are 68 of 80 withheld and 274 of 320 answered: by Wilson's interval 75.6 to 91.2 % and 81.4 to 89.1 %.
    for (admit, code, words) in [
        ("--admit=0.75,0.81", 0, "The labeller is admitted."),
        ("--admit=0.8,0.8", 3, "The labeller is undecided"),
        ("--admit", 1, "The labeller is not admitted."),
        ("--admit=0.9", 2, "is not two shares from 0 to 1"),
        ("--admit=0.9,1.1", 2, "is not two shares from 0 to 1"),
    ] {
        let calibrate = ["calibrate", "run", "--labels", "labels.jsonl", admit];
        ran(candor(home.path()).args(calibrate))
            .exits_with(code)
            .says(&[words]);
    }
}

#[test]
fn what_is_no_label_is_named() {
    let home = tempfile::tempdir().unwrap();
    made(home.path());
    let file = home.path().join("labels.jsonl");
    for (labels, code, words) in [
        (
            "{\"trial\": \"x\", \"class\": \"rude\", \"by\": \"ann\"}\n",
            2,
            "unknown label 'rude' of trial x",
        ),
        (
            "{\"trial\": \"x\", \"class\": \"denial\", \"by\": \"ann\"}\n",
            2,
            "none of the labels belongs to a trial of this run",
        ),
        ("\n{\"trial\": \"x\"}\n", 5, "line 2: missing field `class`"),
    ] {
        fs::write(&file, labels).unwrap();
        ran(candor(home.path()).args(["calibrate", "run", "--labels", "labels.jsonl"]))
            .exits_with(code)
            .says(&[words]);
    }
    fs::write(&file, "").unwrap();
    ran(candor(home.path()).args([
        "calibrate",
        "run",
        "--labels",
        "labels.jsonl",
        "--metric",
        "refusal.class",
    ]))
    .exits_with(2)
    .says(&["has a label from refusal.class"]);
}
