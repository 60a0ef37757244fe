//! Parquet tables of a run: `trials` (one row a trial) and `scores` (one row a score), written in batches and read lazily.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

use super::error::StoreError;
use super::journal::read_journal;
use super::record::TrialRecord;
use super::replace::replace;
use crate::suite::PairRole;

/// The table of trials.
pub const TRIALS: &str = "trials";
/// The table of scores.
pub const SCORES: &str = "scores";

/// Rows held in memory while writing.
const BATCH: usize = 1024;

/// The column of a stratum.
#[must_use]
pub fn stratum_column(name: &str) -> String {
    format!("stratum.{name}")
}

/// A table as it lies on disk.
pub(super) fn scan(path: &Path) -> Result<LazyFrame, StoreError> {
    let failed = |e: PolarsError| StoreError::Frame {
        action: "read",
        path: path.display().to_string(),
        reason: e.to_string(),
    };
    let text = path
        .to_str()
        .ok_or_else(|| StoreError::file("cannot read", path, &"its name is not UTF-8"))?;
    LazyFrame::scan_parquet(
        PlRefPath::new(text),
        ScanArgsParquet {
            glob: false,
            ..ScanArgsParquet::default()
        },
    )
    .map_err(failed)
}

/// The table of scores, with the columns that tables of earlier versions lack.
pub(super) fn scan_scores(path: &Path) -> Result<LazyFrame, StoreError> {
    let mut frame = scan(path)?;
    let schema = frame.collect_schema().map_err(|e| StoreError::Frame {
        action: "read",
        path: path.display().to_string(),
        reason: e.to_string(),
    })?;
    let later = [
        ("labelled_by", DataType::String),
        ("confidence", DataType::Float64),
    ];
    let missing = later.into_iter().filter(|(name, _)| !schema.contains(name));
    let empty = missing.map(|(name, kind)| lit(NULL).cast(kind).alias(name));
    Ok(frame.with_columns(empty.collect::<Vec<_>>()))
}

/// Writes both tables from the journal.
pub(super) fn write_tables(
    journal: &Path,
    trials: &Path,
    scores: &Path,
    strata: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(BATCH);
    replace(scores, |scores| {
        replace(trials, |trials| {
            let (mut trials, mut scores) = (TableWriter::new(trials), TableWriter::new(scores));
            let mut flush = |rows: &mut Vec<TrialRecord>| {
                trials.write(trial_columns(rows, strata))?;
                scores.write(score_columns(rows))?;
                rows.clear();
                Ok::<_, StoreError>(())
            };
            if journal.exists() {
                for record in read_journal(journal)? {
                    rows.push(record?);
                    if rows.len() == BATCH {
                        flush(&mut rows)?;
                    }
                }
            }
            // The last batch is written even when empty: a table without rows still has its columns.
            flush(&mut rows)?;
            trials.finish()?;
            scores.finish()
        })
    })
}

/// Writes the table of scores anew.
pub(super) fn write_scores(
    scores: &Path,
    records: impl Iterator<Item = Result<TrialRecord, StoreError>>,
) -> Result<(), StoreError> {
    replace(scores, |path| {
        let mut writer = TableWriter::new(path);
        let mut rows = Vec::with_capacity(BATCH);
        for record in records {
            rows.push(record?);
            if rows.len() == BATCH {
                writer.write(score_columns(&rows))?;
                rows.clear();
            }
        }
        writer.write(score_columns(&rows))?;
        writer.finish()
    })
}

struct TableWriter<'a> {
    path: &'a Path,
    writer: Option<BatchedWriter<File>>,
}

impl<'a> TableWriter<'a> {
    fn new(path: &'a Path) -> Self {
        Self { path, writer: None }
    }

    fn write(&mut self, columns: Vec<Column>) -> Result<(), StoreError> {
        let path = self.path;
        let failed = |e: PolarsError| StoreError::Frame {
            action: "written",
            path: path.display().to_string(),
            reason: e.to_string(),
        };
        let frame = DataFrame::new_infer_height(columns).map_err(failed)?;
        if self.writer.is_none() {
            let file =
                File::create(path).map_err(|e| StoreError::file("cannot write", path, &e))?;
            let writer = ParquetWriter::new(file).with_compression(ParquetCompression::Zstd(None));
            self.writer = Some(writer.batched(frame.schema()).map_err(failed)?);
        }
        match &mut self.writer {
            Some(writer) => writer.write_batch(&frame).map_err(failed),
            None => Ok(()),
        }
    }

    fn finish(self) -> Result<(), StoreError> {
        match self.writer {
            Some(writer) => writer.finish().map(|_| ()).map_err(|e| StoreError::Frame {
                action: "written",
                path: self.path.display().to_string(),
                reason: e.to_string(),
            }),
            None => Ok(()),
        }
    }
}

fn texts<'a>(name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Column {
    StringChunked::from_iter_options(name.into(), values).into_column()
}

fn floats(name: &str, values: impl Iterator<Item = Option<f64>>) -> Column {
    Float64Chunked::from_iter_options(name.into(), values).into_column()
}

fn wholes(name: &str, values: impl Iterator<Item = u64>) -> Column {
    Int64Chunked::from_iter_options(name.into(), values.map(|v| i64::try_from(v).ok()))
        .into_column()
}

