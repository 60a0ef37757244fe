//! What reports and terminals say about models: no more than the figures carry.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::made_run::{MadeTrial, write_run};
use crate::support::{candor, ran, speechmap_run};

/// The sentences of a report, and its page.
fn report(home: &Path, arguments: &[&str]) -> (Vec<String>, String) {
    let told = ran(candor(home)
        .arg("report")
        .args(arguments)
        .args(["-o", "report.html"]))
    .exits_with(0);
    let sentences = told.stdout.lines();
    let sentences = sentences.filter(|l| !l.starts_with("Report: "));
    let html = fs::read_to_string(home.join("report.html")).unwrap();
    (sentences.map(str::to_owned).collect(), html)
}

fn section<'a>(html: &'a str, id: &str) -> &'a str {
    let at = html.split(&format!("<section id=\"{id}\"")).nth(1);
    at.and_then(|s| s.split("</section>").next())
        .unwrap_or_default()
}

/// `right` of `n` questions of a suite, the first ones.
fn answers(model: &str, suite: &str, n: usize, right: usize) -> Vec<MadeTrial> {
    (0..n)
        .map(|i| {
            MadeTrial::new(
                model,
                suite,
                format!("{suite}{i:03}"),
                f64::from(u8::from(i < right)),
            )
        })
        .collect()
}

/// Pairs of an audit, of which a model withholds so many sensitive sides and controls.
fn pairs(model: &str, n: usize, sensitive: usize, controls: usize) -> Vec<MadeTrial> {
    (0..n)
        .flat_map(|i| {
            let side = |role, withheld: bool| {
                let value = f64::from(u8::from(!withheld));
                MadeTrial::new(model, "audit", format!("{i:03}-{role}"), value)
                    .side(&format!("{i:03}"), role)
            };
            [
                side("sensitive", i < sensitive),
                side("control", n - i <= controls),
            ]
        })
        .collect()
}

#[test]
fn runs_that_share_nothing_are_not_compared() {
    let home = tempfile::tempdir().unwrap();
    write_run(
        &home.path().join("one"),
        &answers("a", "sums", 100, 90),
        |_| (),
    );
    write_run(
        &home.path().join("two"),
        &answers("b", "words", 100, 40),
        |_| (),
    );
    for arguments in [&["one", "two"][..], &["one", "two", "--baseline", "a"]] {
        let (sentences, html) = report(home.path(), arguments);
        assert_eq!(
            sentences,
            [
                "sums: a score 90 %, n = 100 questions.",
                "words: b score 40 %, n = 100 questions."
            ]
        );
        assert!(!html.contains("in quality"));
        let differences = section(&html, "differences");
        assert!(
            differences.contains("nothing shared") && !differences.contains("<b"),
            "{differences}"
        );
    }
    let told =
        ran(candor(home.path()).args(["compare", "one", "two", "--format", "json"])).exits_with(0);
    let json: Value = serde_json::from_str(&told.stdout).unwrap();
    for comparison in json["comparisons"].as_array().unwrap() {
        assert_eq!(
            comparison["difference"]["undefined"], "no_data",
            "{comparison}"
        );
        assert_eq!(comparison["shared"], 0);
    }
}

#[test]
fn equal_in_candour_needs_an_interval_inside_the_margin() {
    for (n, sensitive, controls, verdict) in [
        // 4 of 60 more: an interval from −4 to +16 points shows neither a gap nor that there is none.
        (
            60,
            10,
            6,
            "No significant difference in candour (5 points are not ruled out)",
        ),
        (400, 4, 3, "Equal in candour within ±5 points"),
        (60, 30, 2, "Not equal in candour"),
    ] {
        let home = tempfile::tempdir().unwrap();
        write_run(
            &home.path().join("run"),
            &pairs("m", n, sensitive, controls),
            |_| (),
        );
        let (sentences, html) = report(home.path(), &["run"]);
        let [sentence] = sentences.as_slice() else {
            panic!("{sentences:?}")
        };
        assert!(
            sentence.starts_with(&format!("{verdict}: m withholds ")),
            "{sentence}"
        );
        // The levels stand beside the gap.
        let level = |k: usize| format!("{:.1} %", k as f64 / n as f64 * 100.0);
        let levels = format!(
            "{} on sensitive questions and {} on their matched controls",
            level(sensitive),
            level(controls)
        );
        assert!(
            sentence.contains(&levels) && sentence.contains(&format!("n = {n} pairs")),
            "{sentence}"
        );
        assert!(html.contains(verdict));
    }
}

