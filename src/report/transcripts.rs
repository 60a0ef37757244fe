//! Every question with all its answers, embedded as an index and compressed chunks that the page opens when they are read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Value, json};

use super::ReportError;
use crate::analysis::Dataset;
use crate::store::{Filter, Floats, StoreError, Table, Texts, Wholes, column, stratum_column};

/// Samples per chunk.
const CHUNK: usize = 24;
/// Trials read in one pass over the tables: fewer passes take less time, more take less memory.
const PASS: usize = 16 * 1024;
/// Characters of a question in the index.
const SHOWN: usize = 160;

const TRIAL_COLUMNS: [&str; 19] = [
    column::SUITE,
    column::SAMPLE,
    column::MODEL,
    column::EPOCH,
    column::TRIAL_KEY,
    column::STATUS,
    column::FINISH,
    column::PROMPT,
    column::TARGET,
    column::PAIR,
    column::ROLE,
    column::ANSWER,
    column::REASONING,
    column::SIGNALS,
    column::ERROR,
    column::PROMPT_TOKENS,
    column::COMPLETION_TOKENS,
    column::SECONDS,
    column::COST_USD,
];

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

/// A sample of one suite, by its number.
type Place<'a> = (usize, &'a str);

/// Reads trials sample by sample; at most `most` trials are embedded.
pub(super) fn transcripts(data: &Dataset, most: usize) -> Result<Transcripts, ReportError> {
    let mut embedded = Embedded {
        data,
        index: Index {
            suites: data.suites.iter().map(|s| s.name.as_str()).collect(),
            models: data.names().collect(),
            samples: Vec::new(),
            left_out: 0,
        },
        chunks: Vec::new(),
    };
    let trials = data.trials(&[column::SUITE, column::SAMPLE], &Filter::all())?;
    let (suites, samples) = (trials.texts(column::SUITE)?, trials.texts(column::SAMPLE)?);
    let numbers: HashMap<&str, usize> = data
        .suites
        .iter()
        .enumerate()
        .map(|(number, suite)| (suite.name.as_str(), number))
        .collect();
    let mut counts: BTreeMap<Place<'_>, usize> = BTreeMap::new();
    for row in 0..trials.height() {
        let number = suites.get(row).and_then(|suite| numbers.get(suite));
        if let (Some(number), Some(sample)) = (number, samples.get(row)) {
            *counts.entry((*number, sample)).or_default() += 1;
        }
    }
    let (mut room, mut waiting) = (most, 0);
    let mut batch: BTreeSet<Place<'_>> = BTreeSet::new();
    for (place, n) in counts {
        if n > room {
            embedded.index.left_out += n as u64;
            continue;
        }
        room -= n;
        waiting += n;
        batch.insert(place);
        if waiting >= PASS {
            embedded.read(&batch)?;
            batch.clear();
            waiting = 0;
        }
    }
    if !batch.is_empty() {
        embedded.read(&batch)?;
    }
    let text = serde_json::to_string(&embedded.index).map_err(|e| ReportError::Render {
        part: "index".into(),
        reason: e.to_string(),
    })?;
    Ok(Transcripts {
        index: text.replace('<', "\\u003c"),
        chunks: embedded.chunks,
    })
}

/// Index and chunks while they grow.
struct Embedded<'a> {
    data: &'a Dataset,
    index: Index<'a>,
    chunks: Vec<String>,
}

