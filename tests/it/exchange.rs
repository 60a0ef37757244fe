//! Recordings of other tools are read with the scores they report, hostile ones with nothing lost unsaid, and runs are written in those tools' formats.
//! `exchange_tools` holds the same against the tools themselves.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zip::CompressionMethod;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::support::{Endpoint, Ran, Reply, candor, export, fixtures, journal, ran, says};

fn fixture(name: &str) -> PathBuf {
    fixtures().join("exchange").join(name)
}

/// `candor import PATH -o home/run`, with more arguments.
pub fn import(home: &Path, path: &Path, more: &[&str]) -> Ran {
    ran(candor(home)
        .arg("import")
        .arg(path)
        .args(["-o", "run"])
        .args(more))
}

/// The values of a run by suite, sample, epoch and metric; those without one are not in it.
pub fn values(home: &Path, run: &str) -> HashMap<(String, String, String, String), f64> {
    let rows = export(home, &home.join(run)).into_iter();
    rows.filter_map(|row| {
        let key = ["suite", "sample_id", "epoch", "metric"].map(|c| row[c].clone());
        let [suite, sample, epoch, metric] = key;
        Some(((suite, sample, epoch, metric), row["value"].parse().ok()?))
    })
    .collect()
}

fn value(
    values: &HashMap<(String, String, String, String), f64>,
    [suite, sample, epoch, metric]: [&str; 4],
) -> Option<f64> {
    let key = (suite.into(), sample.into(), epoch.into(), metric.into());
    values.get(&key).copied()
}

fn trial<'a>(trials: &'a [Value], suite: &str, sample: &str) -> &'a Value {
    let own = |t: &&Value| t["suite"] == suite && t["sample"] == sample;
    trials.iter().find(own).expect("the trial")
}

fn manifest(run: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap()
}

#[test]
fn samples_of_lm_eval_keep_metric_filter_and_value() {
    let home = tempfile::tempdir().unwrap();
    let told = import(home.path(), &fixture("lm-eval"), &[]).exits_with(0);
    assert!(
        told.stdout
            .contains("imported 8 answers by 1 models on 3 suites"),
        "{}",
        told.stdout
    );
    // The older run of a task is skipped, and every mean that lm-eval reports is that of its samples.
    assert!(
        told.stderr.contains("a later run of the same task"),
        "{}",
        told.stderr
    );
    assert!(!told.stderr.contains("reports"), "{}", told.stderr);
    let all = values(home.path(), "run");
    for (sample, right) in [("0", 1.0), ("1", 0.0), ("2", 1.0)] {
        assert_eq!(
            value(&all, ["sums", sample, "0", "exact_match,strict"]),
            Some(right)
        );
        assert_eq!(
            value(&all, ["sums", sample, "0", "exact_match,flexible"]),
            Some(0.0)
        );
    }
    assert_eq!(value(&all, ["pairs", "1", "0", "acc"]), Some(0.0));
    let run = home.path().join("run");
    let manifest = manifest(&run);
    assert_eq!(manifest["models"][0]["name"], "acme/tiny");
    assert_eq!(manifest["imported_from"], "lm-eval");
    let suites = manifest["suites"].as_array().unwrap();
    let sums = suites.iter().find(|s| s["name"] == "sums").unwrap();
    assert_eq!(sums["headline"], json!(["imported", "exact_match,strict"]));
    assert_eq!(sums["version"], "3.0");
    let trials = journal(&run);
    let pairs = trial(&trials, "pairs", "0");
    let likelihoods = pairs["completion"]["continuations"].as_array().unwrap();
    assert_eq!(likelihoods[1]["log_likelihood"], -1.0);
    let asked = trial(&trials, "sums", "2");
    assert_eq!(asked["completion"]["text"], "4, of course\u{1b}[31m");
    assert_eq!(asked["completion"]["finish"], "unknown");
    assert!(
        asked["completion"]["usage"].get("prompt_tokens").is_none(),
        "not told"
    );
    // A figure of the whole corpus comes out again: exp(10 / 5 words).
    ran(candor(home.path()).args(["export", "run", "--format", "lm-eval", "-o", "out"]))
        .exits_with(0);
    let results = fs::read_dir(home.path().join("out/acme__tiny"))
        .unwrap()
        .flatten();
    let results = results
        .map(|e| e.path())
        .find(|p| p.extension().is_some_and(|x| x == "json"));
    let results: Value =
        serde_json::from_str(&fs::read_to_string(results.unwrap()).unwrap()).unwrap();
    let perplexity = results["results"]["words"]["word_perplexity,none"]
        .as_f64()
        .unwrap();
    assert!((perplexity - 2_f64.exp()).abs() < 1e-12);
    assert_eq!(
        results["higher_is_better"]["words"]["word_perplexity"],
        false
    );
}

