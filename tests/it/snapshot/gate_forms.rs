//! A gate's outcome, in every form: for a terminal, a pull request, a CI system and a program.

use std::fs;

use serde_json::Value;

use super::{shows, transcript, worlds};

/// JSON with its numbers to six digits, so that the last bits of another processor's logarithms do not show.
fn rounded(json: &str) -> String {
    fn round(value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(round),
            Value::Object(fields) => fields.values_mut().for_each(round),
            Value::Number(number) if number.is_f64() => {
                let digits = format!("{:.5e}", number.as_f64().unwrap_or_default());
                *value = digits.parse::<f64>().unwrap().into();
            }
            _ => (),
        }
    }
    let mut value = serde_json::from_str(json).unwrap();
    round(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn a_gate_shows_every_verdict_in_every_form() {
    let project = worlds::project();
    let said = transcript(
        project.path(),
        &[
            "gate",
            "--candidate",
            "run#strict",
            "--junit",
            "gate.xml",
            "--markdown",
            "gate.md",
            "--json",
            "gate.json",
            "--annotations",
            "none",
        ],
    );
    shows("gate", &said);
    let written = |file: &str| fs::read_to_string(project.path().join(file)).unwrap();
    shows("gate-junit", &written("gate.xml"));
    shows("gate-markdown", &written("gate.md"));
    shows("gate-json", &rounded(&written("gate.json")));
    let annotated = |platform: &str| {
        let arguments = ["gate", "--candidate", "run#weak", "--annotations", platform];
        transcript(project.path(), &arguments)
    };
    shows("gate-github", &annotated("github"));
    annotated("gitlab");
    shows("gate-gitlab", &written("gl-code-quality-report.json"));
}

#[test]
fn a_gate_that_passes_says_so_in_one_screen() {
    let project = worlds::project();
    worlds::write(
        project.path(),
        "gate.toml",
        "baseline = \"run#open\"\n[[rule]]\nname = \"Not worse\"\nsuite = \"sums\"\nnot_worse_than_baseline_by = \"5 points\"\n",
    );
    let arguments = ["gate", "--candidate", "run#open", "--annotations", "none"];
    shows("gate-pass", &transcript(project.path(), &arguments));
}