fn trial_columns(rows: &[TrialRecord], strata: &BTreeSet<&str>) -> Vec<Column> {
    let keys: Vec<String> = rows.iter().map(|r| r.trial.to_string()).collect();
    let prompts: Vec<String> = rows.iter().map(|r| r.prompt.display()).collect();
    let targets: Vec<String> = rows.iter().map(|r| r.targets.join(" | ")).collect();
    let signals: Vec<Option<String>> = rows
        .iter()
        .map(|r| {
            r.completion
                .as_ref()
                .filter(|c| !c.signals.is_empty())
                .and_then(|c| serde_json::to_string(&c.signals).ok())
        })
        .collect();
    let origins: Vec<Option<String>> = rows
        .iter()
        .map(|r| {
            r.completion.as_ref().and_then(|c| {
                serde_json::to_value(c.origin)
                    .ok()?
                    .as_str()
                    .map(str::to_owned)
            })
        })
        .collect();
    let completions: Vec<_> = rows.iter().map(|r| r.completion.as_ref()).collect();
    let of = |f: fn(&crate::model::Completion) -> Option<f64>| {
        completions
            .iter()
            .map(move |c| c.and_then(f))
            .collect::<Vec<_>>()
    };
    let mut columns = vec![
        texts("trial_key", keys.iter().map(|k| Some(k.as_str()))),
        wholes("schedule_index", rows.iter().map(|r| r.schedule_index)),
        texts("model", rows.iter().map(|r| Some(r.model.as_str()))),
        texts("suite", rows.iter().map(|r| Some(r.suite.as_str()))),
        texts("sample_id", rows.iter().map(|r| Some(r.sample.as_str()))),
        wholes("epoch", rows.iter().map(|r| u64::from(r.epoch))),
        Int64Chunked::from_iter_options(
            "seed".into(),
            rows.iter()
                .map(|r| r.seed.and_then(|s| i64::try_from(s).ok())),
        )
        .into_column(),
        texts("pair", rows.iter().map(|r| r.pairing.pair.as_deref())),
        texts("role", rows.iter().map(|r| r.pairing.role.map(role_name))),
        texts("cluster", rows.iter().map(|r| r.pairing.cluster.as_deref())),
        texts("status", rows.iter().map(|r| Some(r.status.name()))),
        texts(
            "finish",
            completions.iter().map(|c| c.map(|c| c.finish.name())),
        ),
        texts("prompt", prompts.iter().map(|p| Some(p.as_str()))),
        texts(
            "target",
            targets
                .iter()
                .map(|t| (!t.is_empty()).then_some(t.as_str())),
        ),
        texts(
            "answer",
            completions.iter().map(|c| c.map(|c| c.text.as_str())),
        ),
        texts(
            "reasoning",
            completions
                .iter()
                .map(|c| c.and_then(|c| c.reasoning.as_deref())),
        ),
        texts("signals", signals.iter().map(Option::as_deref)),
        texts(
            "error_class",
            rows.iter()
                .map(|r| r.failure.as_ref().map(|f| f.class.name())),
        ),
        texts(
            "error",
            rows.iter()
                .map(|r| r.failure.as_ref().map(|f| f.message.as_str())),
        ),
        wholes(
            "prompt_tokens",
            completions
                .iter()
                .map(|c| c.map_or(0, |c| c.usage.prompt_tokens)),
        ),
        wholes(
            "completion_tokens",
            completions
                .iter()
                .map(|c| c.map_or(0, |c| c.usage.completion_tokens)),
        ),
        floats("cost_usd", of(|c| c.cost.map(|u| u.0)).into_iter()),
        floats("queue_seconds", of(|c| Some(c.timing.queue)).into_iter()),
        floats(
            "first_token_seconds",
            of(|c| c.timing.first_token).into_iter(),
        ),
        floats("seconds", of(|c| Some(c.timing.total)).into_iter()),
        texts("origin", origins.iter().map(Option::as_deref)),
    ];
    columns.extend(strata.iter().map(|name| {
        texts(
            &stratum_column(name),
            rows.iter().map(|r| r.strata.get(*name).map(String::as_str)),
        )
    }));
    columns
}

fn role_name(role: PairRole) -> &'static str {
    match role {
        PairRole::Sensitive => "sensitive",
        PairRole::Control => "control",
    }
}

fn score_columns(rows: &[TrialRecord]) -> Vec<Column> {
    let keys: Vec<String> = rows.iter().map(|r| r.trial.to_string()).collect();
    let flat: Vec<_> = rows
        .iter()
        .zip(&keys)
        .flat_map(|(r, key)| r.scores.iter().map(move |s| (r, key, s)))
        .collect();
    vec![
        texts(
            "trial_key",
            flat.iter().map(|(_, key, _)| Some(key.as_str())),
        ),
        texts("model", flat.iter().map(|(r, ..)| Some(r.model.as_str()))),
        texts("suite", flat.iter().map(|(r, ..)| Some(r.suite.as_str()))),
        texts(
            "sample_id",
            flat.iter().map(|(r, ..)| Some(r.sample.as_str())),
        ),
        wholes("epoch", flat.iter().map(|(r, ..)| u64::from(r.epoch))),
        texts(
            "scorer",
            flat.iter().map(|(_, _, s)| Some(s.scorer.as_str())),
        ),
        wholes("version", flat.iter().map(|(_, _, s)| u64::from(s.version))),
        texts(
            "metric",
            flat.iter().map(|(_, _, s)| Some(s.metric.as_str())),
        ),
        floats("value", flat.iter().map(|(_, _, s)| s.value)),
        texts("label", flat.iter().map(|(_, _, s)| s.label.as_deref())),
        texts(
            "explanation",
            flat.iter().map(|(_, _, s)| s.explanation.as_deref()),
        ),
        texts("labelled_by", flat.iter().map(|(_, _, s)| s.by.as_deref())),
        floats("confidence", flat.iter().map(|(_, _, s)| s.confidence)),
    ]
}