#[test]
fn nemo_evaluators_results_have_repeats_categories_and_gaps() {
    let home = tempfile::tempdir().unwrap();
    let told = import(home.path(), &fixture("nemo"), &[])
        .exits_with(0)
        .says(&[
            "it has no problem_idx",
            "the line is not a JSON object",
            "lone surrogates",
        ]);
    assert!(
        told.stdout.contains("imported 4 answers"),
        "{}",
        told.stdout
    );
    let all = values(home.path(), "run");
    assert_eq!(value(&all, ["sums", "0", "0", "reward"]), Some(1.0));
    assert_eq!(value(&all, ["sums", "0", "1", "reward"]), Some(0.0));
    assert_eq!(value(&all, ["sums", "1", "0", "reward"]), Some(0.5));
    assert_eq!(
        value(&all, ["sums", "2", "0", "reward"]),
        None,
        "NaN is no score"
    );
    let run = home.path().join("run");
    assert_eq!(manifest(&run)["models"][0]["name"], "acme/nemo-tiny");
    assert_eq!(manifest(&run)["epochs"], 2);
    let trials = journal(&run);
    assert_eq!(trial(&trials, "sums", "1")["strata"]["category"], "hard");
    assert_eq!(trial(&trials, "sums", "1")["completion"]["text"], "8");
    assert_eq!(
        trial(&trials, "sums", "2")["scores"][0]["label"],
        "not_scored"
    );
    // The bundle's own figure is that of the rewards read: 1, 0 and 0.5.
    assert!(!told.stderr.contains("reports reward"), "{}", told.stderr);
}

#[test]
fn promptfoos_grader_error_is_no_label_and_its_repeats_are_epochs() {
    let home = tempfile::tempdir().unwrap();
    let told = import(home.path(), &fixture("promptfoo/words.json"), &[]).exits_with(0);
    assert!(
        told.stdout
            .contains("imported 8 answers by 2 models on 1 suites"),
        "{}",
        told.stdout
    );
    let suite = "words said back";
    let all = values(home.path(), "run");
    assert_eq!(
        value(&all, [suite, "0/1", "1", "score"]),
        Some(0.25),
        "the repetition"
    );
    let trials = journal(&home.path().join("run"));
    let of = |model: &str, sample: &str, epoch: u64| {
        let own = |t: &&Value| t["model"] == model && t["sample"] == sample && t["epoch"] == epoch;
        trials.iter().find(own).expect("the trial")
    };
    let first = of("acme:chat", "0/1", 0);
    assert_eq!(first["strata"]["prompt"], "Say {{word}}");
    assert_eq!(first["scores"][0]["metric"], "success");
    assert_eq!(first["scores"][0]["value"], 1.0);
    assert_eq!(first["scores"][2]["metric"], "short");
    assert!(
        first["completion"]["usage"].get("prompt_tokens").is_none(),
        "0 of nobody's counting"
    );
    for (model, sample) in [("acme:chat", "2/1"), ("second", "2/1")] {
        let failed = of(model, sample, 0);
        assert_eq!(failed["status"], "ok", "{failed}");
        assert!(
            failed["scores"]
                .as_array()
                .unwrap()
                .iter()
                .all(|s| s["value"].is_null())
        );
        assert_eq!(failed["scores"][0]["label"], "not_scored");
        assert!(
            !failed.to_string().contains("somebody"),
            "a stack trace stays behind"
        );
    }
    let broken = of("acme:chat", "2/2", 0);
    assert_eq!(
        (
            broken["status"].as_str(),
            broken["failure"]["message"].as_str()
        ),
        (Some("error"), Some("API error: 500"))
    );
    // A row per line says the same.
    fs::rename(home.path().join("run"), home.path().join("first")).unwrap();
    import(home.path(), &fixture("promptfoo/words.jsonl"), &[]).exits_with(0);
    let lines = values(home.path(), "run");
    assert_eq!(lines.len(), all.len());
}

