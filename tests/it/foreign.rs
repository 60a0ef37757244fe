//! A folder that somebody else filled is data: it writes nothing, reads nothing and sends nothing outside itself, and runs no code.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{
    Endpoint, Ran, Reply, candor, journal, ran, run_suite, run_sums, says, skipped, sums_suite,
};

/// A hub that gives the same rows for every path, and the paths that it was asked for.
struct Hub {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

fn hub() -> Hub {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        seen.lock().unwrap().push(uri.to_string());
        // It serves files and lists none.
        if uri.path().starts_with("/api/") {
            return std::future::ready((axum::http::StatusCode::NOT_FOUND, ""));
        }
        let row = "{\"id\": \"a\", \"question\": \"from the hub\", \"target\": 1}\n";
        std::future::ready((axum::http::StatusCode::OK, row))
    });
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move { axum::serve(listener, router).await });
    Hub {
        url,
        asked,
        _runtime: runtime,
    }
}

/// A suite whose `data:` is given.
fn suite_with_data(home: &Path, data: &str) -> PathBuf {
    let suite = sums_suite(home, 1);
    fs::remove_file(suite.join("items.jsonl")).unwrap();
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    fs::write(suite.join("suite.yaml"), format!("{yaml}data: {data}\n")).unwrap();
    suite
}

fn show(home: &Path, hub: &Hub) -> Ran {
    ran(candor(home)
        .env("CANDOR_HOME", home.join("deep/in/the/home/candor"))
        .env("HF_ENDPOINT", &hub.url)
        .args(["suites", "show", "sums"]))
}

#[test]
fn a_suite_cannot_name_a_path_that_leads_out_of_the_cache_or_ends_the_url() {
    let hub = hub();
    for (dataset, revision, file) in [
        (
            "a/b",
            "main",
            "payload.jsonl?/../../../../../../../pwned/customize.py",
        ),
        (
            "a/b",
            "main",
            "payload.jsonl#/../../../../../../pwned/customize.py",
        ),
        ("a/b", "main", "../../../../../../../pwned/x.jsonl"),
        ("a/b", "main", "/tmp/x.jsonl"),
        ("a/b", "main", "..\\\\..\\\\x.jsonl"),
        ("a/b", "main", "C:/x.jsonl"),
        ("a/b", "../../../../../../pwned", "x.jsonl"),
        ("../../pwned", "main", "x.jsonl"),
    ] {
        let home = tempfile::tempdir().unwrap();
        suite_with_data(
            home.path(),
            &format!(
                "{{hub: {{dataset: \"{dataset}\", revision: \"{revision}\", files: [\"{file}\"]}}}}"
            ),
        );
        show(home.path(), &hub)
            .exits_with(2)
            .says(&["not a plain relative path", "suite.yaml"]);
        assert!(!home.path().join("pwned").exists(), "{file}");
        assert!(
            !home.path().join("deep").exists(),
            "nothing was made for {file}"
        );
    }
    assert_eq!(hub.asked.lock().unwrap().as_slice(), &[] as &[String]);
}

#[test]
fn a_dataset_lies_in_the_cache_of_the_hubs_own_tools_and_nowhere_else() {
    let hub = hub();
    let home = tempfile::tempdir().unwrap();
    suite_with_data(home.path(), "{hub: {dataset: a/b, files: [x/y.jsonl]}}");
    let shown = show(home.path(), &hub).exits_with(0);
    assert!(shown.stdout.contains("from the hub"), "{}", shown.stdout);
    let cached = home
        .path()
        .join("hub/datasets--a--b/snapshots/main/x/y.jsonl");
    assert!(cached.is_file());
    assert!(
        !home
            .path()
            .join("deep/in/the/home/candor/datasets")
            .exists()
    );
}

#[test]
fn a_suite_reads_no_file_outside_the_data_folder() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("data")).unwrap();
    fs::write(
        home.path().join("secret.json"),
        "[{\"question\": \"TOPSECRET\"}]",
    )
    .unwrap();
    let show = || {
        ran(candor(home.path())
            .env("CANDOR_DATA", home.path().join("data"))
            .args(["suites", "show", "sums", "--offline"]))
    };
    for path in ["../secret.json", "./../secret.json", "/etc/hostname.json"] {
        suite_with_data(home.path(), &format!("{{files: [\"{path}\"]}}"));
        let shown = show().exits_with(2);
        assert!(!shown.stdout.contains("TOPSECRET"), "{}", shown.stdout);
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        suite_with_data(home.path(), "{files: [link.json]}");
        symlink("../secret.json", home.path().join("data/link.json")).unwrap();
        let shown = show().exits_with(5);
        assert!(!shown.stdout.contains("TOPSECRET"), "{}", shown.stdout);
        shown.says(&["symbolic link leads out"]);
        // The suite's own folder is as foreign.
        let suite = sums_suite(home.path(), 1);
        fs::remove_file(suite.join("items.jsonl")).unwrap();
        symlink("../secret.json", suite.join("items.jsonl")).unwrap();
        let shown = show().exits_with(5);
        shown.says(&["items.jsonl", "symbolic link leads out"]);
    }
}

