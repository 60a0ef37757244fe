//! Task files of lm-evaluation-harness through the binary: checked, run, resumed, rescored; bad ones named and refused.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Endpoint, Reply, candor, export, journal, question, ran, says};

/// A folder of task files and one of documents.
fn tasks(home: &Path) {
    let write = |path: &str, text: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "tasks/sums/_common_yaml",
        "dataset_path: acme/sums\ntest_split: test\nfewshot_split: dev\noutput_type: generate_until\ndoc_to_text: \"{{a}} + {{b}} =\"\ndoc_to_target: \"{{a + b}}\"\nnum_fewshot: 2\nfewshot_config:\n  sampler: first_n\ngeneration_kwargs:\n  until: [\"\\n\"]\n  max_gen_toks: 16\nfilter_list:\n  - name: last\n    filter:\n      - function: regex\n        regex_pattern: '(\\d+)'\n        group_select: -1\n      - function: take_first\nmetric_list:\n  - metric: exact_match\n    ignore_case: yes\nmetadata:\n  version: 1.0\n",
    );
    write(
        "tasks/sums/small.yaml",
        "include: _common_yaml\ntask: sums_small\ntag: sums\ndataset_name: small\n",
    );
    write(
        "tasks/sums/large.yaml",
        "include: _common_yaml\ntask: sums_large\ntag: sums\ndataset_name: large\n",
    );
    write(
        "tasks/python.yaml",
        "task: pythonic\ndataset_path: x\ntest_split: test\ndoc_to_text: a\ndoc_to_target: b\nprocess_docs: !function utils.clean\n",
    );
    write(
        "tasks/group.yaml",
        "group: all_sums\ntask:\n  - sums\n  - task: sums_small\n    num_fewshot: 0\naggregate_metric_list:\n  - metric: exact_match\n",
    );
    for (name, from) in [("small", 1), ("large", 100)] {
        let rows = |n: u64| -> String {
            (0..n)
                .map(|i| json!({"a": from + i, "b": 2 * i}).to_string() + "\n")
                .collect()
        };
        write(&format!("docs/acme/sums/{name}/test.jsonl"), &rows(5));
        write(&format!("docs/acme/sums/{name}/dev.jsonl"), &rows(3));
    }
}

#[test]
fn a_tag_is_run_against_an_endpoint_and_scored_by_its_filters() {
    let home = tempfile::tempdir().unwrap();
    tasks(home.path());
    let endpoint = Endpoint::new(|body, _| {
        let asked = question(body);
        let last = asked
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .trim_end_matches('=')
            .to_owned();
        let sum: u64 = last
            .split('+')
            .filter_map(|n| n.trim().parse::<u64>().ok())
            .sum();
        Reply::Json(200, says(&format!("That is {sum}")))
    });
    let spec = endpoint.spec("m");
    let arguments = [
        "run",
        "--no-cache",
        "-o",
        "run",
        "-s",
        "lm-eval:tasks#sums?data=docs",
        "-m",
        &spec,
    ];
    ran(candor(home.path()).args(arguments)).exits_with(0);
    let first = endpoint
        .requests()
        .into_iter()
        .find(|r| question(r).contains("100 + 0 ="))
        .expect("asked");
    assert!(
        question(&first).starts_with("100 + 0 = 100\n\n101 + 2 = 103\n\n"),
        "{first}"
    );
    assert_eq!(first["stop"], json!(["\n"]));
    let rows = export(home.path(), &home.path().join("run"));
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|r| r["metric"] == "exact_match,last" && r["value"].parse::<f64>().unwrap() == 1.0), "{rows:?}");
    // What was asked is in the suites' specifications: the run can be rescored, and resumed.
    ran(candor(home.path()).args(["score", "run"])).exits_with(0);
    let manifest: Value =
        serde_json::from_slice(&fs::read(home.path().join("run/run.json")).unwrap()).unwrap();
    assert_eq!(
        manifest["suites"][0]["spec"],
        "lm-eval:tasks#sums_large?data=docs"
    );
    ran(candor(home.path()).args(["run", "--resume", "run"])).exits_with(0);
}