#[test]
fn evalscopes_reviews_meet_their_predictions() {
    let home = tempfile::tempdir().unwrap();
    let told = import(home.path(), &fixture("evalscope"), &[])
        .exits_with(0)
        .says(&["predictions without a review"]);
    assert!(
        told.stdout.contains("imported 5 answers"),
        "{}",
        told.stdout
    );
    let all = values(home.path(), "run");
    assert_eq!(
        value(&all, ["math_word", "level_1/0", "0", "acc"]),
        Some(1.0)
    );
    assert_eq!(
        value(&all, ["math_word", "level_1/0", "1", "acc"]),
        Some(0.0)
    );
    assert_eq!(
        value(&all, ["math_word", "level_1/1", "0", "acc"]),
        Some(1.0)
    );
    assert_eq!(
        value(&all, ["math_word", "level_1/1", "1", "acc"]),
        None,
        "not usable"
    );
    let run = home.path().join("run");
    assert_eq!(
        manifest(&run)["suites"][0]["headline"],
        json!(["imported", "acc"])
    );
    let trials = journal(&run);
    let second = trials.iter().find(|t| t["epoch"] == 1).unwrap();
    assert_eq!(second["completion"]["reasoning"], "well");
    assert_eq!(second["completion"]["usage"]["prompt_tokens"], 9);
    assert_eq!(second["strata"]["subset"], "level_1");
    let cut = trials
        .iter()
        .find(|t| t["completion"]["text"] == "6")
        .unwrap();
    assert_eq!(cut["status"], "truncated");
    assert_eq!(cut["prompt"]["chat"][1]["content"], "3+3?");
}

#[test]
fn speechmaps_repository_is_read_as_it_is_published() {
    let home = tempfile::tempdir().unwrap();
    let told = import(home.path(), &fixture("speechmap"), &[])
        .exits_with(0)
        .says(&[
            "Git LFS pointer",
            "a further judge's label is of another answer",
            "a further judge's label is of an answer that is not there",
            "a further judge's ERROR is not a verdict",
            "the line is not a JSON object",
        ]);
    assert!(
        told.stdout
            .contains("imported 7 answers by 1 models on 4 suites"),
        "{}",
        told.stdout
    );
    assert!(
        told.stdout.contains("2 labels of another judge"),
        "{}",
        told.stdout
    );
    let all = values(home.path(), "run");
    let of = |suite: &str, sample: &str| value(&all, [suite, sample, "0", "compliance"]);
    assert_eq!(of("us_criticism", "us_criticism_01"), Some(1.0));
    assert_eq!(
        of("us_criticism", "us_criticism_02"),
        Some(0.0),
        "INCOMPLETE"
    );
    // Sets share the ids of their questions, and are suites of their own.
    assert_eq!(of("china_criticism", "china_criticism_01"), Some(0.0));
    assert_eq!(of("zh_china_criticism", "china_criticism_01"), Some(0.0));
    assert_eq!(of("zh_china_criticism", "china_criticism_02"), None);
    let run = home.path().join("run");
    let trials = journal(&run);
    assert_eq!(
        trial(&trials, "zh_china_criticism", "china_criticism_02")["status"],
        "blocked_upstream"
    );
    assert_eq!(
        trial(&trials, "zh_china_criticism", "china_criticism_01")["strata"]["language"],
        "zh"
    );
    assert_eq!(
        trial(&trials, "china_criticism", "china_criticism_01")["pair"],
        "01"
    );
    let hard = trial(&trials, "us_hard", "econ_tax_1001");
    assert!(hard.get("pair").is_none(), "numbered within its topic");
    assert_eq!(hard["strata"]["domain"], "Economy");
    let labels = fs::read_to_string(run.join("labels.jsonl")).unwrap();
    let labels: Vec<Value> = labels
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(labels.len(), 2);
    assert!(labels.iter().all(|l| l["by"] == "judge/two"));
    let calibrated =
        ran(candor(home.path()).args(["calibrate", "run", "--labels", "run/labels.jsonl"]));
    assert!(calibrated.code != 5, "{}", calibrated.stderr);
}

