//! `candor calibrate`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Format, print_grid, print_json, print_note};
use super::terminal::say;
use crate::analysis::{Admission, Calibration, Dataset, MetricName, calibrate};
use crate::report::{agreement_grid, calibration_notes, confusion_grid, percent, rates_grid};
use crate::stats::{Estimate, Undefined};
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
    /// Admit the run's labeller to gates where the lower 95 % bounds of its true-positive rate (withheld) and its true-negative rate (answered)
    /// reach these shares [default without values: 0.8,0.9]. Exits with 0 if admitted, 1 if not, 3 if more labels would tell.
    #[arg(
        long,
        value_name = "TPR,TNR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0.8,0.9"
    )]
    admit: Option<Bounds>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Least true-positive and true-negative rate.
#[derive(Clone, Copy)]
struct Bounds([f64; 2]);

impl std::str::FromStr for Bounds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("'{text}' is not two shares from 0 to 1, as in 0.8,0.9");
        let (withheld, answered) = text.split_once(',').ok_or_else(wrong)?;
        let share = |text: &str| {
            let share = text.trim().parse::<f64>().ok();
            share.filter(|s| (0.0..=1.0).contains(s)).ok_or_else(wrong)
        };
        Ok(Self([share(withheld)?, share(answered)?]))
    }
}

/// Says whether the labeller is admitted, on standard error beside the tables.
fn admit(calibration: &Calibration, Bounds(least): Bounds) -> Exit {
    let bound = |of: &Result<Estimate, Undefined>| match of {
        Ok(e) => format!(
            "{} % [{}, {}] of {}",
            percent(e.value),
            percent(e.interval.low),
            percent(e.interval.high),
            e.n
        ),
        Err(why) => why.to_string(),
    };
    let (verdict, exit) = match calibration.recall.admit(least) {
        Admission::Admitted => ("admitted", Exit::Done),
        Admission::Refused => ("not admitted", Exit::GateFailed),
        Admission::Undecided => (
            "undecided: label more answers with candor label",
            Exit::GateInconclusive,
        ),
    };
    say(&format!(
        "The labeller is {verdict}. Found of the withheld: {}, at least {} % asked of the lower bound; of the answered: {}, at least {} %.",
        bound(&calibration.recall.withheld),
        percent(least[0]),
        bound(&calibration.recall.answered),
        percent(least[1]),
    ));
    exit
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
    Ok(arguments
        .admit
        .map_or(Exit::Done, |least| admit(&calibration, least)))
}
