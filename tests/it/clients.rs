//! Other people's clients of OpenAI's API against `candor serve`: OpenAI's own, and lm-evaluation-harness.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::published::Published;
use crate::serve::Served;
use crate::support::{candor, export, has_onnx_runtime, ran, skipped};

/// A Python with the clients: that of `CANDOR_CLIENTS`, or one that is installed into a folder from `PyPI`.
fn python(folder: &Path) -> Option<PathBuf> {
    if let Some(python) = std::env::var_os("CANDOR_CLIENTS") {
        return Some(python.into());
    }
    let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    let environment = folder.join("venv");
    if !done(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment),
    ) {
        skipped("there is no python3 with venv");
        return None;
    }
    let python = environment.join("bin/python");
    let packages = [
        "-m",
        "pip",
        "install",
        "-q",
        "openai",
        "lm-eval[api]==0.4.13",
        "transformers",
    ];
    if done(Command::new(&python).args(packages)) {
        return Some(python);
    }
    skipped("openai and lm-eval[api] cannot be installed from PyPI");
    None
}

/// A task of lm-evaluation-harness with its documents; its choices are of different lengths, and some cross a character's bytes.
fn task(home: &Path) {
    let items: String = (0..40)
        .flat_map(|i| {
            let choices = [format!(" boat {i}"), " 东京".into(), format!(" {}", i * i)];
            let item = json!({"question": format!("Case {i}: the river is"), "choices": choices, "answer": i % 3});
            [item.to_string(), "\n".into()]
        })
        .collect();
    let write = |name: &str, text: &str| fs::write(home.join(name), text).expect("written");
    fs::create_dir_all(home.join("tasks")).expect("a folder");
    write("rivers.jsonl", &items);
    let documents = home.join("rivers.jsonl");
    write(
        "tasks/rivers.yaml",
        &format!(
            "task: rivers\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: {}\ntest_split: test\noutput_type: multiple_choice\ndoc_to_text: \"{{{{question}}}}\"\ndoc_to_choice: choices\ndoc_to_target: answer\ntarget_delimiter: \"\"\nmetric_list:\n  - metric: acc\n",
            documents.display()
        ),
    );
}

#[test]
#[ignore = "installs openai, lm-eval[api] and transformers from PyPI (some minutes, 1 GB), unless CANDOR_CLIENTS names a Python that has them: `just clients`"]
fn openais_client_and_lm_evals_see_what_candor_sees() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let Some(python) = python(home.path()) else {
        return;
    };
    task(home.path());
    let published = Published::new("qwen2");
    let spec = format!("onnx:{}?name=tiny", published.path().display());
    let served = Served::start(&spec, &[], Some("s3cret"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients.py");
    let output = Command::new(python)
        .args([script, &served.address, "tiny"])
        .args([published.path(), &home.path().join("tasks")])
        .arg("rivers")
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let seen: Value =
        serde_json::from_str(stdout.lines().last().unwrap_or_default()).expect("JSON");

    let openai = &seen["openai"];
    assert_eq!(openai["models"], json!(["tiny"]));
    assert_eq!(openai["streamed"], openai["text"]);
    assert_eq!(openai["streamed_usage"], openai["written"]);
    assert_eq!(openai["tokens"], openai["written"]);
    assert_eq!(openai["echo"], "The river");
    assert_eq!(
        openai["faults"],
        json!({"model": ["NotFoundError", "model"], "temperature": ["BadRequestError", "temperature"], "key": ["AuthenticationError", "invalid_api_key"]})
    );

    // The same items by candor itself.
    let data = format!("lm-eval:tasks#rivers?data={}", home.path().display());
    ran(candor(home.path()).args(["run", "--no-cache", "-o", "run", "-s", &data, "-m", &spec]))
        .exits_with(0);
    let rows = export(home.path(), &home.path().join("run"));
    let own: Vec<(usize, f64)> = {
        let mut own: Vec<(usize, f64)> = rows
            .iter()
            .filter(|row| row["metric"] == "acc")
            .map(|row| {
                let digits: String = row["sample_id"]
                    .chars()
                    .filter(char::is_ascii_digit)
                    .collect();
                (
                    digits.parse().expect("a number"),
                    row["value"].parse().expect("a score"),
                )
            })
            .collect();
        own.sort_by_key(|(number, _)| *number);
        own
    };
    let theirs: Vec<f64> = serde_json::from_value(seen["lm_eval"]["each"].clone()).expect("scores");
    assert_eq!(own.len(), 40);
    assert_eq!(
        own.iter().map(|(_, score)| *score).collect::<Vec<_>>(),
        theirs
    );
    #[allow(clippy::cast_precision_loss)]
    let mean = theirs.iter().sum::<f64>() / theirs.len() as f64;
    assert_eq!(seen["lm_eval"]["acc"].as_f64(), Some(mean));
    println!("accuracy {mean} by both, over {} items", theirs.len());
}
