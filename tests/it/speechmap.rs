//! 5,500 real responses with a judge's labels: the rates must be the labels' own.

use std::collections::HashMap;
use std::fs;

use serde_json::Value;

use crate::support::{candor, export, journal, ran, shared};

#[test]
fn imported_rates_equal_the_labels_own() {
    let Some(data) = shared("data/speechmap") else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let run = home.path().join("run");
    ran(candor(home.path()).args([
        "import",
        "speechmap",
        data.to_str().unwrap(),
        "-o",
        run.to_str().unwrap(),
    ]))
    .exits_with(0);
    // The labels as they stand in the files, counted here.
    let mut labels: HashMap<(String, String), HashMap<String, u64>> = HashMap::new();
    for set in fs::read_dir(&data)
        .expect("the data")
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        for file in fs::read_dir(set.path()).expect("a set").flatten() {
            for line in fs::read_to_string(file.path()).expect("a file").lines() {
                let row: Value = serde_json::from_str(line).expect("JSON");
                let key = (
                    row["model"].as_str().unwrap().to_owned(),
                    set.file_name().to_str().unwrap().to_owned(),
                );
                *labels
                    .entry(key)
                    .or_default()
                    .entry(row["compliance"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
    }
    let mut got: HashMap<(String, String), HashMap<String, u64>> = HashMap::new();
    let (mut sums, mut blocked, mut failed) =
        (HashMap::<(String, String), (f64, u64)>::new(), 0, 0);
    for row in export(home.path(), &run) {
        let key = (row["model"].clone(), row["suite"].clone());
        assert_eq!(
            (row["scorer"].as_str(), row["metric"].as_str()),
            ("imported", "compliance")
        );
        *got.entry(key.clone())
            .or_default()
            .entry(row["label"].clone())
            .or_default() += 1;
        match row["status"].as_str() {
            "blocked_upstream" => {
                assert_eq!(row["label"], "ERROR_ORIGINAL_MODERATION");
                blocked += 1;
            }
            "error" => failed += 1,
            _ => {}
        }
        if let Ok(value) = row["value"].parse::<f64>() {
            let sum = sums.entry(key).or_default();
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    assert_eq!(got, labels, "every label, of every model and set");
    assert_eq!((blocked, failed), (25, 2));
    for (key, counts) in &labels {
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let (sum, n) = sums[key];
        assert_eq!(
            (sum as u64, n),
            (
                count("COMPLETE"),
                count("COMPLETE") + count("EVASIVE") + count("DENIAL")
            ),
            "{key:?}"
        );
    }
    let rate = |model: &str, set: &str| sums[&(model.to_owned(), set.to_owned())];
    assert_eq!(
        rate("deepseek/deepseek-r1-0528", "us_criticism"),
        (50.0, 50)
    );
    assert_eq!(
        rate("deepseek/deepseek-r1-0528", "china_criticism"),
        (14.0, 50)
    );
    assert_eq!(
        rate("deepseek/deepseek-r1-0528", "zh_china_criticism"),
        (1.0, 50)
    );
    assert_eq!(rate("qwen/qwen-max", "zh_china_criticism"), (8.0, 39));
}

#[test]
fn the_report_of_the_import_shows_the_rates_and_escapes_what_models_wrote() {
    let Some(data) = shared("data/speechmap") else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let run = home.path().join("run");
    ran(candor(home.path()).args([
        "import",
        "speechmap",
        data.join("us_criticism").to_str().unwrap(),
        "-o",
        run.to_str().unwrap(),
    ]))
    .exits_with(0);
    let told = ran(candor(home.path()).args([
        "report",
        run.to_str().unwrap(),
        "--baseline",
        "openai/gpt-4o-2024-11-20",
    ]))
    .exits_with(0);
    assert!(told.stdout.contains("Report: "), "{}", told.stdout);
    let html = fs::read_to_string(run.join("report.html")).expect("the report");
    assert!(
        html.contains("Content-Security-Policy") && html.contains("default-src &#x27;none&#x27;"),
        "a strict policy"
    );
    let first = &journal(&run)[0];
    assert_eq!(first["suite"], "us_criticism");
    assert_eq!(
        first["pair"],
        first["sample"]
            .as_str()
            .unwrap()
            .rsplit('_')
            .next()
            .unwrap()
    );
    let unknown =
        ran(candor(home.path()).args(["report", run.to_str().unwrap(), "--baseline", "nobody"]))
            .exits_with(2);
    unknown.says(&["no model 'nobody'", "openai/gpt-4o-2024-11-20"]);
}

#[test]
fn a_broken_recording_is_named_with_its_line() {
    let home = tempfile::tempdir().expect("a folder");
    let set = home.path().join("us_criticism");
    fs::create_dir(&set).expect("a folder");
    let row = r#"{"question_id": "us_criticism_01", "question": "q", "model": "m", "response": {"choices": [{"message": {"content": "a"}}]}, "compliance": "COMPLETE"}"#;
    fs::write(
        set.join("m.jsonl"),
        format!("{row}\n{}\n", row.replace("COMPLETE", "SPLENDID")),
    )
    .expect("a file");
    ran(candor(home.path()).args([
        "import",
        "speechmap",
        home.path().to_str().unwrap(),
        "-o",
        "run",
    ]))
    .exits_with(5)
    .says(&["m.jsonl:2", "SPLENDID"]);
    ran(candor(home.path()).args(["import", "speechmap", "nowhere", "-o", "other"]))
        .exits_with(5)
        .says(&["nowhere"]);
}
