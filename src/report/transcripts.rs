//! Every question with all its answers, embedded as an index and compressed chunks that the page opens when they are read.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use polars::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::ReportError;
use crate::analysis::Dataset;
use crate::store::stratum_column;

/// Samples a chunk.
const CHUNK: usize = 24;
/// Characters of a question in the index.
const SHOWN: usize = 160;

/// Data blocks of the page.
pub(super) struct Transcripts {
    /// JSON, safe inside a script element.
    pub index: String,
    /// Gzip in base64, each a JSON list of samples.
    pub chunks: Vec<String>,
}

#[derive(Serialize)]
struct Index<'a> {
    suites: Vec<&'a str>,
    models: Vec<&'a str>,
    /// One entry a sample: chunk, suite, id, question, strata, and for each model its verdict.
    samples: Vec<Value>,
    left_out: u64,
}

/// Reads trials suite by suite; at most `most` trials are embedded.
pub(super) fn transcripts(data: &Dataset, most: usize) -> Result<Transcripts, ReportError> {
    let models: Vec<&str> = data.names().collect();
    let mut index = Index {
        suites: data.suites.iter().map(|s| s.name.as_str()).collect(),
        models,
        samples: Vec::new(),
        left_out: 0,
    };
    let mut chunks = Vec::new();
    let mut room = most;
    for (s, suite) in data.suites.iter().enumerate() {
        let of_suite = |frame: LazyFrame| frame.filter(col("suite").eq(lit(suite.name.clone())));
        let order = SortMultipleOptions::default();
        let ids = of_suite(data.trials())
            .group_by([col("sample_id")])
            .agg([col("trial_key").count().cast(DataType::UInt64).alias("n")])
            .sort(["sample_id"], order)
            .collect()?;
        let (names, counts) = (
            ids.column("sample_id")?.str()?.clone(),
            ids.column("n")?.u64()?.clone(),
        );
        let mut batch: Vec<String> = Vec::new();
        for i in 0..ids.height() {
            let n = usize::try_from(counts.get(i).unwrap_or(0)).unwrap_or(usize::MAX);
            if n > room {
                index.left_out += n as u64;
                continue;
            }
            room -= n;
            batch.extend(names.get(i).map(str::to_owned));
            // A few chunks a query: reading the table once for each would be slow, reading it whole would fill the memory.
            if batch.len() == 16 * CHUNK {
                read_batch(data, s, &suite.name, &batch, &mut index, &mut chunks)?;
                batch.clear();
            }
        }
        if !batch.is_empty() {
            read_batch(data, s, &suite.name, &batch, &mut index, &mut chunks)?;
        }
    }
    let text = serde_json::to_string(&index).map_err(|e| ReportError::Render {
        part: "index".into(),
        reason: e.to_string(),
    })?;
    Ok(Transcripts {
        index: text.replace('<', "\\u003c"),
        chunks,
    })
}