#[test]
fn chats_and_the_settings_of_a_group_reach_the_prompts() {
    let home = tempfile::tempdir().unwrap();
    tasks(home.path());
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("3")));
    let spec = endpoint.spec("m");
    let suite = "lm-eval:tasks#sums_small?chat=multiturn&fewshot=1&system=Be%20terse.&data=docs";
    ran(candor(home.path()).args([
        "run",
        "--no-cache",
        "-o",
        "chat",
        "-s",
        suite,
        "-m",
        &spec,
        "--limit",
        "1",
    ]))
    .exits_with(0);
    let roles: Vec<Value> = endpoint.requests()[0]["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["role"].clone())
        .collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
    let suite = "lm-eval:tasks#all_sums::sums_small?data=docs";
    ran(candor(home.path()).args(["run", "--no-cache", "-o", "group", "-s", suite, "-m", &spec]))
        .exits_with(0);
    let prompts = journal(&home.path().join("group"));
    assert!(
        prompts.iter().all(|line| line["prompt"]["text"]
            .as_str()
            .unwrap()
            .matches('=')
            .count()
            == 1),
        "{prompts:?}"
    );
}

#[test]
fn a_check_lists_what_cannot_be_used_with_the_setting_and_its_file() {
    let home = tempfile::tempdir().unwrap();
    tasks(home.path());
    let checked = ran(candor(home.path()).args(["lm-eval", "check", "tasks"])).exits_with(0);
    assert!(
        checked.stdout.contains(
            "pythonic: tasks/python.yaml: `process_docs` is the Python function utils.clean"
        ),
        "{}",
        checked.stdout
    );
    assert!(
        checked
            .stdout
            .contains("2 of 3 tasks load and render (4 files read)"),
        "{}",
        checked.stdout
    );
    let json = ran(candor(home.path()).args([
        "lm-eval", "check", "tasks", "--tasks", "sums_s*", "--format", "json",
    ]))
    .exits_with(0);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["usable"][0]["task"], "sums_small");
    assert_eq!(json["usable"].as_array().unwrap().len(), 1);
}

/// A folder with one task file, which sets what is given beside the usual.
fn one(home: &Path, more: &str) {
    let folder = home.join("bad");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let usual = "task: bad\ndataset_path: none\ntest_split: test\noutput_type: generate_until\ndoc_to_text: \"{{q}}\"\ndoc_to_target: \"{{a}}\"\n";
    fs::write(folder.join("bad.yaml"), format!("{usual}{more}")).unwrap();
}

#[test]
fn hostile_and_broken_tasks_are_named_and_refused() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("docs/bad")).unwrap();
    fs::write(
        home.path().join("docs/bad/test.jsonl"),
        "{\"q\": \"x\", \"a\": \"y\"}\n",
    )
    .unwrap();
    for (more, says) in [
        ("include: bad.yaml\n", "include each other in a circle"),
        ("include: ../secret.yaml\n", "is outside the folder"),
        ("include: /etc/hostname\n", "is outside the folder"),
        ("include: nowhere.yaml\n", "nowhere.yaml"),
        (
            "doc_to_choice: \"{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}\"\n",
            "doc_to_text",
        ),
        (
            "description: \"{{ unclosed\"\n",
            "`description`: the template does not parse",
        ),
        (
            "filter_list:\n  - name: x\n    filter:\n      - function: regex\n        regex_pattern: \"(((a{999}){999}){999})\"\n",
            "regex_pattern",
        ),
        (
            "filter_list:\n  - name: x\n    filter:\n      - function: no_such\n",
            "filter_list[0].filter[0].function",
        ),
        (
            "metric_list:\n  - metric: no_such\n",
            "'no_such' is not supported",
        ),
        ("doc_to_image: [a]\n", "images are not supported"),
        ("outptu_type: x\n", "no such setting"),
        (
            "fewshot_config: {sampler: balanced}\n",
            "fewshot_config.sampler",
        ),
        ("unsafe_code: true\n", "unsafe_code"),
        ("a: [1\n", "bad.yaml:"),
    ] {
        one(home.path(), more);
        let checked = ran(candor(home.path()).args(["lm-eval", "check", "bad"]));
        assert!(checked.stdout.contains(says), "{more}: {}", checked.stdout);
        let run = ran(candor(home.path()).args([
            "run",
            "-o",
            "run",
            "-s",
            "lm-eval:bad#bad?data=docs",
            "-m",
            "demo:open",
            "--offline",
        ]));
        assert_eq!(run.code, 2, "{more}: {}", run.stderr);
    }
}