impl Embedded<'_> {
    /// Adds the samples of a batch, in its order.
    fn read(&mut self, batch: &BTreeSet<Place<'_>>) -> Result<(), ReportError> {
        let suites = &self.data.suites;
        let wanted = Filter::all()
            .among(
                column::SUITE,
                batch.iter().map(|(s, _)| suites[*s].name.as_str()),
            )
            .among(column::SAMPLE, batch.iter().map(|(_, sample)| *sample));
        let strata: Vec<String> = self.data.strata.iter().map(|s| stratum_column(s)).collect();
        let mut columns = TRIAL_COLUMNS.to_vec();
        columns.extend(strata.iter().map(String::as_str));
        let trials = self.data.trials(&columns, &wanted)?;
        let scores = scores(self.data, &wanted)?;
        let row = Row::of(&trials, &strata)?;
        let numbers: HashMap<&str, usize> = suites
            .iter()
            .enumerate()
            .map(|(number, suite)| (suite.name.as_str(), number))
            .collect();
        let place = |at: usize| {
            let suite = numbers.get(row.text(column::SUITE, at)?)?;
            Some((*suite, row.text(column::SAMPLE, at)?))
        };
        let mut by_place: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
        for at in 0..trials.height() {
            if let Some(place) = place(at).filter(|place| batch.contains(place)) {
                by_place.entry(place).or_default().push(at);
            }
        }
        let mut pending: Vec<Value> = Vec::new();
        for ((suite, sample), mut rows) in by_place {
            let begun = pending
                .first()
                .map(|p| p["suite"] == suites[suite].name.as_str());
            if pending.len() == CHUNK || begun == Some(false) {
                self.chunks
                    .push(compress(&Value::Array(std::mem::take(&mut pending)))?);
            }
            rows.sort_by_key(|at| (row.text(column::MODEL, *at), row.whole(column::EPOCH, *at)));
            pending.push(self.sample(suite, sample, &rows, &row, &scores));
        }
        if !pending.is_empty() {
            self.chunks.push(compress(&Value::Array(pending))?);
        }
        Ok(())
    }

    /// One sample with all its answers; its entry goes into the index.
    fn sample(
        &mut self,
        suite: usize,
        sample: &str,
        rows: &[usize],
        row: &Row<'_>,
        scores: &HashMap<String, Vec<Value>>,
    ) -> Value {
        let record = &self.data.suites[suite];
        let first = rows.first().copied().unwrap_or_default();
        let prompt = row.text(column::PROMPT, first).unwrap_or_default();
        let strata: serde_json::Map<String, Value> = self
            .data
            .strata
            .iter()
            .filter_map(|name| {
                let value = row.text(&stratum_column(name), first)?;
                Some((name.clone(), value.into()))
            })
            .collect();
        let mut verdicts = vec![Value::Null; self.index.models.len()];
        let mut answers = Vec::new();
        for &at in rows {
            let text = |column: &str| row.text(column, at);
            let model = text(column::MODEL).unwrap_or_default();
            let given = text(column::TRIAL_KEY).and_then(|key| scores.get(key));
            let given = given.map_or(&[][..], Vec::as_slice);
            let status = text(column::STATUS).unwrap_or_default();
            let verdict = given.iter().find(|s| {
                s["scorer"] == record.headline.0.as_str()
                    && s["metric"] == record.headline.1.as_str()
            });
            if let Some(m) = self.index.models.iter().position(|known| *known == model) {
                // A score where there is one; else the reason why there is none.
                verdicts[m] = match verdict.and_then(|v| v["value"].as_f64()) {
                    Some(value) => json!((value * 100.0).round() / 100.0),
                    None => json!(status),
                };
            }
            answers.push(json!({
                "model": model,
                "epoch": row.whole(column::EPOCH, at),
                "status": status,
                "finish": text(column::FINISH),
                "answer": text(column::ANSWER),
                "reasoning": text(column::REASONING),
                "signals": text(column::SIGNALS),
                "error": text(column::ERROR),
                "prompt_tokens": row.whole(column::PROMPT_TOKENS, at),
                "completion_tokens": row.whole(column::COMPLETION_TOKENS, at),
                "seconds": row.float(column::SECONDS, at),
                "cost": row.float(column::COST_USD, at),
                "scores": given,
            }));
        }
        let shown = if strata.is_empty() {
            Value::Null
        } else {
            Value::Object(strata.clone())
        };
        self.index.samples.push(json!({ "c": self.chunks.len(), "s": suite, "i": sample, "q": ending(prompt), "t": shown, "v": verdicts }));
        json!({
            "id": sample,
            "suite": record.name,
            "prompt": prompt,
            "target": row.text(column::TARGET, first),
            "pair": row.text(column::PAIR, first),
            "role": row.text(column::ROLE, first),
            "strata": strata,
            "answers": answers,
        })
    }
}

/// A text's last characters, on one line.
fn ending(text: &str) -> String {
    let line = crate::text::squash_whitespace(text);
    let skipped = line.chars().count().saturating_sub(SHOWN);
    line.chars().skip(skipped).collect()
}

/// Every score of the trials that a filter keeps, by trial.
fn scores(data: &Dataset, wanted: &Filter<'_>) -> Result<HashMap<String, Vec<Value>>, ReportError> {
    let columns = [
        column::TRIAL_KEY,
        column::SCORER,
        column::METRIC,
        column::LABEL,
        column::EXPLANATION,
        column::LABELLED_BY,
        column::VALUE,
        column::CONFIDENCE,
    ];
    let scores = data.scores(&columns, wanted)?;
    let text = |column: &str| scores.texts(column);
    let (keys, scorers, metrics) = (
        text(column::TRIAL_KEY)?,
        text(column::SCORER)?,
        text(column::METRIC)?,
    );
    let (labels, reasons, labellers) = (
        text(column::LABEL)?,
        text(column::EXPLANATION)?,
        text(column::LABELLED_BY)?,
    );
    let (values, sure) = (
        scores.floats(column::VALUE)?,
        scores.floats(column::CONFIDENCE)?,
    );
    let mut by_trial: HashMap<String, Vec<Value>> = HashMap::new();
    for i in 0..scores.height() {
        if let Some(key) = keys.get(i) {
            by_trial.entry(key.to_owned()).or_default().push(json!({
                "scorer": scorers.get(i),
                "metric": metrics.get(i),
                "value": values.get(i),
                "label": labels.get(i),
                "why": reasons.get(i),
                "by": labellers.get(i),
                "sure": sure.get(i),
            }));
        }
    }
    Ok(by_trial)
}

/// The columns of trials, each found once.
struct Row<'a> {
    texts: HashMap<&'a str, Texts<'a>>,
    wholes: HashMap<&'a str, Wholes<'a>>,
    floats: HashMap<&'a str, Floats<'a>>,
}

impl<'a> Row<'a> {
    fn of(trials: &'a Table, strata: &'a [String]) -> Result<Self, StoreError> {
        let mut row = Self {
            texts: HashMap::new(),
            wholes: HashMap::new(),
            floats: HashMap::new(),
        };
        for name in TRIAL_COLUMNS
            .iter()
            .copied()
            .chain(strata.iter().map(String::as_str))
        {
            match name {
                column::EPOCH | column::PROMPT_TOKENS | column::COMPLETION_TOKENS => {
                    row.wholes.insert(name, trials.wholes(name)?);
                }
                column::SECONDS | column::COST_USD => {
                    row.floats.insert(name, trials.floats(name)?);
                }
                _ => {
                    row.texts.insert(name, trials.texts(name)?);
                }
            }
        }
        Ok(row)
    }

    fn text(&self, column: &str, at: usize) -> Option<&'a str> {
        self.texts.get(column)?.get(at)
    }

    fn whole(&self, column: &str, at: usize) -> Option<i64> {
        self.wholes.get(column)?.get(at)
    }

    fn float(&self, column: &str, at: usize) -> Option<f64> {
        self.floats.get(column)?.get(at)
    }
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
