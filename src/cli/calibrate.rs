//! `candor calibrate`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Format, print_grid, print_json, print_note};
use crate::analysis::{Dataset, MetricName, calibrate};
use crate::report::{agreement_grid, calibration_notes, confusion_grid, rates_grid};
use crate::store::read_labels;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// External labels of the runs' trials: JSON lines with trial, class and by.
    #[arg(long, value_name = "FILE")]
    labels: PathBuf,
    /// Metric whose labels are compared with them, e.g. refusal.class [default: each suite's primary metric]
    #[arg(long, value_name = "SCORER.METRIC")]
    metric: Option<String>,
    /// Also report agreement per value of these strata; `model` and `suite` are strata.
    #[arg(long, value_name = "STRATUM", num_args = 1.., value_delimiter = ',', default_value = "suite")]
    by: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let labels = read_labels(&arguments.labels)?;
    let data = Dataset::open(&arguments.runs)?;
    let mut metrics = data.headlines();
    if let Some(name) = &arguments.metric {
        let (scorer, metric) = name.split_once('.').ok_or_else(|| {
            let why = format!("'{name}' is not a metric: write SCORER.METRIC, e.g. refusal.class");
            Failure::new(Exit::Usage, why)
        })?;
        for each in &mut metrics {
            *each = MetricName {
                suite: each.suite.clone(),
                scorer: scorer.into(),
                metric: metric.into(),
            };
        }
    }
    let calibration = calibrate(&data, &metrics, &labels, &arguments.by)?;
    let all = &calibration.agreement[0];
    let grids = [
        agreement_grid(&calibration),
        confusion_grid(all),
        rates_grid(&calibration),
    ];
    let notes = calibration_notes(&calibration);
    match arguments.format {
        Format::Table => {
            for grid in &grids {
                print_grid(grid);
                outln!();
            }
            for note in notes {
                print_note(&note);
            }
        }
        Format::Markdown => {
            for grid in &grids {
                out!("{}\n", grid.to_markdown());
            }
            for note in notes {
                outln!("- {note}");
            }
        }
        Format::Json => print_json(&calibration)?,
    }
    Ok(Exit::Done)
}