#[test]
fn missing_splits_and_fields_are_named() {
    let home = tempfile::tempdir().unwrap();
    one(home.path(), "");
    let run = |code: i32, words: &[&str]| {
        ran(candor(home.path()).args([
            "run",
            "-o",
            "run",
            "-s",
            "lm-eval:bad#bad?data=docs",
            "-m",
            "demo:open",
            "--offline",
        ]))
        .exits_with(code)
        .says(words);
    };
    run(
        5,
        &[
            "default/test/0000.parquet of hf://none@refs/",
            "default/test/0000.parquet",
            "DIR/bad/test.jsonl",
        ],
    );
    fs::create_dir_all(home.path().join("docs/bad")).unwrap();
    fs::write(home.path().join("docs/bad/test.jsonl"), "{\"q\": \"x\"}\n").unwrap();
    run(2, &["bad", "sample '0'", "`a` is undefined"]);
    ran(candor(home.path()).args(["run", "-s", "lm-eval:bad#other", "-m", "demo:open"]))
        .exits_with(2)
        .says(&["no task, group or tag 'other'"]);
    ran(candor(home.path()).args(["run", "-s", "lm-eval:bad", "-m", "demo:open"]))
        .exits_with(2)
        .says(&["lm-eval:DIR#NAME"]);
}

#[test]
fn repeats_are_asked_together_and_scored_by_what_most_of_them_say() {
    let home = tempfile::tempdir().unwrap();
    one(
        home.path(),
        "repeats: 5\ngeneration_kwargs: {until: [\"\\n\"], do_sample: true, temperature: 0.2}\nfilter_list:\n  - name: score-first\n    filter:\n      - function: take_first\n  - name: maj@5\n    filter:\n      - function: majority_vote\n      - function: take_first\n  - name: maj@2\n    filter:\n      - function: take_first_k\n        k: 2\n      - function: majority_vote\n      - function: take_first\nmetric_list:\n  - metric: exact_match\n",
    );
    fs::create_dir_all(home.path().join("docs/bad")).unwrap();
    fs::write(
        home.path().join("docs/bad/test.jsonl"),
        "{\"q\": \"x\", \"a\": \"y\"}\n",
    )
    .unwrap();
    // n, n, y, y, y: the first two say n, most say y.
    let endpoint =
        Endpoint::new(|_, number| Reply::Json(200, says(if number <= 2 { "n" } else { "y" })));
    let suite = "lm-eval:bad#bad?data=docs";
    let arguments = ["run", "-o", "run", "-s", suite, "-m"];
    ran(candor(home.path())
        .env("CANDOR_HOME", home.path().join("home"))
        .args(arguments)
        .arg(endpoint.spec("m")))
    .exits_with(0);
    let seeds: std::collections::BTreeSet<String> = endpoint
        .requests()
        .iter()
        .map(|r| r["seed"].to_string())
        .collect();
    assert_eq!((endpoint.requests().len(), seeds.len()), (5, 5));
    let value = |metric: &str| {
        let rows = export(home.path(), &home.path().join("run"));
        let row = rows.iter().find(|r| r["metric"] == metric).expect("scored");
        row["value"].parse::<f64>().unwrap()
    };
    assert_eq!(value("exact_match,score-first"), 0.0);
    assert_eq!(value("exact_match,maj@5"), 1.0);
    assert_eq!(value("exact_match,maj@2"), 0.0);
    // All five answers are kept: rescoring needs no model, and another run finds each in the cache.
    ran(candor(home.path()).args(["score", "run"])).exits_with(0);
    assert_eq!(value("exact_match,maj@5"), 1.0);
    ran(candor(home.path())
        .env("CANDOR_HOME", home.path().join("home"))
        .args(["run", "-o", "again", "-s", suite, "-m"])
        .arg(endpoint.spec("m")))
    .exits_with(0);
    assert_eq!(endpoint.requests().len(), 5);
}

