//! `candor plan-size`.

use clap::Args;

use super::exit::{Exit, Failure};
use super::gate::{GateArguments, open_baseline};
use super::number::positive;
use super::output::{Format, print_grid, print_json, print_note};
use crate::gate::{Amount, GateFile, PlanOptions, plan};
use crate::report::gate::{plan_notes, plan_table};
use crate::report::{Grid, percent};
use crate::stats::{ASSUMED_WITHIN_SHARE, PlannedComparison, unchanged_variance};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// Plan for a margin alone, without a gate file, e.g. "2 points".
    #[arg(long, value_name = "POINTS", value_parser = parse_share)]
    margin: Option<f64>,
    /// Expected score of an unchanged model, without a baseline.
    #[arg(long, value_name = "SHARE", default_value = "75 %", value_parser = parse_share, requires = "margin")]
    score: f64,
    /// Target power.
    #[arg(long, value_name = "SHARE", default_value = "80 %", value_parser = parse_share)]
    power: f64,
    /// Report the sample size needed to detect this drop.
    #[arg(long, value_name = "POINTS", value_parser = parse_share)]
    find_drop: Option<f64>,
    /// Questions per suite [default: the baseline's]
    #[arg(long, value_name = "N", value_parser = positive::<usize>)]
    questions: Option<usize>,
    /// Epochs per question [default: the gate file's or the baseline's]
    #[arg(long, alias = "repeats", value_name = "K", value_parser = positive::<u32>)]
    epochs: Option<u32>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn parse_share(text: &str) -> Result<f64, String> {
    Amount::parse(text)
        .map(|a| a.value)
        .filter(|v| *v > 0.0 && *v < 1.0)
        .ok_or_else(|| "write points or %, e.g. \"2 points\" or \"80 %\"".into())
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(margin) = arguments.margin {
        return margin_alone(arguments, margin);
    }
    let gate = GateFile::read(&arguments.gate.policy)?;
    let Some(baseline) = open_baseline(&gate, &arguments.gate)? else {
        return Err(Failure::new(
            Exit::Usage,
            "a plan needs a baseline's answers: name one with --baseline RUN[#MODEL] or in the gate file, or plan for a margin alone: candor plan-size --margin \"2 points\"",
        ));
    };
    let options = PlanOptions {
        power: arguments.power,
        find_drop: arguments.find_drop,
        questions: arguments.questions,
        epochs: arguments.epochs,
    };
    let plans = plan(&gate, baseline.side()?, options)?;
    match arguments.format {
        Format::Json => print_json(&plans)?,
        Format::Markdown => out!(
            "{}",
            plan_table(&plans, arguments.power, arguments.find_drop).to_markdown()
        ),
        Format::Table => {
            print_grid(&plan_table(&plans, arguments.power, arguments.find_drop));
            for note in plan_notes(&plans) {
                print_note(&note);
            }
        }
    }
    Ok(Exit::Done)
}

/// How many questions a margin needs, for a few numbers of epochs.
fn margin_alone(arguments: &Arguments, margin: f64) -> Result<Exit, Failure> {
    let within = arguments.score * (1.0 - arguments.score) * ASSUMED_WITHIN_SHARE;
    let power = arguments.power;
    let mut rows = Vec::new();
    for epochs in arguments
        .epochs
        .map_or_else(|| vec![1, 3, 5, 10], |k| vec![k])
    {
        let at = |n: usize| PlannedComparison {
            n,
            variance: unchanged_variance(within, epochs),
            margin,
            alpha: 0.05,
            single: epochs == 1,
        };
        let needed = at(2)
            .questions(power)
            .map_err(|e| Failure::new(Exit::Usage, e))?;
        let n = arguments.questions.unwrap_or(needed);
        let planned = at(n);
        rows.push(serde_json::json!({
            "epochs": epochs,
            "variance": planned.variance,
            "questions_needed": needed,
            "questions": n,
            "passes_unchanged": planned.pass(0.0).ok(),
            "drop_found": planned.detectable_drop(power).ok(),
            "questions_to_find": arguments.find_drop.and_then(|d| planned.questions_to_find(d, power).ok()),
        }));
    }
    if arguments.format == Format::Json {
        print_json(&rows)?;
        return Ok(Exit::Done);
    }
    let heads = [
        "epochs",
        "questions needed",
        "questions",
        "P(pass | no change)",
        "power",
        "n to find the drop",
    ];
    let mut grid = Grid::new(&heads, &[]);
    let share = |value: &serde_json::Value| {
        value
            .as_f64()
            .map_or_else(|| "–".into(), |v| format!("{} %", percent(v)))
    };
    for row in &rows {
        grid.rows.push(vec![
            row["epochs"].to_string(),
            row["questions_needed"].to_string(),
            row["questions"].to_string(),
            share(&row["passes_unchanged"]),
            share(&row["drop_found"]),
            row["questions_to_find"]
                .as_u64()
                .map_or_else(|| "–".into(), |n| n.to_string()),
        ]);
    }
    print_grid(&grid);
    print_note(&format!(
        "Margin {} points, one-sided α 0.05, score {} % assumed, two fifths of its variance within questions. A baseline run with several epochs gives better figures: candor plan-size -p gate.toml --baseline RUN",
        percent(margin),
        percent(arguments.score)
    ));
    Ok(Exit::Done)
}
