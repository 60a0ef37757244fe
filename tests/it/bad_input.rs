//! What a person may get wrong: each error says what, where and what to do, with the documented exit code.

use std::fs;

use crate::support::{candor, fixtures, has_onnx_runtime, ran, run_suite, sums_suite};

#[test]
fn a_misspelt_key_is_shown_in_its_line() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let yaml = fs::read_to_string(suite.join("suite.yaml"))
        .unwrap()
        .replace("licence:", "license:");
    fs::write(suite.join("suite.yaml"), yaml).unwrap();
    let told =
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open"])).exits_with(2);
    told.says(&[
        "unknown field `license`",
        "sums/suite.yaml:6:1",
        "license: CC0",
        "candor suites schema",
    ]);
}

#[test]
fn a_broken_line_of_a_jsonl_file_is_named() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 30);
    let mut lines: Vec<String> = fs::read_to_string(suite.join("items.jsonl"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    lines[16] = r#"{"id": "s16", "question": "16 + 1 =" "target": 17}"#.into();
    fs::write(suite.join("items.jsonl"), lines.join("\n")).unwrap();
    ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open"]))
        .exits_with(2)
        .says(&["sums/items.jsonl:17", "expected `,` or `}`"]);
}

#[test]
fn templates_scorers_and_ids_are_checked_before_anything_is_asked() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let with = |from: &str, to: &str| {
        fs::write(suite.join("suite.yaml"), yaml.replace(from, to)).unwrap();
        ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open", "--dry-run"]))
    };
    with("{{ question }}", "{{ question")
        .exits_with(2)
        .says(&["template 'user' does not parse", "suite.yaml:9"]);
    with("[number]", "[nubmer]")
        .exits_with(2)
        .says(&["unknown scorer 'nubmer'", "number"]);
    with("[number]", "[{ regex: { pattern: '(' } }]")
        .exits_with(2)
        .says(&["does not parse"]);
    with("format: 1", "format: 2")
        .exits_with(2)
        .says(&["reads suite format 1, not 2"]);
    fs::write(suite.join("suite.yaml"), &yaml).unwrap();
    fs::write(suite.join("items.jsonl"), "{\"id\": \"a\", \"question\": \"?\", \"target\": 1}\n{\"id\": \"a\", \"question\": \"?\", \"target\": 1}\n").unwrap();
    ran(candor(home.path()).args(["run", "-s", "sums", "-m", "demo:open"]))
        .exits_with(2)
        .says(&["two samples have this id"]);
}

#[test]
fn unknown_names_list_what_there_is() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let suite = suite.to_str().unwrap();
    ran(candor(home.path()).args(["run", "-s", "gsm9k", "-m", "demo:open"]))
        .exits_with(2)
        .says(&["unknown suite 'gsm9k'", "gsm8k"]);
    ran(candor(home.path()).args(["run", "-s", suite, "-m", "gpt-4o"]))
        .exits_with(2)
        .says(&["does not name a provider", "openai:NAME"]);
    ran(candor(home.path()).args(["run", "-s", suite, "-m", "opanai:gpt-4o"]))
        .exits_with(2)
        .says(&["unknown provider 'opanai'", "openai"]);
    ran(candor(home.path()).args(["run", "-s", suite, "-m", "demo:shy"]))
        .exits_with(5)
        .says(&["unknown demo model 'shy'", "open, guarded"]);
    ran(candor(home.path()).args(["run", "-s", suite, "-m", "onnx:x?thread=2"]))
        .exits_with(2)
        .says(&["unknown option 'thread'", "threads"]);
    ran(candor(home.path()).args(["run", "-s", suite]))
        .exits_with(2)
        .says(&["no model given", "-m demo:open"]);
    ran(candor(home.path()).args(["run", "-s", "gsm8k", "-m", "demo:open", "--offline"]))
        .exits_with(5)
        .says(&["was not found", "CANDOR_DATA"]);
    ran(candor(home.path()).args(["report", "nowhere"]))
        .exits_with(5)
        .says(&["nowhere is not a run directory"]);
    ran(candor(home.path()).args(["run", "--shard", "3/2", "-s", suite, "-m", "demo:open"]))
        .exits_with(2)
        .says(&["1/4"]);
    ran(candor(home.path()).args(["frobnicate"])).exits_with(2);
}

#[test]
fn a_configuration_is_checked_with_line_and_column() {
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    fs::write(
        home.path().join("candor.toml"),
        "[run]\nepochs = 1\nbudgt = 3.0\n",
    )
    .unwrap();
    ran(candor(home.path()).args(["run", "-s", suite.to_str().unwrap(), "-m", "demo:open"]))
        .exits_with(2)
        .says(&[
            "candor.toml:3:1",
            "unknown field `budgt`",
            "docs/configuration.md",
        ]);
    fs::remove_file(home.path().join("candor.toml")).unwrap();
    ran(candor(home.path()).args([
        "run",
        "-c",
        "missing.toml",
        "-s",
        suite.to_str().unwrap(),
        "-m",
        "demo:open",
    ]))
    .exits_with(2)
    .says(&["cannot read missing.toml"]);
}

#[test]
fn a_model_folder_without_its_tokenizer_is_refused_and_nothing_is_written() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 1);
    let model = home.path().join("model");
    fs::create_dir(&model).unwrap();
    fs::copy(
        fixtures().join("models/llama-optimum/model.onnx"),
        model.join("model.onnx"),
    )
    .unwrap();
    run_suite(home.path(), suite.to_str().unwrap(), "onnx:model", &[])
        .exits_with(5)
        .says(&["tokenizer.json", "next to the graph"]);
    fs::copy(
        fixtures().join("models/llama-optimum/tokenizer.json"),
        model.join("tokenizer.json"),
    )
    .unwrap();
    let graph = fs::read(model.join("model.onnx")).unwrap();
    fs::write(model.join("model.onnx"), &graph[..graph.len() / 2]).unwrap();
    run_suite(home.path(), suite.to_str().unwrap(), "onnx:model", &[])
        .exits_with(5)
        .says(&["model.onnx", "truncated"]);
    assert!(!home.path().join("run").exists());
}

#[test]
fn a_number_that_is_none_is_refused_with_what_to_write() {
    let home = tempfile::tempdir().expect("a folder");
    for (flag, value, advice) in [
        ("--limit", "0", "a whole number above 0"),
        ("--limit", "-1", "a whole number above 0"),
        ("--epochs", "many", "a whole number above 0"),
        ("--max-tokens", "1,000", "a whole number above 0"),
        ("--seed", "-1", "a whole number from 0"),
    ] {
        let run = ["run", "-s", "facts", "-m", "demo:open", flag, value];
        ran(candor(home.path()).args(run))
            .exits_with(2)
            .says(&[flag, value, advice]);
    }
}
