//! `candor plan-size`.

use clap::Args;

use super::exit::{Exit, Failure};
use super::gate::{GateArguments, open_baseline};
use super::output::{Format, add_row, lines, print_json, table};
use crate::gate::{Amount, GateFile, PlanOptions, plan};
use crate::report::gate::{plan_notes, plan_table};
use crate::report::percent;
use crate::stats::{ASSUMED_WITHIN_SHARE, PlannedComparison, unchanged_variance};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    gate: GateArguments,
    /// Plan for a margin alone, without a gate file: for instance "2 points".
    #[arg(long, value_name = "POINTS", value_parser = parse_share)]
    margin: Option<f64>,
    /// The score that an unchanged model is expected to have, where there is no baseline.
    #[arg(long, value_name = "SHARE", default_value = "75 %", value_parser = parse_share, requires = "margin")]
    score: f64,
    /// The chance that an unchanged model should have to pass, and a drop to be found.
    #[arg(long, value_name = "SHARE", default_value = "80 %", value_parser = parse_share)]
    power: f64,
    /// Tell how many questions find a true drop of so much.
    #[arg(long, value_name = "POINTS", value_parser = parse_share)]
    find_drop: Option<f64>,
    /// Questions a suite [default: those of the baseline]
    #[arg(long, value_name = "N")]
    questions: Option<usize>,
    /// Repeats of each [default: those of the gate file or the baseline]
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: Option<u32>,
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn parse_share(text: &str) -> Result<f64, String> {
    Amount::parse(text)
        .map(|a| a.value)
        .filter(|v| *v > 0.0 && *v < 1.0)
        .ok_or_else(|| "write points or %, for instance \"2 points\" or \"80 %\"".into())
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(margin) = arguments.margin {
        return margin_alone(arguments, margin);
    }
    let gate = GateFile::read(&arguments.gate.policy)?;
    let Some(baseline) = open_baseline(&gate, &arguments.gate)? else {
        return Err(Failure::new(
            Exit::Usage,
            "a plan goes by a baseline's answers, and none is given: name one with --baseline RUN[#MODEL] or in the gate file; without any, plan for a margin: candor plan-size --margin \"2 points\"",
        ));
    };
    let options = PlanOptions {
        power: arguments.power,
        find_drop: arguments.find_drop,
        questions: arguments.questions,
        repeats: arguments.repeats,
    };
    let plans = plan(&gate, baseline.side()?, options)?;
    match arguments.format {
        Format::Json => print_json(&plans)?,
        Format::Markdown => out!(
            "{}",
            plan_table(&plans, arguments.power, arguments.find_drop).to_markdown()
        ),
        Format::Table => {
            out!(
                "{}\n",
                lines(&plan_table(&plans, arguments.power, arguments.find_drop))
            );
            for note in plan_notes(&plans) {
                outln!("{note}");
            }
        }
    }
    Ok(Exit::Done)
}

/// How many questions a margin needs, for a few numbers of repeats.
fn margin_alone(arguments: &Arguments, margin: f64) -> Result<Exit, Failure> {
    let within = arguments.score * (1.0 - arguments.score) * ASSUMED_WITHIN_SHARE;
    let power = arguments.power;
    let mut rows = Vec::new();
    for repeats in arguments
        .repeats
        .map_or_else(|| vec![1, 3, 5, 10], |k| vec![k])
    {
        let at = |n: usize| PlannedComparison {
            n,
            variance: unchanged_variance(within, repeats),
            margin,
            alpha: 0.05,
            single: repeats == 1,
        };
        let needed = at(2)
            .questions(power)
            .map_err(|e| Failure::new(Exit::Usage, e))?;
        let n = arguments.questions.unwrap_or(needed);
        let planned = at(n);
        rows.push(serde_json::json!({
            "repeats": repeats,
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
    let mut lines = table(&[
        "repeats",
        "questions needed",
        "questions",
        "P(pass | no change)",
        "power",
        "n to find the drop",
    ]);
    let share = |value: &serde_json::Value| {
        value
            .as_f64()
            .map_or_else(|| "–".into(), |v| format!("{} %", percent(v)))
    };
    for row in &rows {
        add_row(
            &mut lines,
            vec![
                row["repeats"].to_string(),
                row["questions_needed"].to_string(),
                row["questions"].to_string(),
                share(&row["passes_unchanged"]),
                share(&row["drop_found"]),
                row["questions_to_find"]
                    .as_u64()
                    .map_or_else(|| "–".into(), |n| n.to_string()),
            ],
        );
    }
    out!("{lines}\n");
    outln!(
        "Margin {} points, one-sided α 0.05, score {} % assumed, two fifths of its variance within questions. A run of the baseline with repeats gives better figures: candor plan-size -p gate.toml --baseline RUN",
        percent(margin),
        percent(arguments.score)
    );
    Ok(Exit::Done)
}