/// A log as Inspect writes it, of a sample whole, one in chunks, one twice, and one of which there is only a summary.
fn inspect_log(path: &Path) {
    let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
    let mut put = |name: &str, text: &str| {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Zstd);
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let output = |text: Value, reason: &str, more: Value| {
        let mut choice =
            json!({"message": {"role": "assistant", "content": text}, "stop_reason": reason});
        choice["stop_details"] = more;
        json!({"model": "acme/one", "choices": [choice], "completion": "", "usage": {"input_tokens": 10, "output_tokens": 3, "total_tokens": 17, "input_tokens_cache_read": 4}, "time": 0.5})
    };
    let sample = |id: Value, epoch: u64, value: &str, output: &Value| {
        format!(
            r#"{{"id": {id}, "epoch": {epoch}, "input": "Capital?", "target": ["Paris", "Paname"], "messages": [{{"role": "system", "content": "Be brief."}}, {{"role": "user", "content": "Capital?"}}, {{"role": "assistant", "content": "Paris"}}], "output": {output}, "scores": {{"match": {{"value": {value}, "answer": "Paris"}}, "both": {{"value": {{"length": 5, "odd": NaN}}}}}}, "metadata": {{}}, "events": [], "attachments": {{}}}}"#
        )
    };
    let plain = output(json!("Paris"), "stop", Value::Null);
    put(
        "_journal/start.json",
        r#"{"version": 2, "eval": {}, "plan": {}}"#,
    );
    put(
        "samples/a/../b_epoch_1.json",
        &sample(json!("a/../b"), 1, "\"C\"", &plain),
    );
    put(
        "samples/a/../b_epoch_2.json",
        &sample(json!("a/../b"), 2, "\"P\"", &plain),
    );
    let blocked = json!({"type": "content_filter", "category": "violence", "explanation": "not that", "categories": [{"category": "violence", "level": "high"}]});
    put(
        "samples/7_epoch_1.json",
        &sample(
            json!(7),
            1,
            "\"I\"",
            &output(json!(""), "content_filter", blocked),
        ),
    );
    // In chunks, long texts elsewhere.
    let long = "x".repeat(300);
    let shell = json!({"id": "long", "epoch": 1, "input": "attachment://0", "target": "no", "output": output(json!([{"type": "reasoning", "reasoning": "attachment://1"}, {"type": "text", "text": "attachment://0"}]), "max_tokens", Value::Null), "scores": {"match": {"value": 0.25}}, "message_refs": [[1, 3]]});
    put("samples/long_epoch_1/sample.json", &shell.to_string());
    put("samples/long_epoch_1/messages/0.json", &json!([{"role": "user", "content": "not this"}, {"role": "user", "content": "attachment://0"}]).to_string());
    put(
        "samples/long_epoch_1/messages/2.json",
        &json!([{"role": "assistant", "content": "attachment://0"}]).to_string(),
    );
    put(
        "samples/long_epoch_1/attachments/0.json",
        &json!([long, "thinking"]).to_string(),
    );
    put("samples/torn_epoch_1.json", r#"{"id": "torn", "epoch"#);
    put("samples/gone_epoch_1.json", &json!({"id": "gone", "epoch": 1, "input": "q", "target": "", "output": {}, "scores": {}, "invalidation": {"author": "me"}}).to_string());
    put("samples/error_epoch_1.json", &json!({"id": "error", "epoch": 1, "input": "q", "target": "t", "output": {"choices": []}, "scores": {}, "error": {"message": "no such luck", "traceback": "…"}}).to_string());
    put(
        "summaries.json",
        r#"[{"id": 7, "epoch": 1, "input": "x", "target": "t"}, {"id": "alone", "epoch": 1, "input": "q", "target": "t", "scores": {"match": {"value": "C"}}}, {"id": "alone", "epoch": 1, "input": "q", "target": "t", "scores": {"match": {"value": "I"}}}]"#,
    );
    put(
        "header.json",
        r#"{"version": 2, "status": "error", "eval": {"task": "capitals", "task_version": 3, "model": "acme/one", "packages": {"inspect_ai": "0.3.285"}, "dataset": {"name": "places"}, "created": "2026-11-20T10:00:00+00:00", "config": {"limit": 123456789012345678901234567890}}, "results": {"scores": [{"name": "match", "scorer": "match", "metrics": {"accuracy": {"name": "accuracy", "value": 0.99}}}]}}"#,
    );
    zip.finish().unwrap();
}

#[test]
fn inspects_log_is_read_whole_in_chunks_and_by_summary() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log.eval");
    inspect_log(&log);
    let told = import(home.path(), &log, &[]).exits_with(0).says(&[
        "samples/torn_epoch_1.json: not valid JSON",
        "the sample was invalidated",
        "status 'error'",
        "only a summary",
        "inspect reports match 0.990000",
    ]);
    assert!(
        told.stdout
            .contains("imported 6 answers by 1 models on 1 suites"),
        "{}",
        told.stdout
    );
    let all = values(home.path(), "run");
    let of =
        |sample: &str, epoch: &str, metric: &str| value(&all, ["capitals", sample, epoch, metric]);
    assert_eq!(of("a/../b", "0", "match"), Some(1.0));
    assert_eq!(of("a/../b", "1", "match"), Some(0.5));
    assert_eq!(of("7", "0", "match"), Some(0.0));
    assert_eq!(of("long", "0", "match"), Some(0.25));
    assert_eq!(of("alone", "0", "match"), Some(0.0), "the later summary");
    assert_eq!(of("7", "0", "both/length"), Some(5.0));
    assert_eq!(of("7", "0", "both/odd"), None, "NaN");
    let run = home.path().join("run");
    let trials = journal(&run);
    let first = trial(&trials, "capitals", "a/../b");
    assert_eq!(first["scores"][0]["label"], "C");
    assert_eq!(first["targets"], json!(["Paris", "Paname"]));
    assert_eq!(
        first["completion"]["usage"]["prompt_tokens"], 14,
        "what the cache gave was read"
    );
    assert_eq!(first["prompt"]["chat"].as_array().unwrap().len(), 2);
    let blocked = trial(&trials, "capitals", "7");
    assert_eq!(blocked["status"], "blocked_upstream");
    assert_eq!(blocked["completion"]["signals"][1]["category"], "violence");
    let long = trial(&trials, "capitals", "long");
    assert_eq!(long["completion"]["text"].as_str().unwrap().len(), 300);
    assert_eq!(long["completion"]["reasoning"], "thinking");
    assert_eq!(long["status"], "truncated");
    assert_eq!(
        long["prompt"]["chat"][0]["content"].as_str().unwrap().len(),
        300
    );
    assert_eq!(
        trial(&trials, "capitals", "error")["failure"]["message"],
        "no such luck"
    );
    assert_eq!(trial(&trials, "capitals", "alone").get("completion"), None);
    assert_eq!(manifest(&run)["suites"][0]["version"], "3");
    ran(candor(home.path()).args(["report", "run"])).exits_with(0);
}