#[test]
fn offline_fetches_nothing_for_suites_show() {
    let hub = hub();
    let home = tempfile::tempdir().unwrap();
    suite_with_data(home.path(), "{hub: {dataset: a/b, files: [y.jsonl]}}");
    ran(candor(home.path()).env("HF_ENDPOINT", &hub.url).args([
        "suites",
        "show",
        "sums",
        "--offline",
    ]))
    .exits_with(5)
    .says(&["--offline forbids"]);
    assert!(hub.asked.lock().unwrap().is_empty());
}

/// A suite with a judge, and a recording of its one answer.
fn judged(home: &Path, judge: &str) {
    let suite = sums_suite(home, 1);
    let yaml = fs::read_to_string(suite.join("suite.yaml")).unwrap();
    let yaml = yaml.replace("[number]", &format!("[judge: {{models: [\"{judge}\"]}}]"));
    fs::write(suite.join("suite.yaml"), yaml).unwrap();
    fs::write(
        home.join("r.jsonl"),
        "{\"sample_id\": \"s0\", \"answer\": \"1\"}\n",
    )
    .unwrap();
}

fn verdict() -> Endpoint {
    let verdict = json!({"label": "complete", "why": "it answers", "confidence": 0.9}).to_string();
    Endpoint::new(move |_, _| Reply::Json(200, says(&verdict)))
}

fn keys(endpoint: &Endpoint) -> Vec<Option<String>> {
    let headers = endpoint.headers();
    headers
        .iter()
        .map(|h| h.get("authorization").cloned())
        .collect()
}

#[test]
fn a_judge_that_a_suite_names_gets_no_variable_of_its_choice_and_nothing_without_consent() {
    let (home, judge) = (tempfile::tempdir().unwrap(), verdict());
    let run = |more: &[&str]| {
        ran(candor(home.path())
            .env("AWS_SECRET_ACCESS_KEY", "aws-very-secret")
            .args([
                "run",
                "-s",
                "sums",
                "-m",
                "replay:r.jsonl",
                "--no-cache",
                "-o",
            ])
            .arg(tempfile::tempdir().unwrap().path().join("run"))
            .args(more))
    };
    let keyed = format!("{}?key_env=AWS_SECRET_ACCESS_KEY", judge.spec("j"));
    judged(home.path(), &keyed);
    run(&[])
        .exits_with(2)
        .says(&["AWS_SECRET_ACCESS_KEY", "a suite cannot choose", "--judge"]);
    judged(home.path(), &judge.spec("j"));
    run(&[])
        .exits_with(2)
        .says(&["a suite cannot choose where they are sent", "--judge"]);
    assert!(judge.requests().is_empty());

    // What a person says on the command line, or in candor.toml, is meant.
    run(&["--judge", &judge.spec("j")]).exits_with(0);
    assert_eq!(keys(&judge), [None]);
    run(&["--judge", &keyed]).exits_with(0);
    assert_eq!(keys(&judge)[1].as_deref(), Some("Bearer aws-very-secret"));
    let toml = format!("[run]\njudges = [\"{}\"]\n", judge.spec("j"));
    fs::write(home.path().join("candor.toml"), toml).unwrap();
    run(&[]).exits_with(0);
    assert_eq!(keys(&judge).len(), 3);
}

