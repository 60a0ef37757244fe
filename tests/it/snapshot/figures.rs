//! The tables that commands print: the figures stay what they are.

use super::{shows, transcript_at, worlds};

#[test]
fn gap_compare_calibrate_and_plan_size_print_the_same_figures() {
    let project = worlds::project();
    for (name, arguments) in [
        ("gap", "gap run -s audit --by country --baseline open"),
        ("gap-all", "gap run -s audit"),
        (
            "gap-markdown",
            "gap run -s audit --by country --format markdown",
        ),
        ("gap-values", "gap run -s sums --by level --reference easy"),
        ("compare", "compare run --baseline open"),
        ("compare-every-pair", "compare run -s sums"),
        (
            "compare-markdown",
            "compare run --baseline open --format markdown",
        ),
        ("calibrate", "calibrate run --labels labels.jsonl"),
        (
            "calibrate-by",
            "calibrate run --labels labels.jsonl --by model,country --format markdown",
        ),
        ("plan-size", "plan-size"),
        ("plan-size-drop", "plan-size --find-drop 5points"),
        ("plan-size-margin", "plan-size --margin 5points"),
        ("self-check", "gate --self-check run#open"),
        (
            "dry-run",
            "run -s sums -m http://127.0.0.1:9/v1#m --dry-run",
        ),
        ("suites-check", "suites check sums"),
        ("suites-show", "suites show sums"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        shows(name, &transcript_at(220, project.path(), &arguments));
    }
}

#[test]
fn a_narrow_terminal_is_shown_what_fits_it() {
    let project = worlds::project();
    for (name, arguments) in [
        ("narrow-compare", "compare run --baseline open"),
        (
            "narrow-gap",
            "gap run -s audit --by country --baseline open",
        ),
        ("narrow-plan-size", "plan-size"),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let shown = transcript_at(72, project.path(), &arguments);
        let body = shown.lines().skip(1);
        assert!(
            body.clone().all(|l| l.trim_end().chars().count() <= 72),
            "{shown}"
        );
        shows(name, &shown);
    }
}
