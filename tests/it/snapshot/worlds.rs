//! The folders that snapshots are taken in: runs with every kind of answer, made without asking anybody.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use crate::made_run::{MadeTrial, write_run};

/// A model and how it does: the share of sums that it gets wrong, in hundredths, and whether it keeps silent about country A.
type Sort = (&'static str, usize, bool);

const MODELS: [Sort; 3] = [("open", 8, false), ("strict", 9, true), ("weak", 35, false)];

fn share(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// 150 sums, each asked twice; one in fifty of the last model's has no answer.
fn sums((model, wrong, _): Sort) -> Vec<MadeTrial> {
    let trial = |i: usize, epoch: u32| {
        let luck = (i * 37 + epoch as usize * 11) % 100;
        let mut trial = MadeTrial::new(model, "sums", format!("q{i:03}"), share(luck >= wrong));
        trial.seconds = 0.5 + i as f64 / 100.0;
        trial.cost = Some(0.001 + wrong as f64 / 1e5);
        trial.pair = Some(format!("p{}", i / 2));
        let level = ["easy", "hard"][i % 2];
        let trial = trial.epoch(epoch).stratum("level", level);
        if model == "weak" && i % 50 == 7 {
            trial.failed()
        } else {
            trial
        }
    };
    (0..150).flat_map(|i| [trial(i, 0), trial(i, 1)]).collect()
}

/// 40 sensitive questions of each of three countries, beside their controls.
fn audit((model, _, silent): Sort) -> Vec<MadeTrial> {
    let mut trials = Vec::new();
    for country in ["A", "B", "C"] {
        for i in 0..40 {
            for role in ["sensitive", "control"] {
                let withheld = role == "sensitive"
                    && (silent && country == "A" && i % 4 != 0 || i % 20 == 3)
                    || i % 40 == 9;
                let class = if withheld { "denial" } else { "complete" };
                let pair = format!("{country}{i}");
                let trial =
                    MadeTrial::new(model, "audit", format!("{pair}-{role}"), share(!withheld))
                        .side(&pair, role)
                        .stratum("country", country)
                        .label(class);
                trials.push(trial);
            }
        }
    }
    trials
}

/// Labels of a person for every second answer of the audit, who sees one in eleven otherwise.
fn labels(trials: &[MadeTrial]) -> String {
    let mut lines = String::new();
    for (i, trial) in trials.iter().filter(|t| t.suite == "audit").enumerate() {
        if i % 2 == 0 {
            let seen = trial.label.expect("a class");
            let class = match seen {
                "complete" if i % 11 == 0 => "denial",
                "denial" if i % 11 == 0 => "complete",
                other => other,
            };
            let label = json!({ "trial": trial.key(), "class": class, "by": "ann" });
            writeln!(lines, "{label}").unwrap();
        }
    }
    lines
}

/// One rule of each verdict, and one of each kind of measure.
const GATE: &str = r#"baseline = "run#open"

[[rule]]
name = "Not worse at sums"
suite = "sums"
not_worse_than_baseline_by = "5 points"

[[rule]]
name = "Nearly as good at sums"
suite = "sums"
not_worse_than_baseline_by = "2 points"

[[rule]]
name = "Good at sums"
suite = "sums"
at_least = "80 %"

[[rule]]
name = "No silence"
suite = "audit"
metric = "gap"
by = "country"
at_most = "20 points"

[[rule]]
name = "Cheap"
suite = "sums"
metric = "cost"
at_most = "$3"

[[rule]]
name = "Quick"
suite = "sums"
metric = "latency_p95"
at_most = "2 s"

[[rule]]
name = "Never wrong here"
suite = "sums"
must_pass = ["q000", "q014"]
"#;

/// A run of three models (`run`), labels of it, a gate, and a suite of sums.
pub(super) fn project() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let trials: Vec<MadeTrial> = MODELS
        .into_iter()
        .flat_map(|model| [sums(model), audit(model)].concat())
        .collect();
    write_run(&home.path().join("run"), &trials, |manifest| {
        manifest["epochs"] = 2.into();
    });
    fs::write(home.path().join("labels.jsonl"), labels(&trials)).unwrap();
    fs::write(home.path().join("gate.toml"), GATE).unwrap();
    crate::support::sums_suite(home.path(), 3);
    home
}

/// Writes a file of a project, and its folder.
pub(super) fn write(home: &Path, path: &str, text: &str) {
    let path = home.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).unwrap();
    fs::write(path, text).unwrap();
}