#[test]
fn a_run_directory_that_is_resumed_sends_no_variable_of_its_choice() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 2);
    let server = Endpoint::new(|_, _| Reply::Json(200, says("1")));
    let spec = server.spec("m");
    run_sums(home.path(), &spec, &[]).exits_with(0);
    // The directory comes from somebody else: nothing is answered yet, and the model's key is a variable of the reader's.
    let manifest = home.path().join("run/run.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let keyed = format!("{spec}?key_env=AWS_SECRET_ACCESS_KEY");
    fs::write(
        &manifest,
        text.replace(&format!("\"{spec}\""), &format!("\"{keyed}\"")),
    )
    .unwrap();
    let forget = || fs::write(home.path().join("run/journal.jsonl"), "").unwrap();
    forget();
    let resume = |variable: &str, more: &[&str]| {
        ran(candor(home.path())
            .env(variable, "aws-very-secret")
            .args(["run", "--resume", "run", "--no-cache"])
            .args(more))
    };
    resume("AWS_SECRET_ACCESS_KEY", &[]).exits_with(2).says(&[
        "AWS_SECRET_ACCESS_KEY",
        "a run directory cannot choose",
        "-m",
    ]);
    // Nor is the key of bare endpoints sent to a host that run.json alone names.
    fs::write(&manifest, &text).unwrap();
    resume("CANDOR_API_KEY", &[])
        .exits_with(2)
        .says(&["CANDOR_API_KEY"]);
    assert_eq!(server.requests().len(), 2, "only the first run asked");

    resume("CANDOR_API_KEY", &["-m", &spec]).exits_with(0);
    assert_eq!(keys(&server)[2].as_deref(), Some("Bearer aws-very-secret"));
    forget();
    resume("UNRELATED", &[]).exits_with(0);
    assert_eq!(
        keys(&server)[4],
        None,
        "a server on this machine that gets no key is asked"
    );
    resume("UNRELATED", &["-m", "openai:gpt-4o"])
        .exits_with(2)
        .says(&["not a model of the run"]);
}

#[test]
fn python_runs_nothing_from_the_current_folder() {
    let python = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if !python.is_ok_and(|o| o.status.success()) {
        return skipped("there is no python3");
    }
    let home = tempfile::tempdir().unwrap();
    for package in ["pip", "onnxruntime", "importlib_fake"] {
        fs::create_dir(home.path().join(package)).unwrap();
    }
    fs::write(home.path().join("pip/__init__.py"), "").unwrap();
    fs::write(
        home.path().join("pip/__main__.py"),
        "print('CODE FROM HERE RUNS')",
    )
    .unwrap();
    let touch = "open('touched', 'w')\n";
    for module in [
        "site.py",
        "usercustomize.py",
        "sitecustomize.py",
        "onnxruntime/__init__.py",
    ] {
        fs::write(home.path().join(module), touch).unwrap();
    }
    let capi = home.path().join("onnxruntime/capi");
    fs::create_dir(&capi).unwrap();
    fs::write(capi.join("libonnxruntime.so.1.99.0"), "not a library").unwrap();
    for arguments in [&["doctor"][..], &["runtime", "status"]] {
        let told = ran(candor(home.path())
            .env("CANDOR_HOME", home.path().join("candor"))
            .env("PYTHONPATH", home.path())
            .env("LD_LIBRARY_PATH", ":")
            .env_remove("ORT_DYLIB_PATH")
            .args(arguments));
        let said = format!("{}{}", told.stdout, told.stderr);
        assert!(!said.contains("CODE FROM HERE RUNS"), "{said}");
        assert!(
            !said.contains("1.99.0"),
            "a library of the current folder is offered:\n{said}"
        );
    }
    assert!(!home.path().join("touched").exists());
}

#[test]
fn a_recording_lacks_what_it_lacks_and_the_rest_is_scored() {
    let home = tempfile::tempdir().unwrap();
    sums_suite(home.path(), 300);
    let row = |i: usize| match i {
        7 => {
            json!({"custom_id": "s7", "response": {"body": {"error": {"message": "Rate limit reached"}}}, "error": null})
        }
        8 => json!({"custom_id": "s8", "response": null, "error": {"message": "batch expired"}}),
        _ => {
            json!({"custom_id": format!("s{i}"), "response": {"body": says(&(i + 1).to_string())}, "error": null})
        }
    };
    let rows: Vec<String> = (0..40).map(|i| row(i).to_string() + "\n").collect();
    fs::write(home.path().join("batch.jsonl"), rows.concat()).unwrap();
    run_suite(
        home.path(),
        "sums",
        "replay:batch.jsonl?key=custom_id:id&answer=response.body",
        &[],
    )
    .exits_with(4)
    .says(&["262 questions are not in the recording"]);
    let rows = journal(&home.path().join("run"));
    assert_eq!(rows.len(), 300, "no model is given up");
    let answered = |row: &&Value| row["status"] == "ok";
    assert_eq!(rows.iter().filter(answered).count(), 38);
    assert!(
        rows.iter()
            .filter(answered)
            .all(|r| r["scores"][0]["value"] == 1.0)
    );
    let failed = |sample: &str| {
        let row = rows.iter().find(|r| r["sample"] == sample).unwrap();
        assert_eq!(
            (&row["status"], &row["failure"]["class"]),
            (&json!("error"), &json!("not_recorded"))
        );
        row["failure"]["message"].as_str().unwrap().to_owned()
    };
    assert!(failed("s7").contains("Rate limit reached"));
    assert!(failed("s8").contains("batch expired"));
    assert!(failed("s99").contains("holds no answer"));
}
