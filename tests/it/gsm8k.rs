//! Four models' recorded solutions to GSM8K: candor's verdicts must be the file's own `is_correct`.

use std::collections::HashMap;
use std::fs;

use serde_json::Value;

use crate::support::{candor, export, ran, shared};

const MODELS: &[&str] = &[
    "6b_finetuning",
    "6b_verification",
    "175b_finetuning",
    "175b_verification",
];

fn rows(path: &std::path::Path) -> Vec<Value> {
    fs::read_to_string(path)
        .expect("the data")
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect()
}

#[test]
fn recorded_solutions_are_judged_as_their_file_judges_them() {
    let Some(data) = shared("data") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let (recording, run) = (
        data.join("gsm8k/example_model_solutions.jsonl"),
        home.path().join("run"),
    );
    let mut command = candor(home.path());
    command.env("CANDOR_DATA", &data).args([
        "run",
        "-s",
        "gsm8k",
        "--no-cache",
        "-o",
        run.to_str().unwrap(),
    ]);
    for model in MODELS {
        command.args([
            "-m",
            &format!(
                "replay:{}?key=question&answer={model}.solution&name={model}",
                recording.display()
            ),
        ]);
    }
    ran(&mut command).exits_with(0);
    let by_question: HashMap<String, Value> = rows(&recording)
        .into_iter()
        .map(|r| (r["question"].as_str().unwrap().trim().to_owned(), r))
        .collect();
    let test = rows(&data.join("gsm8k/test.jsonl"));
    let mut differ = Vec::new();
    let all = export(home.path(), &run);
    for row in &all {
        let number: usize = row["sample_id"]
            .trim_start_matches("gsm8k-")
            .parse()
            .expect("a row number");
        let recorded =
            &by_question[test[number - 1]["question"].as_str().unwrap().trim()][&row["model"]];
        if (row["value"] == "1.0") != recorded["is_correct"].as_bool().unwrap() {
            differ.push(format!(
                "{} {}: candor read {}",
                row["sample_id"], row["model"], row["label"]
            ));
        }
    }
    assert_eq!(all.len(), 4 * 1319);
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
}
