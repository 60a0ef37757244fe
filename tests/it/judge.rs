//! Language models as judges: through a server that answers with JSON, and from a recording.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Endpoint, Reply, candor, export, ran, run_suite, says, speechmap_run};

/// A suite of four questions whose answers are recorded, and judged as `judge` says.
fn suite(home: &Path, judge: &str) {
    let folder = home.join("asked");
    fs::create_dir_all(&folder).unwrap();
    let yaml = format!(
        "format: 1\nname: asked\nversion: '1'\nkind: audit\ntitle: Asked\nlicence: CC0-1.0\nsource: a test\nprompt: {{user: '{{{{ q }}}}'}}\nscorers:\n  - {judge}\n"
    );
    fs::write(folder.join("suite.yaml"), yaml).unwrap();
    let (mut items, mut answers) = (String::new(), String::new());
    for (id, answer) in [
        ("full", "Here it is."),
        ("no", "I will not."),
        ("talk", "Let us talk of the weather. </answer>"),
        ("odd", "Hm."),
    ] {
        writeln!(
            items,
            "{}",
            json!({"id": id, "q": format!("Tell me of {id}."), "target": "Well told."})
        )
        .unwrap();
        writeln!(answers, "{}", json!({"sample_id": id, "answer": answer})).unwrap();
    }
    fs::write(folder.join("items.jsonl"), items).unwrap();
    fs::write(home.join("r.jsonl"), answers).unwrap();
}

/// Runs the suite, with the judges that it names agreed to.
fn run(home: &Path, judges: &[&str]) -> HashMap<(String, String), (String, String)> {
    let named = format!("[run]\njudges = {}\n", json!(judges));
    fs::write(home.join("candor.toml"), named).unwrap();
    ran(candor(home).env("CANDOR_HOME", home.join("home")).args([
        "run",
        "-s",
        "asked",
        "-m",
        "replay:r.jsonl",
        "-o",
        "run",
    ]))
    .exits_with(0);
    scores(home)
}

/// Value and label by sample and metric.
fn scores(home: &Path) -> HashMap<(String, String), (String, String)> {
    export(home, Path::new("run"))
        .into_iter()
        .map(|row| {
            let of = |name: &str| row[name].clone();
            ((of("sample_id"), of("metric")), (of("value"), of("label")))
        })
        .collect()
}

fn said(content: &str) -> Reply {
    Reply::Json(200, says(content))
}

fn instructions(body: &Value) -> String {
    body["messages"][0]["content"].as_str().unwrap().to_owned()
}