fn read_batch(
    data: &Dataset,
    suite_number: usize,
    suite: &str,
    ids: &[String],
    index: &mut Index,
    chunks: &mut Vec<String>,
) -> Result<(), ReportError> {
    let wanted = Series::new("ids".into(), ids);
    let within = col("suite")
        .eq(lit(suite.to_owned()))
        .and(col("sample_id").is_in(lit(wanted).implode(false), false));
    let order = SortMultipleOptions::default();
    let trials = data
        .trials()
        .filter(within.clone())
        .sort(["sample_id", "model", "epoch"], order.clone())
        .collect()?;
    let scores = data
        .scores()
        .filter(within)
        .select(
            [
                "trial_key",
                "scorer",
                "metric",
                "value",
                "label",
                "explanation",
                "labelled_by",
                "confidence",
            ]
            .map(col),
        )
        .collect()?;
    let mut by_trial: std::collections::HashMap<&str, Vec<Value>> =
        std::collections::HashMap::new();
    let score_text = |name: &str| scores.column(name)?.str();
    let (keys, scorers, metrics, labels, whys, labellers) = (
        score_text("trial_key")?,
        score_text("scorer")?,
        score_text("metric")?,
        score_text("label")?,
        score_text("explanation")?,
        score_text("labelled_by")?,
    );
    let (values, sure) = (
        scores.column("value")?.f64()?,
        scores.column("confidence")?.f64()?,
    );
    for i in 0..scores.height() {
        if let Some(key) = keys.get(i) {
            by_trial.entry(key).or_default().push(json!({ "scorer": scorers.get(i), "metric": metrics.get(i), "value": values.get(i), "label": labels.get(i), "why": whys.get(i), "by": labellers.get(i), "sure": sure.get(i) }));
        }
    }
    let text = |name: &str| trials.column(name)?.str();
    let (sample_ids, models, trial_keys) = (text("sample_id")?, text("model")?, text("trial_key")?);
    let whole = |name: &str, i: usize| trials.column(name).ok().and_then(|c| c.i64().ok()?.get(i));
    let float = |name: &str, i: usize| trials.column(name).ok().and_then(|c| c.f64().ok()?.get(i));
    let string = |name: &str, i: usize| {
        trials
            .column(name)
            .ok()
            .and_then(|c| c.str().ok()?.get(i).map(str::to_owned))
    };
    let headline = &data.suites[suite_number].headline;
    let mut pending: Vec<Value> = Vec::new();
    let mut row = 0;
    while row < trials.height() {
        let id = sample_ids.get(row).unwrap_or_default();
        let end = (row..trials.height())
            .find(|i| sample_ids.get(*i) != Some(id))
            .unwrap_or(trials.height());
        let prompt = string("prompt", row).unwrap_or_default();
        let strata: serde_json::Map<String, Value> = data
            .strata
            .iter()
            .filter_map(|name| Some((name.clone(), string(&stratum_column(name), row)?.into())))
            .collect();
        let mut verdicts = vec![Value::Null; index.models.len()];
        let mut answers = Vec::new();
        for i in row..end {
            let model = models.get(i).unwrap_or_default();
            let given = trial_keys
                .get(i)
                .and_then(|k| by_trial.remove(k))
                .unwrap_or_default();
            let status = string("status", i).unwrap_or_default();
            let verdict = given
                .iter()
                .find(|s| s["scorer"] == headline.0.as_str() && s["metric"] == headline.1.as_str());
            if let Some(m) = index.models.iter().position(|known| *known == model) {
                // A score where there is one; else the reason why there is none.
                verdicts[m] = match verdict.and_then(|v| v["value"].as_f64()) {
                    Some(value) => json!((value * 100.0).round() / 100.0),
                    None => json!(status),
                };
            }
            answers.push(json!({
                "model": model, "epoch": whole("epoch", i), "status": status, "finish": string("finish", i), "answer": string("answer", i), "reasoning": string("reasoning", i),
                "signals": string("signals", i), "error": string("error", i), "prompt_tokens": whole("prompt_tokens", i), "completion_tokens": whole("completion_tokens", i),
                "seconds": float("seconds", i), "cost": float("cost_usd", i), "scores": given,
            }));
        }
        let question: String = crate::text::squash_whitespace(&prompt)
            .chars()
            .rev()
            .take(SHOWN)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let shown = if strata.is_empty() {
            Value::Null
        } else {
            Value::Object(strata.clone())
        };
        index.samples.push(json!({ "c": chunks.len() , "s": suite_number, "i": id, "q": question, "t": shown, "v": verdicts }));
        pending.push(json!({ "id": id, "suite": suite, "prompt": prompt, "target": string("target", row), "pair": string("pair", row), "role": string("role", row), "strata": strata, "answers": answers }));
        if pending.len() == CHUNK || end == trials.height() {
            chunks.push(compress(&Value::Array(std::mem::take(&mut pending)))?);
        }
        row = end;
    }
    Ok(())
}

fn compress(value: &Value) -> Result<String, ReportError> {
    let failed = |e: &dyn std::fmt::Display| ReportError::Render {
        part: "transcripts".into(),
        reason: e.to_string(),
    };
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let bytes = serde_json::to_vec(value).map_err(|e| failed(&e))?;
    encoder.write_all(&bytes).map_err(|e| failed(&e))?;
    Ok(STANDARD.encode(encoder.finish().map_err(|e| failed(&e))?))
}
