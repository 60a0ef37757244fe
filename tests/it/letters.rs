//! Multiple choice by letter: suites that compare log-likelihoods, against an endpoint that gives none.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Endpoint, Reply, candor, export, question, ran, says};

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Two tasks of a group, one that asks for words, and one whose target is no choice.
fn tasks(home: &Path) {
    let common = "dataset_path: own/none\ntest_split: test\noutput_type: multiple_choice\ndoc_to_text: \"Q: {{q}}\\nA:\"\ndoc_to_target: label\n";
    let task = |name: &str, more: &str| {
        write(
            &home.join(format!("tasks/{name}.yaml")),
            &format!("task: {name}\n{common}{more}"),
        );
    };
    task("capitals", "doc_to_choice: \"{{options}}\"\n");
    task("rivers", "doc_to_choice: \"{{options}}\"\n");
    write(
        &home.join("tasks/words.yaml"),
        "task: words\ndataset_path: own/none\ntest_split: test\noutput_type: generate_until\ndoc_to_text: \"{{q}}\"\ndoc_to_target: \"{{q}}\"\n",
    );
    write(
        &home.join("tasks/last.yaml"),
        "task: last\ndataset_path: own/none\ntest_split: test\noutput_type: loglikelihood\ndoc_to_text: \"{{q}}\"\ndoc_to_target: \"{{q}}\"\n",
    );
    write(
        &home.join("tasks/group.yaml"),
        "group: geography\ntask: [capitals, rivers]\naggregate_metric_list:\n  - metric: acc\n",
    );
    let rows = |labels: &[usize]| -> String {
        let row = |label| json!({"q": "Which?", "options": ["Rome", "Oslo"], "label": label});
        labels
            .iter()
            .flat_map(|l| [row(l).to_string(), "\n".into()])
            .collect()
    };
    write(&home.join("docs/capitals/test.jsonl"), &rows(&[0, 0, 1]));
    write(&home.join("docs/rivers/test.jsonl"), &rows(&[1]));
    write(&home.join("docs/words/test.jsonl"), "{\"q\": \"x\"}\n");
    write(&home.join("docs/last/test.jsonl"), "{\"q\": \"x\"}\n");
}

#[test]
fn tasks_are_asked_by_letter_under_a_metric_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    tasks(home.path());
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("The answer is A.")));
    let spec = endpoint.spec("m");
    let run = |suite: &str, out: &str| {
        let arguments = [
            "run",
            "--no-cache",
            "--format",
            "json",
            "-o",
            out,
            "-s",
            suite,
        ];
        ran(candor(home.path()).args(arguments).args(["-m", &spec]))
    };
    let ended = run("lm-eval:tasks#geography?form=letter&data=docs", "run").exits_with(0);
    let asked = question(&endpoint.requests()[0]);
    assert_eq!(
        asked,
        "Q: Which?\nA:\n\nA. Rome\nB. Oslo\n\nWhich of these is right? Answer with its letter alone."
    );
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    let suites: Vec<&Value> = summary["scores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["suite"])
        .collect();
    assert_eq!(suites, ["capitals:letter", "rivers:letter"]);
    let rows = export(home.path(), &home.path().join("run"));
    assert!(
        rows.iter()
            .all(|r| r["scorer"] == "choice_letter" && r["metric"] == "letter_accuracy"),
        "{rows:?}"
    );
    // Two of three capitals and none of the rivers; each task by its number of documents.
    let group = &summary["groups"][0];
    assert_eq!(group["metric"], "letter_accuracy");
    assert_eq!(group["value"], 0.5);
    // The run can be rescored and resumed: the form is in the suites' specifications.
    ran(candor(home.path()).args(["score", "run"])).exits_with(0);
    ran(candor(home.path()).args(["run", "--resume", "run"])).exits_with(0);
    // Answers in words are asked as they are; a text to be scored has no letter.
    run("lm-eval:tasks#words?form=letter&data=docs", "words").exits_with(0);
    assert_eq!(question(endpoint.requests().last().unwrap()), "x");
    run("lm-eval:tasks#last?form=letter&data=docs", "last")
        .exits_with(2)
        .says(&["it has no choice that is right"]);
    // Without the letter form, the endpoint's lack names it.
    run("lm-eval:tasks#capitals?data=docs", "plain")
        .exits_with(5)
        .says(&["form=letter"]);
}

#[test]
fn a_suite_of_ours_is_asked_by_letter_beside_its_likelihood_form() {
    let home = tempfile::tempdir().unwrap();
    let rows = [
        json!({"sentence": "Ann thanked Bo because _ had helped.", "option1": "Ann", "option2": "Bo", "answer": "2"}),
        json!({"sentence": "Ann paid Bo, so _ had money.", "option1": "Ann", "option2": "Bo", "answer": "2"}),
    ];
    let lines: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
    write(&home.path().join("rows.jsonl"), &lines.concat());
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("B")));
    let suite = "winogrande?form=letter&data=rows.jsonl";
    let arguments = ["run", "--no-cache", "-o", "run", "-s", suite, "-m"];
    ran(candor(home.path()).args(arguments).arg(endpoint.spec("m"))).exits_with(0);
    let asked: Vec<String> = endpoint.requests().iter().map(question).collect();
    assert!(
        asked.iter().any(|q| q.starts_with(
            "A. Ann thanked Bo because Ann had helped.\nB. Ann thanked Bo because Bo had helped.\n\nWhich of these"
        )),
        "{asked:?}"
    );
    let rows = export(home.path(), &home.path().join("run"));
    assert!(
        rows.iter()
            .all(|r| r["suite"] == "winogrande:letter" && r["value"].parse() == Ok(1.0))
    );
    ran(candor(home.path()).args(["suites", "show", "arithmetic?form=letter"]))
        .exits_with(5)
        .says(&["has no other form"]);
}
