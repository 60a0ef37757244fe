//! Runs for other tools: as tables, one row per score, one file per format and one line in `FORMATS`; and in the tools' own formats.

mod csv;
mod exchange;
mod parquet;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

pub use exchange::Written;

use super::ReportError;
use crate::analysis::Dataset;
use crate::files::write_output;
use crate::store::{Filter, Table, column, stratum_column};
use crate::text::instead;

/// Writes a table into the file at a path.
type Writer = fn(Table, &File, &Path) -> Result<(), ReportError>;

/// Every format of a table by name.
const FORMATS: &[(&str, Writer)] = &[("csv", csv::write), ("parquet", parquet::write)];

/// Names of the export formats: tables, then other tools' own, which are folders.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    let tables = FORMATS.iter().map(|(name, _)| *name);
    tables.chain(exchange::formats()).collect()
}

/// Writes a dataset in another tool's format, a folder of files; none if the format is a table.
///
/// # Errors
/// [`ReportError`] if a run cannot be read, or a file not written.
pub fn export_folder(
    data: &Dataset,
    format: &str,
    folder: &Path,
) -> Result<Option<Written>, ReportError> {
    exchange::write(data, format, folder)
}

/// Writes a dataset as a table.
///
/// # Errors
/// [`ReportError::Unknown`] lists the formats.
pub fn export(
    data: &Dataset,
    format: &str,
    transcripts: bool,
    path: &Path,
) -> Result<(), ReportError> {
    match FORMATS.iter().find(|(name, _)| *name == format) {
        Some((_, write)) => {
            let table = table(data, transcripts)?;
            let failed = |e| ReportError::file("cannot write", path, &e);
            write_output(path, failed, |file| write(table, file, path))
        }
        None => Err(ReportError::Unknown {
            what: "export format",
            name: format.into(),
            known: instead(format, "known", formats()),
        }),
    }
}

/// One row per score; a trial without scores is one row with empty score columns, so nothing is lost. Columns: `model,
/// suite, sample_id, epoch, status, finish, scorer, metric, value, label`, one per stratum by its name, then `prompt_tokens,
/// completion_tokens, cost_usd, seconds, trial_key`; with transcripts also `prompt, answer, reasoning`.
fn table(data: &Dataset, transcripts: bool) -> Result<Table, ReportError> {
    let of_score = [column::SCORER, column::METRIC, column::VALUE, column::LABEL];
    let strata: Vec<(&str, String)> = data
        .strata
        .iter()
        .map(|name| (name.as_str(), stratum_column(name)))
        .collect();
    let mut before = vec![
        column::MODEL,
        column::SUITE,
        column::SAMPLE,
        column::EPOCH,
        column::STATUS,
        column::FINISH,
    ];
    let mut behind: Vec<&str> = strata.iter().map(|(_, column)| column.as_str()).collect();
    behind.extend([
        column::PROMPT_TOKENS,
        column::COMPLETION_TOKENS,
        column::COST_USD,
        column::SECONDS,
        column::TRIAL_KEY,
    ]);
    if transcripts {
        behind.extend([column::PROMPT, column::ANSWER, column::REASONING]);
    }
    let trials = data.trials(&[before.as_slice(), &behind].concat(), &Filter::all())?;
    let mut columns = of_score.to_vec();
    columns.push(column::TRIAL_KEY);
    let scores = data.scores(&columns, &Filter::all())?;
    let keys = scores.texts(column::TRIAL_KEY)?;
    let mut of_trial: HashMap<&str, Vec<usize>> = HashMap::new();
    for (row, key) in keys.iter().enumerate() {
        of_trial
            .entry(key.unwrap_or_default())
            .or_default()
            .push(row);
    }
    let mut rows: Vec<(usize, Option<usize>)> = Vec::new();
    for (trial, key) in trials.texts(column::TRIAL_KEY)?.iter().enumerate() {
        match key.and_then(|key| of_trial.get(key)) {
            Some(scores) => rows.extend(scores.iter().map(|score| (trial, Some(*score)))),
            None => rows.push((trial, None)),
        }
    }
    let scores = scores
        .select(&of_score)?
        .gather(rows.iter().map(|(_, score)| *score))?;
    let trials = trials.gather(rows.iter().map(|(trial, _)| Some(*trial)))?;
    before.extend(of_score);
    before.extend(behind);
    let mut table = trials.with_columns_of(&scores)?.select(&before)?;
    for (name, column) in &strata {
        table = table.renamed(column, name)?;
    }
    Ok(table)
}
