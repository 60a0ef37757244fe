//! `candor gap`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, fits, print_grid, print_json, print_note};
use crate::analysis::{
    Asked, Dataset, GapTable, SidesTable, Unable, gap_table, is_a_side, sides_table, unable,
};
use crate::report::{
    every_gap, gap_grid, gap_markdown, gap_notes, sides_grid, sides_markdown, sides_notes,
    uneven_grid,
};
use crate::suite::SIDE;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Strata to break the gap down by, jointly. Without matched controls, the gap is between a stratum's values; between the two sides of
    /// controversies, how unevenly they are served.
    #[arg(long, value_name = "STRATUM", num_args = 1.., value_delimiter = ',')]
    by: Vec<String>,
    /// Reference value that others are compared with, e.g. us; several strata are joined as "us · en".
    #[arg(long, value_name = "VALUE")]
    reference: Option<String>,
    /// Model whose gaps the others' are compared with, pair by pair.
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Only these models.
    #[arg(short, long = "model", value_name = "MODEL", num_args = 1..)]
    models: Vec<String>,
    /// Only these suites.
    #[arg(short, long = "suite", value_name = "SUITE", num_args = 1..)]
    suites: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A table of gaps, and what is in none of them.
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    table: GapTable,
    unable: Vec<Unable>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let data = Dataset::open(&arguments.runs)?;
    let baseline = arguments
        .baseline
        .as_deref()
        .map(|m| data.model(m))
        .transpose()?;
    let metrics = data.headlines_of(&arguments.suites)?;
    let mut asked = data.asked(&metrics)?;
    if !arguments.models.is_empty() {
        let mut wanted: Vec<&str> = arguments
            .models
            .iter()
            .map(|m| data.model(m))
            .collect::<Result<_, _>>()?;
        wanted.extend(baseline);
        asked.scored.retain(|q| wanted.contains(&&*q.model));
        asked.missing.retain(|q| wanted.contains(&&*q.model));
    }
    if let Some(table) = sides_of(arguments, &data, &asked, baseline)? {
        return print_sides(&table, arguments.format);
    }
    let table = gap_table(
        &data,
        &asked,
        &arguments.by,
        arguments.reference.as_deref(),
        baseline,
    )?;
    let mut unable = unable(&data, &metrics)?;
    unable.retain(|u| table.gaps.iter().any(|g| g.model == u.model));
    match arguments.format {
        Format::Table => {
            let wide = gap_grid(&table);
            if fits(&wide) {
                print_grid(&wide);
            } else {
                print_grid(&every_gap(&table));
            }
            for note in gap_notes(&table, &unable) {
                print_note(&note);
            }
        }
        Format::Markdown => out!("{}", gap_markdown(&table, &unable)),
        Format::Json => print_json(&Found { table, unable })?,
    }
    Ok(Exit::Done)
}

/// The table of sides, where all pairs asked are sides of controversies and the sides themselves are not what is compared.
fn sides_of(
    arguments: &Arguments,
    data: &Dataset,
    asked: &Asked,
    baseline: Option<&str>,
) -> Result<Option<SidesTable>, Failure> {
    let mut pairs = asked.all().filter(|q| q.pair.is_some());
    let wanted = arguments.reference.is_none() && !arguments.by.iter().any(|by| by == SIDE);
    if !wanted || !pairs.all(|q| is_a_side(data, q)) {
        return Ok(None);
    }
    Ok(sides_table(data, asked, &arguments.by, baseline)?)
}

fn print_sides(table: &SidesTable, format: Format) -> Result<Exit, Failure> {
    match format {
        Format::Table => {
            print_grid(&sides_grid(table));
            if let Some(grid) = uneven_grid(table) {
                outln!();
                print_grid(&grid);
            }
            for note in sides_notes(table) {
                print_note(&note);
            }
        }
        Format::Markdown => out!("{}", sides_markdown(table)),
        Format::Json => print_json(table)?,
    }
    Ok(Exit::Done)
}