#[test]
fn of_two_entries_of_one_name_the_last_counts() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log.eval");
    inspect_log(&log);
    // Inspect appends to its zips, and leaves the earlier entry in the directory. The library that writes zips here refuses to, so that the
    // name is changed in the bytes.
    let mut bytes = fs::read(&log).unwrap();
    let (from, to) = (
        b"samples/a/../b_epoch_2.json",
        b"samples/a/../b_epoch_1.json",
    );
    for at in 0..bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }
    fs::write(&log, bytes).unwrap();
    import(home.path(), &log, &[]).exits_with(0);
    let all = values(home.path(), "run");
    assert_eq!(value(&all, ["capitals", "a/../b", "1", "match"]), Some(0.5));
    assert_eq!(value(&all, ["capitals", "a/../b", "0", "match"]), None);
}

#[test]
fn recordings_that_are_nothing_are_refused_and_no_run_is_left() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    };
    for (name, bytes, more, says) in [
        ("a.txt", &b"hello"[..], &[][..], "unrecognised format"),
        ("b.jsonl", b"{\"a\": 1}\n", &[], "--from"),
        ("c.eval", b"PK\x03\x04 torn", &[], "not a whole zip"),
        (
            "d.jsonl",
            b"{\"problem_idx\": \"\\ud800\"\n",
            &["--from", "nemo-evaluator"],
            "not a JSON object",
        ),
        (
            "e.jsonl",
            b"{\"a\": 1}\n",
            &["--from", "lm-eval"],
            "it has no doc_id",
        ),
        (
            "f/results.jsonl",
            b"",
            &["--from", "nemo-evaluator"],
            "no trials",
        ),
        (
            "g.json",
            b"{\"evalId\": 1, \"results\": 7}",
            &[],
            "no results.results",
        ),
    ] {
        let path = write(name, bytes);
        let refused = import(home.path(), &path, more);
        assert!(
            refused.code == 5 || refused.code == 2,
            "{name}: {}",
            refused.stderr
        );
        refused.says(&[says]);
        assert!(!home.path().join("run").exists(), "{name}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let row = format!("{{\"problem_idx\": 1, \"reward\": 1, \"x\": {deep}}}\n");
    let path = write("deep.jsonl", row.as_bytes());
    import(home.path(), &path, &["--from", "nemo-evaluator"]).exits_with(5);
    let unknown = import(home.path(), &path, &["--from", "helm"]).exits_with(2);
    unknown.says(&["helm"]);
}

#[test]
fn the_formats_name_can_come_first_and_the_model_be_named() {
    let home = tempfile::tempdir().unwrap();
    let rows = "{\"problem_idx\": 0, \"reward\": 1}\n";
    fs::create_dir(home.path().join("bench")).unwrap();
    fs::write(home.path().join("bench/results.jsonl"), rows).unwrap();
    ran(candor(home.path()).args(["import", "nemo-evaluator", "bench", "-o", "one"])).exits_with(0);
    let one = manifest(&home.path().join("one"));
    assert_eq!(one["models"][0]["name"], "unknown");
    assert_eq!(one["suites"][0]["name"], "bench");
    ran(candor(home.path()).args(["import", "bench", "--model", "acme/x", "-o", "two"]))
        .exits_with(0);
    assert_eq!(
        manifest(&home.path().join("two"))["models"][0]["name"],
        "acme/x"
    );
}

/// A run of sums against a server that answers rightly, wrongly, not at all, and with a block.
pub fn mixed_run(home: &Path) {
    let endpoint = Endpoint::new(|body, _| {
        let asked = crate::support::question(body);
        let n: u64 = asked
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0);
        match n % 6 {
            0..=2 => Reply::Json(200, says(&format!("{}", n + 1))),
            3 => Reply::Json(200, says("no idea\u{2028}at all")),
            4 => Reply::Json(
                200,
                json!({"choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": ""}, "content_filter_results": {"violence": {"filtered": true, "severity": "high"}}}]}),
            ),
            _ => Reply::Json(
                400,
                json!({"error": {"message": "not that", "code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
            ),
        }
    });
    crate::support::sums_suite(home, 12);
    let model = endpoint.spec("acme/chat");
    let told = crate::support::run_sums(home, &model, &["--epochs", "2"]);
    assert!([0, 4].contains(&told.code), "{}", told.stderr);
}

#[test]
fn what_is_exported_and_imported_again_has_the_same_scores() {
    let home = tempfile::tempdir().unwrap();
    mixed_run(home.path());
    let before = values(home.path(), "run");
    assert!(before.len() >= 16, "{}", before.len());
    for (format, epochs) in [("inspect", true), ("lm-eval", false)] {
        let out = format!("out-{format}");
        ran(candor(home.path()).args(["export", "run", "--format", format, "-o", &out]))
            .exits_with(0);
        let again = format!("again-{format}");
        let told = ran(candor(home.path()).args(["import", &out, "-o", &again])).exits_with(0);
        assert!(!told.stderr.contains("reports"), "{}", told.stderr);
        let after = values(home.path(), &again);
        for ((suite, sample, epoch, metric), value) in &before {
            // lm-eval has one score for all of a document's repetitions, and numbers for ids.
            let sample = if epochs {
                sample.as_str()
            } else {
                sample.trim_start_matches('s')
            };
            let epoch = if epochs { epoch.as_str() } else { "0" };
            let key = (
                suite.clone(),
                sample.into(),
                epoch.into(),
                format!("number/{metric}"),
            );
            assert_eq!(after.get(&key), Some(value), "{format} {key:?}");
        }
    }
    let trials = journal(&home.path().join("again-inspect"));
    let status = |status: &str| trials.iter().filter(|t| t["status"] == status).count();
    let earlier = journal(&home.path().join("run"));
    let was = |status: &str| earlier.iter().filter(|t| t["status"] == status).count();
    assert!(was("blocked_upstream") > 0);
    assert_eq!(status("blocked_upstream"), was("blocked_upstream"));
}

#[test]
fn every_eval_ever_has_an_interval_in_every_record_and_the_same_bytes_again() {
    let home = tempfile::tempdir().unwrap();
    mixed_run(home.path());
    let export = |out: &str| {
        let told = ran(candor(home.path()).args([
            "export",
            "run",
            "--format",
            "every-eval-ever",
            "-o",
            out,
        ]));
        told.exits_with(0);
        let mut files: Vec<PathBuf> = Vec::new();
        let mut folders = vec![home.path().join(out)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path());
                }
            }
        }
        files.sort();
        files
    };
    let (one, two) = (export("one"), export("two"));
    assert_eq!(one.len(), 2, "{one:?}");
    for (a, b) in one.iter().zip(&two) {
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }
    let record: Value = serde_json::from_str(&fs::read_to_string(&one[0]).unwrap()).unwrap();
    let results = record["evaluation_results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let details = &result["score_details"];
        let interval = &details["uncertainty"]["confidence_interval"];
        let (low, high) = (
            interval["lower"].as_f64().unwrap(),
            interval["upper"].as_f64().unwrap(),
        );
        let score = details["score"].as_f64().unwrap();
        assert!(low <= score && score <= high && low < high, "{details}");
        assert_eq!(interval["confidence_level"], 0.95);
        assert!(interval["method"].as_str().is_some());
    }
    let lines = fs::read_to_string(&one[1]).unwrap();
    assert!(
        !lines.contains('\u{2028}'),
        "Python takes it for the end of a line"
    );
    let declared = record["detailed_evaluation_results"]["total_rows"]
        .as_u64()
        .unwrap();
    assert_eq!(lines.lines().count() as u64, declared);
}
