//! Parquet tables of a run: `trials` (one row per trial) and `scores` (one row per score), written in batches.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

use super::column;
use super::error::StoreError;
use super::record::TrialRecord;
use super::replace::replace;
use crate::suite::PairRole;

/// The table of trials.
pub const TRIALS: &str = "trials";
/// The table of scores.
pub const SCORES: &str = "scores";

/// Trials whose records are held in memory while writing.
const BATCH: usize = 1024;

/// Batches that are each a group of the file's; later ones are grouped by [`BATCHES_PER_GROUP`], since a writer remembers kilobytes of
/// every column of every group until it ends.
const SINGLE_BATCHES: usize = 16;
const BATCHES_PER_GROUP: usize = 4;

/// What the names of strata's columns begin with.
pub(super) const STRATUM_PREFIX: &str = "stratum.";

/// The column of a stratum.
#[must_use]
pub fn stratum_column(name: &str) -> String {
    format!("{STRATUM_PREFIX}{name}")
}

/// Writes both tables from records.
pub(super) fn write_tables(
    records: impl Iterator<Item = Result<TrialRecord, StoreError>>,
    trials: &Path,
    scores: &Path,
    strata: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(BATCH);
    replace(scores, |scores_file| {
        replace(trials, |trials_file| {
            let mut trials = TableWriter::new(trials_file, trials);
            let mut scores = TableWriter::new(scores_file, scores);
            let mut flush = |rows: &mut Vec<TrialRecord>| {
                trials.write(trial_columns(rows, strata))?;
                scores.write(score_columns(rows))?;
                rows.clear();
                Ok::<_, StoreError>(())
            };
            for record in records {
                let mut record = record?;
                // No column shows it, and it is most of a record.
                if let Some(completion) = &mut record.completion {
                    completion.raw = None;
                }
                rows.push(record);
                if rows.len() == BATCH {
                    flush(&mut rows)?;
                }
            }
            // The last batch is written even when empty: a table without rows still has its columns.
            flush(&mut rows)?;
            trials.finish()?;
            scores.finish()
        })
    })
}

struct TableWriter<'a> {
    file: &'a File,
    path: &'a Path,
    writer: Option<BatchedWriter<&'a File>>,
    /// Batches of a group that is not complete.
    group: Option<DataFrame>,
    batches: usize,
}

impl<'a> TableWriter<'a> {
    fn new(file: &'a File, path: &'a Path) -> Self {
        Self {
            file,
            path,
            writer: None,
            group: None,
            batches: 0,
        }
    }

    fn write(&mut self, columns: Vec<Column>) -> Result<(), StoreError> {
        self.add(columns).map_err(|e| self.failed(&e))
    }

    fn finish(mut self) -> Result<(), StoreError> {
        self.end_group().map_err(|e| self.failed(&e))?;
        let finished = self.writer.as_ref().map(BatchedWriter::finish);
        match finished.transpose() {
            Ok(_) => Ok(()),
            Err(e) => Err(self.failed(&e)),
        }
    }

    fn failed(&self, error: &PolarsError) -> StoreError {
        StoreError::Frame {
            action: "written",
            path: self.path.display().to_string(),
            reason: error.to_string(),
        }
    }

