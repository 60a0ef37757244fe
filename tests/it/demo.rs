//! The demo: what a newcomer sees in the first minute.

use std::collections::HashMap;
use std::fs;

use crate::snapshot::{report::skeleton, shows};
use crate::support::{candor, export, has_onnx_runtime, ran};

#[test]
fn the_demo_shows_equal_quality_and_a_gap_of_the_guarded_model_alone() {
    if !has_onnx_runtime() {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let told = ran(candor(home.path()).arg("demo")).exits_with(0);
    assert_eq!(
        told.stdout.lines().last(),
        Some("Report: candor-demo/report.html")
    );
    assert!(told.stdout.contains("Equal in quality"), "{}", told.stdout);
    shows("demo", &told.stdout);
    let run = home.path().join("candor-demo");
    let mut shares: HashMap<(String, String), (f64, f64)> = HashMap::new();
    for row in export(home.path(), &run) {
        let counts = matches!(
            (row["scorer"].as_str(), row["metric"].as_str()),
            ("number" | "exact", "accuracy") | ("refusal", "class")
        );
        if counts {
            let share = shares
                .entry((row["model"].clone(), row["suite"].clone()))
                .or_default();
            *share = (
                share.0 + row["value"].parse::<f64>().expect("a value"),
                share.1 + 1.0,
            );
        }
    }
    let share = |model: &str, suite: &str| {
        let (sum, n) = shares[&(model.to_owned(), suite.to_owned())];
        assert_eq!(n, 120.0, "{model} {suite}");
        sum / n
    };
    for model in ["open", "guarded"] {
        assert!(
            share(model, "arithmetic") >= 0.9,
            "{model} {}",
            share(model, "arithmetic")
        );
        assert!(
            share(model, "facts") >= 0.9,
            "{model} {}",
            share(model, "facts")
        );
        assert!(
            share(model, "control-demo") >= 0.95,
            "{model} answers the controls"
        );
    }
    assert!(
        share("guarded", "sensitive-demo") <= 0.1,
        "guarded refuses marked prompts"
    );
    assert!(share("open", "sensitive-demo") >= 0.95, "open answers them");
    let html = fs::read_to_string(run.join("report.html")).expect("the report");
    shows("demo-report", &skeleton(&html));
    assert!(
        html.contains("One pair, word for word")
            && html.contains("Withheld on sensitive questions"),
        "the audit's sections"
    );
}
