//! Run directories written straight away, as a run leaves them: tables and manifest, without asking anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use polars::prelude::*;
use serde_json::{Value, json};

/// One trial of a made run.
#[derive(Debug, Clone)]
pub struct MadeTrial {
    pub model: String,
    pub suite: String,
    pub sample: String,
    pub epoch: u32,
    /// The headline score; none where it failed.
    pub value: Option<f64>,
    pub status: &'static str,
    pub pair: Option<String>,
    pub role: Option<&'static str>,
    pub cluster: Option<String>,
    pub strata: BTreeMap<String, String>,
    pub seconds: f64,
    pub cost: Option<f64>,
    pub label: Option<&'static str>,
    /// What was answered, where it matters.
    pub answer: Option<String>,
}

impl MadeTrial {
    /// A trial that ended well, with nothing special about it.
    pub fn new(model: &str, suite: &str, sample: impl Into<String>, value: f64) -> Self {
        Self {
            model: model.into(),
            suite: suite.into(),
            sample: sample.into(),
            epoch: 0,
            value: Some(value),
            status: "ok",
            pair: None,
            role: None,
            cluster: None,
            strata: BTreeMap::new(),
            seconds: 1.0,
            cost: None,
            label: None,
            answer: None,
        }
    }

    /// The trial's key in the tables.
    pub fn key(&self) -> String {
        let name = format!(
            "{}\0{}\0{}\0{}",
            self.model, self.suite, self.sample, self.epoch
        );
        blake3::hash(name.as_bytes()).to_hex().to_string()
    }

    pub fn label(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }

    pub fn epoch(mut self, epoch: u32) -> Self {
        self.epoch = epoch;
        self
    }

    pub fn failed(mut self) -> Self {
        (self.value, self.status) = (None, "error");
        self
    }

    pub fn stratum(mut self, name: &str, value: &str) -> Self {
        self.strata.insert(name.into(), value.into());
        self
    }

    pub fn side(mut self, pair: &str, role: &'static str) -> Self {
        (self.pair, self.role) = (Some(pair.into()), Some(role));
        self
    }
}

/// What a suite is scored by: the one named audit by what is withheld.
fn headline(suite: &str) -> [&'static str; 2] {
    if suite == "audit" {
        ["refusal", "class"]
    } else {
        ["number", "accuracy"]
    }
}

/// Writes a run directory. Trials come in the order drawn; `change` may alter the manifest before it is written.
pub fn write_run(path: &Path, trials: &[MadeTrial], change: impl FnOnce(&mut Value)) {
    let text = |name: &str, f: &dyn Fn(&MadeTrial) -> Option<String>| {
        StringChunked::from_iter_options(name.into(), trials.iter().map(f)).into_column()
    };
    let whole = |name: &str, f: &dyn Fn(usize, &MadeTrial) -> i64| {
        let values = trials.iter().enumerate().map(|(i, t)| f(i, t));
        Int64Chunked::from_iter_values(name.into(), values).into_column()
    };
    let float = |name: &str, f: &dyn Fn(&MadeTrial) -> Option<f64>| {
        Float64Chunked::from_iter_options(name.into(), trials.iter().map(f)).into_column()
    };
    let key = |t: &MadeTrial| Some(t.key());
    // A question's place is the same for every model.
    let mut places: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for trial in trials {
        let next = places.len() as i64;
        places.entry((&trial.suite, &trial.sample)).or_insert(next);
    }
    let strata: BTreeSet<&String> = trials.iter().flat_map(|t| t.strata.keys()).collect();
    let mut columns = vec![
        text("trial_key", &key),
        whole("schedule_index", &|_, t| {
            places[&(t.suite.as_str(), t.sample.as_str())]
        }),
        text("model", &|t| Some(t.model.clone())),
        text("suite", &|t| Some(t.suite.clone())),
        text("sample_id", &|t| Some(t.sample.clone())),
        whole("epoch", &|_, t| i64::from(t.epoch)),
        text("pair", &|t| t.pair.clone()),
        text("role", &|t| t.role.map(str::to_owned)),
        text("cluster", &|t| t.cluster.clone()),
        text("status", &|t| Some(t.status.to_owned())),
        text("finish", &|_| Some("stop".into())),
        text("prompt", &|t| {
            Some(format!("What is the answer to {}?", t.sample))
        }),
        text("target", &|_| Some("42".into())),
        text("answer", &|t| {
            let said = || format!("{} says {:?}.", t.model, t.value);
            Some(t.answer.clone().unwrap_or_else(said))
        }),
        text("reasoning", &|_| None),
        text("signals", &|_| None),
        text("error_class", &|_| None),
        text("error", &|_| None),
        whole("prompt_tokens", &|_, _| 20),
        whole("completion_tokens", &|_, _| 6),
        float("cost_usd", &|t| t.cost),
        float("queue_seconds", &|_| Some(0.0)),
        float("first_token_seconds", &|_| Some(0.1)),
        float("seconds", &|t| Some(t.seconds)),
        text("origin", &|_| Some("live".into())),
    ];
    columns.extend(strata.iter().map(|name| {
        text(&format!("stratum.{name}"), &|t| {
            t.strata.get(*name).cloned()
        })
    }));
    let scores = vec![
        text("trial_key", &key),
        text("model", &|t| Some(t.model.clone())),
        text("suite", &|t| Some(t.suite.clone())),
        text("sample_id", &|t| Some(t.sample.clone())),
        whole("epoch", &|_, t| i64::from(t.epoch)),
        text("scorer", &|t| Some(headline(&t.suite)[0].into())),
        whole("version", &|_, _| 1),
        text("metric", &|t| Some(headline(&t.suite)[1].into())),
        float("value", &|t| t.value),
        text("label", &|t| t.label.map(str::to_owned)),
        text("explanation", &|_| None),
    ];
    fs::create_dir_all(path).expect("a folder");
    for (name, columns) in [("trials", columns), ("scores", scores)] {
        let mut frame = DataFrame::new_infer_height(columns).expect("columns of one length");
        let file = File::create(path.join(format!("{name}.parquet"))).expect("a file");
        ParquetWriter::new(file)
            .with_compression(ParquetCompression::Zstd(None))
            .finish(&mut frame)
            .expect("a table");
    }
    let distinct = |f: &dyn Fn(&MadeTrial) -> String| -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for name in trials.iter().map(f) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    };
    let suites: Vec<Value> = distinct(&|t| t.suite.clone())
        .iter()
        .map(|name| {
            let samples = places.keys().filter(|(suite, _)| suite == name).count();
            json!({
                "name": name, "version": "1", "kind": if name == "audit" { "audit" } else { "benchmark" }, "title": "made here", "spec": if name == "audit" { "made/audit" } else { name }, "content_hash": "as made",
                "parts": { "items": "1", "prompts": "1", "decoding": "1", "scorers": "1" },
                "headline": headline(name), "strata": strata, "samples": samples, "available": samples,
                "licence": "CC0-1.0", "source": "made here",
            })
        })
        .collect();
    let models: Vec<Value> = distinct(&|t| t.model.clone())
        .iter()
        .map(|name| json!({ "name": name, "fingerprint": name, "spec": format!("replay:{name}.jsonl") }))
        .collect();
    let mut manifest = json!({
        "format": 1, "candor_version": "0.1.0", "created": "2026-11-24T00:00:00Z", "status": "finished",
        "suites": suites, "models": models, "epochs": 1, "seed": 0, "host": "here",
    });
    change(&mut manifest);
    fs::write(path.join("run.json"), manifest.to_string()).expect("a manifest");
}