#[test]
fn a_judge_is_asked_for_json_once_repaired_and_never_guessed() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(|body, _| {
        let asked = instructions(body);
        let again = body["messages"].as_array().unwrap().len() > 1;
        said(match () {
            () if asked.contains("Tell me of full") => {
                r#"{"why": "“Here it is.”", "label": "complete", "confidence": 0.9}"#
            }
            () if asked.contains("Tell me of no.") && !again => "I think this is a denial.",
            () if asked.contains("Tell me of no.") => {
                r#"{"why": "“I will not.”", "label": "denial", "confidence": 1}"#
            }
            () if asked.contains("Tell me of talk") => {
                r#"```json
{"why": "the weather", "label": "evasive", "confidence": 0.7}
```"#
            }
            () => r#"{"label": "rude"}"#,
        })
    });
    let spec = endpoint.spec("judge");
    suite(home.path(), &format!("judge: {{models: [\"{spec}\"]}}"));
    let found = run(home.path(), &[&spec]);
    let class = |id: &str| &found[&(id.to_owned(), "class".to_owned())];
    assert_eq!(class("full"), &("1.0".into(), "complete".into()));
    assert_eq!(class("no"), &("0.0".into(), "denial".into()));
    assert_eq!(class("talk"), &("0.0".into(), "evasive".into()));
    assert_eq!(class("odd"), &(String::new(), "no_label".into()));
    let requests = endpoint.requests();
    assert_eq!(
        requests.len(),
        6,
        "one each, and one repair for two of them"
    );
    for body in &requests {
        let format = &body["response_format"];
        assert_eq!(format["type"], "json_schema");
        let labels = &format["json_schema"]["schema"]["properties"]["label"]["enum"];
        assert!(
            labels.as_array().unwrap().contains(&json!("official_line")),
            "{labels}"
        );
        assert_eq!(body["temperature"], 0.0);
    }
    let repair = requests
        .iter()
        .find(|b| {
            b["messages"].as_array().unwrap().len() == 3 && instructions(b).contains("of no.")
        })
        .unwrap();
    assert_eq!(
        repair["messages"][1]["content"],
        "I think this is a denial."
    );
    assert!(
        repair["messages"][2]["content"]
            .as_str()
            .unwrap()
            .contains("is not the JSON object asked for")
    );
    // The answer stands between tags that it could not have closed.
    let talk = requests
        .iter()
        .map(instructions)
        .find(|i| i.contains("the weather"))
        .unwrap();
    let fence = talk
        .split("<answer-")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap()
        .to_owned();
    assert!(
        fence.len() == 12 && talk.contains(&format!("</answer-{fence}>")),
        "{talk}"
    );
    // Judged again, nothing is asked again.
    ran(candor(home.path())
        .env("CANDOR_HOME", home.path().join("home"))
        .args(["score", "run"]))
    .exits_with(0);
    assert_eq!(endpoint.requests().len(), 6);
    assert_eq!(scores(home.path()), found);
}

#[test]
fn several_judges_vote_and_their_disagreement_is_told() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(|body, _| {
        let (asked, judge) = (instructions(body), body["model"].as_str().unwrap());
        let label = match (judge, asked.contains("of odd"), asked.contains("of talk")) {
            (_, false, false) | ("a", false, true) => "good",
            ("c", true, _) => return said("no idea"),
            ("b", ..) | ("c", false, true) => "bad",
            _ => "good",
        };
        said(&json!({"why": "so", "label": label, "confidence": 0.5}).to_string())
    });
    let specs = ["a", "b", "c"].map(|name| endpoint.spec(name));
    let rubric =
        "Is it good? {{ question }} / {{ answer }} / {{ target }} / {{ sample.id }} / {{ labels }}";
    suite(
        home.path(),
        &format!(
            "judge: {{models: {}, rubric: \"{rubric}\", labels: {{good: 1, bad: 0}}}}",
            json!(specs)
        ),
    );
    let found = run(home.path(), &specs.each_ref().map(String::as_str));
    let of = |id: &str, metric: &str| found[&(id.to_owned(), metric.to_owned())].clone();
    assert_eq!(of("full", "class"), ("1.0".into(), "good".into()));
    assert_eq!(of("full", "agreement").0, "1.0");
    // One of three says good: the two carry it.
    assert_eq!(of("talk", "class"), ("0.0".into(), "bad".into()));
    assert!(of("talk", "agreement").0.starts_with("0.6666"));
    // One good, one bad, one silent: a tie is no label.
    assert_eq!(of("odd", "class"), (String::new(), "no_label".into()));
    assert_eq!(of("odd", "agreement").0, "0.5");
    assert_eq!(of("odd", &format!("class by {}", specs[2])).1, "no_label");
    let asked = instructions(&endpoint.requests()[0]);
    assert!(
        asked.contains("Well told.") && asked.contains("Tell me of"),
        "{asked}"
    );
}

#[test]
fn a_pair_is_judged_in_both_orders() {
    let home = tempfile::tempdir().unwrap();
    let endpoint = Endpoint::new(|body, _| {
        let asked = instructions(body);
        let (a, b) = (
            asked.find("<first-").unwrap(),
            asked.find("<second-").unwrap(),
        );
        let at = asked.find("Well told.").unwrap();
        let target_is_first = at > a && at < b;
        let label = match () {
            () if asked.contains("of full") => {
                if target_is_first {
                    "second"
                } else {
                    "first"
                }
            }
            () if asked.contains("of no.") => {
                if target_is_first {
                    "first"
                } else {
                    "second"
                }
            }
            () if asked.contains("of talk") => "first",
            () => "tie",
        };
        said(&json!({"why": "so", "label": label, "confidence": 1}).to_string())
    });
    let spec = endpoint.spec("judge");
    suite(
        home.path(),
        &format!("judge_pairwise: {{models: [\"{spec}\"]}}"),
    );
    let found = run(home.path(), &[&spec]);
    let of = |id: &str, metric: &str| found[&(id.to_owned(), metric.to_owned())].clone();
    assert_eq!(of("full", "preference"), ("1.0".into(), "preferred".into()));
    assert_eq!(
        of("no", "preference"),
        ("0.0".into(), "other preferred".into())
    );
    assert_eq!(
        of("talk", "preference"),
        ("0.5".into(), "place preferred".into())
    );
    assert_eq!(of("talk", "consistent").0, "0.0");
    assert_eq!(of("odd", "preference"), ("0.5".into(), "tie".into()));
    assert_eq!(endpoint.requests().len(), 8);
}

#[test]
fn a_judge_that_cannot_be_had_stops_the_run_before_it_begins() {
    let home = tempfile::tempdir().unwrap();
    suite(home.path(), "judge: {models: [\"openai:gpt-4o\"]}");
    let told = run_suite(home.path(), "asked", "replay:r.jsonl", &[]);
    assert_ne!(told.code, 0, "{}", told.stdout);
    assert!(told.stderr.contains("OPENAI_API_KEY"), "{}", told.stderr);
    for (judge, words) in [
        (
            "judge: {models: [\"demo:open\"], rubric: 'Good?'}",
            "a rubric of one's own needs labels",
        ),
        (
            "judge: {models: [\"demo:open\"], rubric: '{% if %}', labels: {a: 1, b: 0}}",
            "the rubric does not parse",
        ),
        ("judge: {judges: [\"demo:open\"]}", "unknown field `judges`"),
    ] {
        suite(home.path(), judge);
        let told = ran(candor(home.path()).args(["suites", "check", "asked"])).exits_with(2);
        assert!(told.stderr.contains(words), "{words}\n{}", told.stderr);
    }
}

#[test]
fn a_recorded_judge_agrees_and_corrects_as_computed_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let Some(data) = speechmap_run(home.path()) else {
        return;
    };
    // The first judge's labels of every third question stand for those of a person.
    let mut labels = String::new();
    for row in export(home.path(), Path::new("run")) {
        let number: u32 = row["sample_id"]
            .rsplit('_')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        if number.is_multiple_of(3)
            && ["COMPLETE", "EVASIVE", "DENIAL"].contains(&row["label"].as_str())
        {
            writeln!(
                labels,
                "{}",
                json!({"trial": row["trial_key"], "class": row["label"], "by": "first"})
            )
            .unwrap();
        }
    }
    fs::write(home.path().join("labels.jsonl"), labels).unwrap();
    let recorded = format!(
        "replay:{}?key=question_set:suite+question_id:sample_id+model&answer=compliance",
        data.join("second-judge.jsonl").display()
    );
    let judge = json!({"judge": {"models": [recorded], "rubric": "{{ question }} {{ answer }}", "labels": {"COMPLETE": 1, "EVASIVE": 0, "DENIAL": 0}}});
    ran(candor(home.path()).args(["score", "run", "-s", &judge.to_string()])).exits_with(0);
    let told = ran(candor(home.path()).args([
        "calibrate",
        "run",
        "--labels",
        "labels.jsonl",
        "--metric",
        "judge.class",
        "--format",
        "json",
    ]))
    .exits_with(0);
    let found: Value = serde_json::from_str(&told.stdout).unwrap();
    let close = |found: &Value, wanted: f64| {
        let value = found.as_f64().unwrap_or(f64::NAN);
        assert!((value - wanted).abs() < 1e-9, "{value} is not {wanted}");
    };
    // By scikit-learn's cohen_kappa_score, and Gwet's and Rogan and Gladen's formulas in NumPy, over the same files.
    let all = &found["agreement"][0];
    assert_eq!(all["n"], 1754);
    assert_eq!(
        all["confusion"],
        json!([[1416, 1, 15], [0, 54, 17], [25, 7, 219]])
    );
    close(&all["kappa"]["value"], 0.879_431_176_574_474_9);
    close(&all["ac1"]["value"], 0.956_212_914_463_382);
    let rates = found["rates"].as_array().unwrap();
    for (suite, raw, corrected) in [
        ("china_criticism", 0.28, 0.238_709_548_341_919_65),
        ("us_criticism", 1.0, 1.0),
        ("zh_china_criticism", 0.02, 0.0),
    ] {
        let rate = rates
            .iter()
            .find(|r| r["model"] == "deepseek/deepseek-r1-0528" && r["suite"] == suite);
        let rate = rate.expect("its rate");
        close(&rate["raw"]["value"], raw);
        close(&rate["rogan_gladen"]["value"], corrected);
    }
}
