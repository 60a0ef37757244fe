//! Runs as tables for other tools: one row a score. One file a format, one line in `FORMATS`.

mod csv;
mod parquet;

use std::path::Path;

use polars::prelude::*;

use super::ReportError;
use crate::analysis::Dataset;
use crate::store::stratum_column;

/// Writes a table to a file.
type Writer = fn(LazyFrame, &Path) -> Result<(), ReportError>;

/// Every export format by name.
const FORMATS: &[(&str, Writer)] = &[("csv", csv::write), ("parquet", parquet::write)];

/// Names of the export formats.
#[must_use]
pub fn formats() -> Vec<&'static str> {
    FORMATS.iter().map(|(name, _)| *name).collect()
}

/// Writes a dataset in a format.
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
        Some((_, write)) => write(table(data, transcripts), path),
        None => Err(ReportError::Unknown {
            what: "export format",
            name: format.into(),
            known: formats().join(", "),
        }),
    }
}

/// One row a score; a trial without scores is one row with empty score columns, so that nothing is lost. Columns: `model,
/// suite, sample_id, epoch, status, finish, scorer, metric, value, label`, one a stratum by its name, then `prompt_tokens,
/// completion_tokens, cost_usd, seconds, trial_key`; with transcripts also `prompt, answer, reasoning`.
fn table(data: &Dataset, transcripts: bool) -> LazyFrame {
    let scores = data
        .scores()
        .select(["trial_key", "scorer", "metric", "value", "label"].map(col));
    let mut columns: Vec<Expr> = [
        "model",
        "suite",
        "sample_id",
        "epoch",
        "status",
        "finish",
        "scorer",
        "metric",
        "value",
        "label",
    ]
    .map(col)
    .to_vec();
    columns.extend(
        data.strata
            .iter()
            .map(|name| col(stratum_column(name).as_str()).alias(name.as_str())),
    );
    columns.extend(
        [
            "prompt_tokens",
            "completion_tokens",
            "cost_usd",
            "seconds",
            "trial_key",
        ]
        .map(col),
    );
    if transcripts {
        columns.extend(["prompt", "answer", "reasoning"].map(col));
    }
    data.trials()
        .join(
            scores,
            [col("trial_key")],
            [col("trial_key")],
            JoinArgs::new(JoinType::Left),
        )
        .select(columns)
}

fn create(path: &Path) -> Result<std::fs::File, ReportError> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| ReportError::File {
            action: "cannot make the folder of",
            path: path.into(),
            reason: e.to_string(),
        })?;
    }
    std::fs::File::create(path).map_err(|e| ReportError::File {
        action: "cannot write",
        path: path.into(),
        reason: e.to_string(),
    })
}