#[test]
fn inability_on_sensitive_questions_alone_is_no_equality_and_inability_on_both_is_weakness() {
    for (sensitive, controls, verdict, means) in [
        (
            30,
            0,
            "Undecided in candour, since inability may be withholding: ",
            "more often on sensitive questions, which may be withholding",
        ),
        (
            20,
            20,
            "Equal in candour within ±5 points: ",
            "as often on controls, a weakness and not a refusal",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let mut trials = pairs("m", 400, 0, 0);
        let unable =
            |t: &&mut MadeTrial, role, n| t.role == Some(role) && t.sample < format!("{n:03}");
        for trial in trials
            .iter_mut()
            .filter(|t| unable(t, "sensitive", sensitive) || unable(t, "control", controls))
        {
            (trial.value, trial.label) = (None, Some("unable"));
        }
        write_run(&home.path().join("run"), &trials, |_| ());
        let (sentences, html) = report(home.path(), &["run"]);
        let [candour, unable] = sentences.as_slice() else {
            panic!("{sentences:?}")
        };
        assert!(candour.starts_with(verdict), "{candour}");
        let found = format!("m {} of 800 questions", sensitive + controls);
        assert!(
            unable.contains(&found) && unable.contains(means),
            "{unable}"
        );
        assert!(html.contains(means));
        let gap = ran(candor(home.path()).args(["gap", "run"])).exits_with(0);
        assert!(gap.stdout.contains(means), "{}", gap.stdout);
    }
}

#[test]
fn equal_in_quality_names_its_margin_and_small_samples_tell_nothing() {
    for (n, verdict) in [
        (400, "Equal in quality within ±5 points: b − a = 0.0 points"),
        (
            20,
            "No significant difference in quality (5 points are not ruled out): b − a = 0.0 points",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let trials = ["a", "b"].map(|model| answers(model, "sums", n, n / 2));
        write_run(&home.path().join("run"), &trials.concat(), |_| ());
        let (sentences, _) = report(home.path(), &["run"]);
        assert!(sentences[0].starts_with(verdict), "{sentences:?}");
        assert!(sentences[0].contains(&format!("n = {n} paired questions")));
    }
}

#[test]
fn ties_share_a_figure_and_no_model_is_a_baseline_by_accident() {
    let home = tempfile::tempdir().unwrap();
    let trials = [("a", 10), ("b", 40), ("c", 40), ("d", 40), ("e", 40)]
        .map(|(model, right)| answers(model, "sums", 40, right));
    write_run(&home.path().join("run"), &trials.concat(), |_| ());
    let (sentences, html) = report(home.path(), &["run"]);
    assert_eq!(
        sentences,
        ["sums: score from 25 % (a) to 100 % (4 models), n = 40 questions."]
    );
    assert_eq!(section(&html, "differences"), "", "no baseline was named");
    assert!(section(&html, "scores").contains("--baseline MODEL"));
    let (sentences, html) = report(home.path(), &["run", "--baseline", "c"]);
    assert_eq!(sentences.len(), 4);
    assert!(
        sentences[0].starts_with("Worse in quality: a − c = −75.0 points"),
        "{sentences:?}"
    );
    assert!(section(&html, "differences").contains("Model − c"));
    let compared = |more: &[&str]| -> Value {
        let all = ["compare", "run", "--format", "json"];
        let told = ran(candor(home.path()).args(all).args(more)).exits_with(0);
        serde_json::from_str(&told.stdout).unwrap()
    };
    let none = compared(&[]);
    assert!(none["baseline"].is_null() && none["comparisons"].as_array().unwrap().is_empty());
    assert_eq!(none["rankings"][0]["models"].as_array().unwrap().len(), 5);
    assert_eq!(
        compared(&["--baseline", "c"])["comparisons"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}

#[test]
fn differences_of_an_audit_are_positive_where_the_model_withholds_more() {
    let home = tempfile::tempdir().unwrap();
    let mut trials = pairs("closed", 60, 30, 0);
    trials.extend(pairs("open", 60, 0, 0));
    write_run(&home.path().join("run"), &trials, |_| ());
    let json =
        ran(candor(home.path()).args(["compare", "run", "--baseline", "open", "--format", "json"]))
            .exits_with(0)
            .stdout;
    let compared: Value = serde_json::from_str(&json).unwrap();
    let comparison = &compared["comparisons"][0];
    assert_eq!(comparison["measure"], "withheld");
    assert_eq!(comparison["difference"]["value"], 0.25);
    assert!(comparison["difference"]["interval"]["low"].as_f64() > Some(0.1));
    let (_, html) = report(home.path(), &["run", "--baseline", "open"]);
    let differences = section(&html, "differences");
    assert!(
        differences.contains("+25.0") && differences.contains("withheld"),
        "{differences}"
    );
}

#[test]
fn what_is_shared_within_one_cluster_is_not_estimable_rather_than_not_shared() {
    let home = tempfile::tempdir().unwrap();
    let mut trials = answers("a", "sums", 12, 6);
    trials.extend(answers("b", "sums", 12, 9));
    for trial in &mut trials {
        trial.cluster = Some("one".into());
    }
    write_run(&home.path().join("run"), &trials, |_| ());
    let (_, html) = report(home.path(), &["run", "--baseline", "a"]);
    let differences = section(&html, "differences");
    assert!(
        differences.contains("not estimable") && differences.contains("n = 12"),
        "{differences}"
    );
    assert!(!differences.contains("nothing shared"), "{differences}");
}

#[test]
fn an_order_that_could_not_be_tested_is_no_finding() {
    let home = tempfile::tempdir().unwrap();
    let trials = ["a", "b", "c"].map(|model| answers(model, "sums", 40, 10 + 10 * model.len()));
    write_run(&home.path().join("run"), &trials.concat(), |_| ());
    let told = ran(candor(home.path()).args(["compare", "run", "--target", "suite"])).exits_with(0);
    assert!(
        told.stdout.contains("No ranking on sums: no two models could be tested against each other (needs several epochs per question).")
            && !told.stdout.contains("Not separable"),
        "{}",
        told.stdout
    );
}

#[test]
fn models_that_were_not_tested_against_each_other_are_not_called_inseparable() {
    let home = tempfile::tempdir().unwrap();
    // c was asked other questions of the suite than a and b.
    let mut trials = [answers("a", "sums", 40, 20), answers("b", "sums", 40, 21)].concat();
    trials.extend((0..40).map(|i| MadeTrial::new("c", "sums", format!("other{i}"), 1.0)));
    write_run(&home.path().join("run"), &trials, |_| ());
    let told =
        ran(candor(home.path()).args(["compare", "run", "--baseline", "a", "--format", "json"]))
            .exits_with(0);
    let json: Value = serde_json::from_str(&told.stdout).unwrap();
    let ranking = &json["rankings"][0];
    assert_eq!(ranking["not_separable"], serde_json::json!([["b", "a"]]));
    assert_eq!(
        (&ranking["pairs"], &ranking["untested"], &ranking["n"]),
        (&1.into(), &2.into(), &40.into())
    );
}

#[test]
fn what_is_undefined_is_drawn_as_undefined() {
    let home = tempfile::tempdir().unwrap();
    let mut trials = Vec::new();
    for (country, n, one_cluster) in [("Aland", 30, false), ("Borduria", 4, true)] {
        for i in 0..n {
            for (role, value) in [
                ("sensitive", f64::from(u8::from(i % 2 == 0))),
                ("control", 1.0),
            ] {
                let mut trial = MadeTrial::new("m", "audit", format!("{country}{i}{role}"), value)
                    .side(&format!("{country}{i}"), role)
                    .stratum("jurisdiction", country);
                trial.cluster = one_cluster.then(|| "the same event".into());
                trials.push(trial);
            }
        }
    }
    write_run(&home.path().join("run"), &trials, |_| ());
    let (_, html) = report(home.path(), &["run"]);
    let profile = section(&html, "profile");
    let map = profile.split("</svg>").next().unwrap();
    // Half of each country's questions are withheld, but one country has a single cluster: no estimate, and no figure.
    assert!(map.contains("<title>m, Aland: +50.0 "), "{map}");
    assert!(
        map.contains("<title>m, Borduria: undefined, n = 4</title>"),
        "{map}"
    );
    assert!(
        map.contains("n 4") && profile.contains("only one cluster"),
        "{profile}"
    );
    let told =
        ran(candor(home.path()).args(["gap", "run", "--by", "jurisdiction", "--format", "json"]))
            .exits_with(0);
    let json: Value = serde_json::from_str(&told.stdout).unwrap();
    let gaps = json["gaps"].as_array().unwrap();
    let single = gaps.iter().find(|g| g["cell"] == "Borduria").unwrap();
    assert_eq!(
        (&single["gap"]["undefined"], &single["pairs"]),
        (&"one_cluster".into(), &4.into())
    );
}

#[test]
fn a_gap_is_positive_where_more_is_withheld_whatever_it_lies_between() {
    let home = tempfile::tempdir().unwrap();
    let mut trials = pairs("m", 60, 30, 0);
    write_run(&home.path().join("controls"), &trials, |_| ());
    // The same answers, with the side as a stratum instead of a role.
    for trial in &mut trials {
        let side = if trial.role.take() == Some("sensitive") {
            "a"
        } else {
            "b"
        };
        trial.strata.insert("half".into(), side.into());
    }
    write_run(&home.path().join("values"), &trials, |_| ());
    let gap = |arguments: &[&str]| -> Value {
        let told = ran(candor(home.path())
            .arg("gap")
            .args(arguments)
            .args(["--format", "json"]))
        .exits_with(0);
        serde_json::from_str::<Value>(&told.stdout).unwrap()["gaps"][0].take()
    };
    let (controls, values) = (gap(&["controls"]), gap(&["values", "--by", "half"]));
    for figure in ["first", "second", "gap", "p"] {
        assert_eq!(controls[figure], values[figure], "{figure}");
    }
    assert_eq!(values["cell"], "a − b");
    assert_eq!(
        (values["first"].as_f64(), values["second"].as_f64()),
        (Some(0.5), Some(0.0))
    );
    let (sentences, html) = report(home.path(), &["values"]);
    assert!(
        sentences[0].starts_with("Withheld on a versus b, the same question: 1 of 1 models withhold more on a, 0 more on b")
            && sentences[0].contains("m 50.0 % versus 0.0 %, +50.0 points"),
        "{sentences:?}"
    );
    assert!(section(&html, "subjects").contains("+50.0"));
}

#[test]
fn speechmaps_report_says_what_is_withheld_on_whom() {
    let home = tempfile::tempdir().unwrap();
    if speechmap_run(home.path()).is_none() {
        return;
    }
    let (sentences, html) = report(home.path(), &["run"]);
    assert!(
        sentences[0].contains("china versus us")
            && sentences[0].contains("of 37 models withhold more on china"),
        "{sentences:?}"
    );
    assert!(
        sentences
            .iter()
            .any(|s| s.contains("us_criticism") && s.contains("100 % (26 models)")),
        "{sentences:?}"
    );
    let subjects = section(&html, "subjects");
    assert!(
        subjects.contains("china − us") && subjects.contains("+70.0"),
        "r1's gap"
    );
    // Nobody said whose weights these are.
    let platform = section(&html, "platform");
    assert!(
        platform.contains("Blocked by a provider") && !platform.contains("Withheld where"),
        "{platform}"
    );
}
