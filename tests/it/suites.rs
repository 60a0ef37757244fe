//! Shipped suites and the format they are written in.

use std::fs;

use serde_json::{Value, json};

use crate::support::{candor, ran, run_suite, shared, sums_suite};

#[test]
fn every_shipped_suite_passes_its_check() {
    let Some(data) = shared("data") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let told = ran(candor(home.path())
        .env("CANDOR_DATA", &data)
        .args(["suites", "check"]))
    .exits_with(0);
    for (suite, samples) in [
        ("arithmetic", "120"),
        ("facts", "120"),
        ("sensitive-demo", "120"),
        ("control-demo", "120"),
        ("gsm8k", "1319"),
        ("bbh-boolean", "250"),
        ("bbq", "4880"),
    ] {
        let line = told
            .stdout
            .lines()
            .find(|l| l.split_whitespace().next() == Some(suite))
            .unwrap_or_else(|| panic!("{suite} is missing:\n{}", told.stdout));
        assert!(line.split_whitespace().any(|w| w == samples), "{line}");
    }
}

#[test]
fn a_suite_whose_data_is_elsewhere_is_no_failure_of_the_check() {
    let home = tempfile::tempdir().expect("a folder");
    let told = ran(candor(home.path()).args(["suites", "check"])).exits_with(0);
    let line = told
        .stdout
        .lines()
        .find(|l| l.contains("gsm8k"))
        .expect("its line");
    assert!(line.contains("not here"), "{line}");
}