    fn add(&mut self, columns: Vec<Column>) -> PolarsResult<()> {
        let frame = DataFrame::new_infer_height(columns)?;
        match &mut self.group {
            Some(group) => {
                group.vstack_mut(&frame)?;
            }
            None => self.group = Some(frame),
        }
        self.batches += 1;
        let later = self.batches.saturating_sub(SINGLE_BATCHES);
        if later.is_multiple_of(BATCHES_PER_GROUP) {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> PolarsResult<()> {
        let Some(mut group) = self.group.take() else {
            return Ok(());
        };
        group.rechunk_mut();
        let writer = if let Some(writer) = &mut self.writer {
            writer
        } else {
            let writer = ParquetWriter::new(self.file)
                .with_compression(ParquetCompression::Zstd(None))
                // A group is small, and columns side by side would each hold their pages and a compressor.
                .set_parallel(false);
            self.writer.insert(writer.batched(group.schema())?)
        };
        writer.write_batch(&group)
    }
}

fn texts<'a>(name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Column {
    StringChunked::from_iter_options(name.into(), values).into_column()
}

fn floats(name: &str, values: impl Iterator<Item = Option<f64>>) -> Column {
    Float64Chunked::from_iter_options(name.into(), values).into_column()
}

fn wholes(name: &str, values: impl Iterator<Item = u64>) -> Column {
    counts(name, values.map(Some))
}

/// Whole numbers that may be unknown.
fn counts(name: &str, values: impl Iterator<Item = Option<u64>>) -> Column {
    let values = values.map(|v| v.and_then(|v| i64::try_from(v).ok()));
    Int64Chunked::from_iter_options(name.into(), values).into_column()
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
        texts(column::TRIAL_KEY, keys.iter().map(|k| Some(k.as_str()))),
        wholes(
            column::SCHEDULE_INDEX,
            rows.iter().map(|r| r.schedule_index),
        ),
        texts(column::MODEL, rows.iter().map(|r| Some(r.model.as_str()))),
        texts(column::SUITE, rows.iter().map(|r| Some(r.suite.as_str()))),
        texts(column::SAMPLE, rows.iter().map(|r| Some(r.sample.as_str()))),
        wholes(column::EPOCH, rows.iter().map(|r| u64::from(r.epoch))),
        Int64Chunked::from_iter_options(
            column::SEED.into(),
            rows.iter()
                .map(|r| r.seed.and_then(|s| i64::try_from(s).ok())),
        )
        .into_column(),
        texts(column::PAIR, rows.iter().map(|r| r.pairing.pair.as_deref())),
        texts(
            column::ROLE,
            rows.iter().map(|r| r.pairing.role.map(PairRole::name)),
        ),
        texts(
            column::CLUSTER,
            rows.iter().map(|r| r.pairing.cluster.as_deref()),
        ),
        texts(column::STATUS, rows.iter().map(|r| Some(r.status.name()))),
        texts(
            column::FINISH,
            completions.iter().map(|c| c.map(|c| c.finish.name())),
        ),
        texts(column::PROMPT, prompts.iter().map(|p| Some(p.as_str()))),
        texts(
            column::TARGET,
            targets
                .iter()
                .map(|t| (!t.is_empty()).then_some(t.as_str())),
        ),
        texts(
            column::ANSWER,
            completions.iter().map(|c| c.map(|c| c.text.as_str())),
        ),
        texts(
            column::REASONING,
            completions
                .iter()
                .map(|c| c.and_then(|c| c.reasoning.as_deref())),
        ),
        texts(column::SIGNALS, signals.iter().map(Option::as_deref)),
        texts(
            column::ERROR_CLASS,
            rows.iter()
                .map(|r| r.failure.as_ref().map(|f| f.class.name())),
        ),
        texts(
            column::ERROR,
            rows.iter()
                .map(|r| r.failure.as_ref().map(|f| f.message.as_str())),
        ),
        counts(
            column::PROMPT_TOKENS,
            completions.iter().map(|c| (*c)?.usage.prompt_tokens),
        ),
        counts(
            column::COMPLETION_TOKENS,
            completions.iter().map(|c| (*c)?.usage.completion_tokens),
        ),
        floats(column::COST_USD, of(|c| c.cost.map(|u| u.0)).into_iter()),
        floats(
            column::QUEUE_SECONDS,
            of(|c| Some(c.timing.queue)).into_iter(),
        ),
        floats(
            column::FIRST_TOKEN_SECONDS,
            of(|c| c.timing.first_token).into_iter(),
        ),
        floats(column::SECONDS, of(|c| Some(c.timing.total)).into_iter()),
        texts(column::ORIGIN, origins.iter().map(Option::as_deref)),
        counts(
            column::EMPTY_REPLIES,
            completions.iter().map(|c| Some((*c)?.empty_replies.into())),
        ),
    ];
    columns.extend(strata.iter().map(|name| {
        texts(
            &stratum_column(name),
            rows.iter().map(|r| r.strata.get(*name).map(String::as_str)),
        )
    }));
    columns
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
            column::TRIAL_KEY,
            flat.iter().map(|(_, key, _)| Some(key.as_str())),
        ),
        texts(
            column::MODEL,
            flat.iter().map(|(r, ..)| Some(r.model.as_str())),
        ),
        texts(
            column::SUITE,
            flat.iter().map(|(r, ..)| Some(r.suite.as_str())),
        ),
        texts(
            column::SAMPLE,
            flat.iter().map(|(r, ..)| Some(r.sample.as_str())),
        ),
        wholes(column::EPOCH, flat.iter().map(|(r, ..)| u64::from(r.epoch))),
        texts(
            column::SCORER,
            flat.iter().map(|(_, _, s)| Some(s.scorer.as_str())),
        ),
        wholes(
            column::VERSION,
            flat.iter().map(|(_, _, s)| u64::from(s.version)),
        ),
        texts(
            column::METRIC,
            flat.iter().map(|(_, _, s)| Some(s.metric.as_str())),
        ),
        floats(column::VALUE, flat.iter().map(|(_, _, s)| s.value)),
        texts(
            column::LABEL,
            flat.iter().map(|(_, _, s)| s.label.as_deref()),
        ),
        texts(
            column::EXPLANATION,
            flat.iter().map(|(_, _, s)| s.explanation.as_deref()),
        ),
        texts(
            column::LABELLED_BY,
            flat.iter().map(|(_, _, s)| s.by.as_deref()),
        ),
        floats(
            column::CONFIDENCE,
            flat.iter().map(|(_, _, s)| s.confidence),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use super::super::table::{Filter, Parts, Reading};
    use super::*;

    #[test]
    fn a_long_table_keeps_every_row_in_order_in_fewer_groups() {
        let rows = 23 * BATCH + 5;
        let record = |i: usize| {
            let record = json!({
                "trial": "0".repeat(64), "schedule_index": i, "model": "m", "suite": "s", "sample": format!("s{i}"), "epoch": 0, "strata": {},
                "prompt": { "text": "q" }, "status": "ok", "finished": "2026-11-27T00:00:00Z",
                "completion": { "text": "an answer", "finish": "stop", "raw": { "id": i } }, "scores": [],
            });
            Ok(serde_json::from_value(record).unwrap())
        };
        let folder = tempfile::tempdir().unwrap();
        let [trials, scores] = ["trials", "scores"].map(|name| folder.path().join(name));
        write_tables((0..rows).map(record), &trials, &scores, &BTreeSet::new()).unwrap();
        let mut reader = ParquetReader::new(File::open(&trials).unwrap());
        let groups = &reader.get_metadata().unwrap().row_groups;
        let groups: Vec<usize> = groups
            .iter()
            .map(polars_parquet::read::RowGroupMetadata::num_rows)
            .collect();
        let mut expected = vec![BATCH; SINGLE_BATCHES];
        expected.extend([4 * BATCH, 3 * BATCH + 5]);
        assert_eq!(groups, expected);
        let reading = Reading {
            columns: &[column::SAMPLE],
            filter: &Filter::all(),
            renamed: &HashMap::new(),
        };
        let table = Parts::open(trials, reading).unwrap().together().unwrap();
        let samples = table.texts(column::SAMPLE).unwrap();
        let in_order = (0..rows).all(|i| samples.get(i) == Some(format!("s{i}").as_str()));
        assert!(in_order && table.height() == rows);
        let reading = Reading {
            columns: &[column::SCORER],
            filter: &Filter::all(),
            renamed: &HashMap::new(),
        };
        let none = Parts::open(scores, reading).unwrap().together().unwrap();
        assert_eq!(none.height(), 0);
    }
}