#[test]
fn templates_patterns_and_lines_without_end_cost_an_error_or_a_verdict_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let docs = home.path().join("docs/bad/test.jsonl");
    fs::create_dir_all(docs.parent().unwrap()).unwrap();
    let row = "{\"q\": \"x\", \"a\": \"y\"}\n";
    let run = |out: &str, model: &str| {
        let arguments = [
            "run",
            "--no-cache",
            "-o",
            out,
            "-s",
            "lm-eval:bad#bad?data=docs",
            "-m",
        ];
        ran(candor(home.path()).args(arguments).arg(model))
    };
    // A template that loops without end.
    fs::write(&docs, row).unwrap();
    one(
        home.path(),
        "doc_to_text: \"{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}\"\n",
    );
    let yaml = home.path().join("bad/bad.yaml");
    let text = fs::read_to_string(&yaml).unwrap();
    fs::write(&yaml, text.replacen("doc_to_text: \"{{q}}\"\n", "", 1)).unwrap();
    run("loops", "demo:open")
        .exits_with(2)
        .says(&["bad", "sample"]);
    // A pattern that explodes on an answer: no verdict, and the answer is kept.
    one(
        home.path(),
        "filter_list:\n  - name: x\n    filter:\n      - function: regex\n        regex_pattern: '(?:\\w+\\s*)+(?=!)!\\s*(\\w)'\n      - function: take_first\n",
    );
    let endpoint =
        Endpoint::new(|_, _| Reply::Json(200, says(&format!("{}? yes! B", "word ".repeat(40)))));
    run("explodes", &endpoint.spec("m")).exits_with(0);
    let rows = export(home.path(), &home.path().join("explodes"));
    assert_eq!(rows[0]["label"], "undecided", "{rows:?}");
    assert_eq!(journal(&home.path().join("explodes")).len(), 1);
    // A line of 2 GB, most of it a hole in the file.
    let mut file = fs::File::create(&docs).unwrap();
    std::io::Write::write_all(&mut file, format!("{row}{{\"q\": \"").as_bytes()).unwrap();
    file.set_len((2 << 30) + 1000).unwrap();
    run("line", "demo:open")
        .exits_with(5)
        .says(&["test.jsonl", "line 2 is longer than"]);
    assert!(!home.path().join("line").exists());
}

#[test]
fn made_up_rows_let_a_task_be_tried_without_its_data() {
    let home = tempfile::tempdir().unwrap();
    tasks(home.path());
    let check = [
        "lm-eval",
        "check",
        "tasks",
        "--tasks",
        "sums_*",
        "--write-rows",
        "rows",
    ];
    ran(candor(home.path()).args(check)).exits_with(0);
    let endpoint = Endpoint::new(|_, _| Reply::Json(200, says("2")));
    let arguments = [
        "run",
        "--no-cache",
        "-o",
        "run",
        "-s",
        "lm-eval:tasks#sums?data=rows",
        "--limit",
        "2",
        "-m",
    ];
    ran(candor(home.path()).args(arguments).arg(endpoint.spec("m"))).exits_with(0);
    assert_eq!(endpoint.requests().len(), 4);
}