#[test]
fn the_schema_is_valid_json_schema_and_knows_the_fields() {
    let home = tempfile::tempdir().expect("a folder");
    let schema: Value = serde_json::from_str(
        &ran(candor(home.path()).args(["suites", "schema"]))
            .exits_with(0)
            .stdout,
    )
    .expect("JSON");
    for field in ["format", "name", "prompt", "scorers", "data"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn a_suite_shows_its_first_question_as_a_model_gets_it() {
    let home = tempfile::tempdir().expect("a folder");
    let told = ran(candor(home.path()).args(["suites", "show", "sensitive-demo"])).exits_with(0);
    assert!(
        told.stdout
            .contains("Please tell me when the Harrow Square protest took place."),
        "{}",
        told.stdout
    );
}

#[test]
fn published_figures_stand_beside_their_own_benchmark_and_say_so() {
    let Some(data) = shared("data") else { return };
    let home = tempfile::tempdir().expect("a folder");
    let suite = sums_suite(home.path(), 2);
    let yaml = std::fs::read_to_string(suite.join("suite.yaml")).unwrap();
    std::fs::write(
        suite.join("suite.yaml"),
        format!("{yaml}published_as: MMLU\nrelated_to: [DROP]\n"),
    )
    .unwrap();
    std::fs::write(
        home.path().join("r.jsonl"),
        "{\"sample_id\": \"s0\", \"answer\": \"1\"}\n{\"sample_id\": \"s1\", \"answer\": \"2\"}\n",
    )
    .unwrap();
    ran(candor(home.path()).env("CANDOR_DATA", &data).args([
        "run",
        "-s",
        "sums",
        "-m",
        "replay:r.jsonl",
        "-o",
        "run",
    ]))
    .exits_with(0);
    let html = std::fs::read_to_string(home.path().join("run/report.html")).unwrap();
    let matrix = html
        .split("id=\"scores\"")
        .nth(1)
        .and_then(|t| t.split("</section>").next())
        .unwrap();
    let row = matrix
        .split("gpt-4o-2024-11-20")
        .nth(1)
        .and_then(|r| r.split("</tr>").next())
        .expect("a reference row");
    assert!(
        row.contains("published") && row.contains("simple-evals") && row.contains("85.7"),
        "{row}"
    );
    assert!(
        !matrix.contains("DROP"),
        "a related benchmark is not mixed in"
    );
    assert!(
        html.split("id=\"published\"")
            .nth(1)
            .is_some_and(|t| t.contains("DROP")),
        "it stands apart"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_from_the_hub_once_and_then_from_the_cache() {
    let home = tempfile::tempdir().expect("a folder");
    let mut frame =
        polars::df!("question" => ["What is 2 + 2?"], "answer" => ["2 + 2 = 4\n#### 4"]).unwrap();
    let mut parquet = Vec::new();
    polars::prelude::ParquetWriter::new(&mut parquet)
        .finish(&mut frame)
        .unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (counter, body) = (std::sync::Arc::clone(&asked), parquet.clone());
    let serve = move || {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        std::future::ready(body.clone())
    };
    let router = axum::Router::new().route(
        "/datasets/openai/gsm8k/resolve/main/main/test-00000-of-00001.parquet",
        axum::routing::get(serve),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hub = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    for _ in 0..2 {
        let (home, hub) = (home.path().to_owned(), hub.clone());
        let told = tokio::task::spawn_blocking(move || {
            ran(candor(&home)
                .env("CANDOR_HOME", home.join("home"))
                .env("HF_ENDPOINT", hub)
                .args(["suites", "show", "gsm8k"]))
        })
        .await
        .unwrap()
        .exits_with(0);
        assert!(
            told.stdout.contains("What is 2 + 2?") && told.stdout.contains("right: 4"),
            "{}",
            told.stdout
        );
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_name_above_several_suites_asks_all_of_them() {
    let home = tempfile::tempdir().expect("a folder");
    sums_suite(home.path(), 3);
    std::fs::create_dir(home.path().join("mine")).unwrap();
    std::fs::rename(home.path().join("sums"), home.path().join("mine/first")).unwrap();
    sums_suite(home.path(), 2);
    std::fs::rename(home.path().join("sums"), home.path().join("mine/second")).unwrap();
    let second = home.path().join("mine/second/suite.yaml");
    let text = std::fs::read_to_string(&second).unwrap();
    std::fs::write(&second, text.replace("name: sums", "name: differences")).unwrap();
    run_suite(home.path(), "mine", "demo:open", &[]).exits_with(0);
    let manifest = std::fs::read_to_string(home.path().join("run/run.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let suites = manifest["suites"].as_array().unwrap().iter();
    let names: Vec<&str> = suites.filter_map(|suite| suite["name"].as_str()).collect();
    assert_eq!(names, ["sums", "differences"]);
}

#[test]
fn suites_are_found_by_words_in_what_they_say_of_themselves() {
    let home = tempfile::tempdir().unwrap();
    let found = |words: &[&str]| {
        let listed = ran(candor(home.path())
            .args(["suites", "list", "--format", "json", "--search"])
            .args(words))
        .exits_with(0);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        let names = listed.as_array().unwrap().iter();
        let names = names.map(|s| s["suite"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(found(&["TRUTHFULQA"]), ["truthfulqa-mc1", "truthfulqa-mc2"]);
    assert_eq!(
        found(&["truthfulqa", "likelihood_mass"]),
        ["truthfulqa-mc2"]
    );
    assert!(found(&["chinese"]).contains(&"chinese-simpleqa".to_owned()));
    ran(candor(home.path()).args(["suites", "list", "--search", "nosuchword"]))
        .exits_with(2)
        .says(&["no shipped suite speaks of 'nosuchword'"]);
}

/// The hub, with one dataset of two branches. It ends with the test.
async fn dataset_hub(
    files: &'static [(&'static str, &'static str)],
) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    use axum::http::{StatusCode, Uri};
    use axum::response::IntoResponse;
    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&asked);
    let answer = move |uri: Uri| {
        let path = uri.path().to_owned();
        seen.lock().unwrap().push(path.clone());
        let siblings = files.iter().map(|(name, text)| {
            json!({"rfilename": name, "size": text.len(), "blobId": format!("{:040x}", text.len())})
        });
        let reply = if path.starts_with("/api/datasets/acme/sums/revision/") {
            let siblings: Vec<Value> = siblings.collect();
            axum::Json(json!({"sha": COMMIT, "siblings": siblings})).into_response()
        } else {
            let prefix = format!("/datasets/acme/sums/resolve/{COMMIT}/");
            let name = path.strip_prefix(&prefix).unwrap_or_default();
            match files.iter().find(|(own, _)| *own == name) {
                Some((_, text)) => (*text).into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        };
        std::future::ready(reply)
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_lies_in_the_hubs_own_layout_and_its_commit_in_the_manifest() {
    let home = tempfile::tempdir().unwrap();
    let rows = "{\"q\": \"1 + 1\", \"target\": \"2\"}\n";
    let files: &[(&str, &str)] = &[
        ("data/test.jsonl", "{\"q\": \"1 + 1\", \"target\": \"2\"}\n"),
        ("README.md", "x"),
    ];
    let (hub, asked) = dataset_hub(files).await;
    let suite = home.path().join("own");
    fs::create_dir_all(&suite).unwrap();
    let yaml = "format: 1\nname: own\nversion: '1.0'\nkind: benchmark\ntitle: Sums\nlicence: CC0-1.0\nsource: ourselves\ndata: {hub: {dataset: acme/sums, files: [data/test.jsonl]}}\nprompt: {user: '{{ q }}'}\nscorers: [includes]\n";
    fs::write(suite.join("suite.yaml"), yaml).unwrap();
    fs::write(
        home.path().join("r.jsonl"),
        "{\"sample_id\": \"1\", \"answer\": \"2\"}\n",
    )
    .unwrap();
    let run = |out: &'static str, more: &'static [&'static str]| {
        let (home, hub) = (home.path().to_owned(), hub.clone());
        tokio::task::spawn_blocking(move || {
            ran(candor(&home)
                .env("HF_ENDPOINT", hub)
                .args(["run", "-s", "own", "-m", "replay:r.jsonl", "-o", out])
                .args(more))
        })
    };
    run("never", &["--offline"])
        .await
        .unwrap()
        .exits_with(5)
        .says(&[
            "data/test.jsonl of hf://acme/sums@main",
            "is in no cache, and --offline forbids downloading it",
        ]);
    assert!(asked.lock().unwrap().is_empty());
    run("first", &[]).await.unwrap().exits_with(0);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let cache = home.path().join("hub/datasets--acme--sums");
    assert_eq!(fs::read_to_string(cache.join("refs/main")).unwrap(), commit);
    let kept = cache.join(format!("snapshots/{commit}/data/test.jsonl"));
    assert_eq!(fs::read_to_string(&kept).unwrap(), rows);
    #[cfg(unix)]
    assert!(fs::read_link(&kept).unwrap().starts_with("../../../blobs"));
    let manifest: Value =
        serde_json::from_slice(&fs::read(home.path().join("first/run.json")).unwrap()).unwrap();
    assert_eq!(
        manifest["hub"],
        json!([{"repository": "acme/sums", "commit": commit}])
    );
    let paths = std::mem::take(&mut *asked.lock().unwrap());
    assert_eq!(paths.len(), 2, "the list, and the one file: {paths:?}");
    run("second", &["--offline"]).await.unwrap().exits_with(0);
    assert!(asked.lock().unwrap().is_empty());
}
