//! `candor suites`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{figures, table};
use super::settings::Settings;
use crate::run::{Plan, PlanError, PlanOptions};
use crate::suite::{SuiteError, json_schema, load, shipped};

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The suites that come with candor.
    List,
    /// A suite's text, and one of its questions as a model gets it.
    Show {
        /// Name or folder.
        suite: String,
        /// Settings [default: candor.toml, if there is one]
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Whether suites are well written: every sample is made, rendered, and its scorers built.
    Check {
        /// Names or folders [default: every shipped suite]
        suites: Vec<String>,
        /// Settings [default: candor.toml, if there is one]
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// The JSON Schema of suite.yaml.
    Schema,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List => Ok(list()),
        Command::Schema => {
            println!("{:#}", json_schema());
            Ok(Exit::Done)
        }
        Command::Show { suite, config } => {
            show(&suite, &Settings::read(config.as_deref(), false)?).await
        }
        Command::Check { suites, config } => {
            check(suites, &Settings::read(config.as_deref(), true)?).await
        }
    }
}

fn list() -> Exit {
    let mut out = table(&["suite", "items", "title"]);
    for suite in shipped() {
        let title = suite
            .yaml
            .lines()
            .find_map(|l| l.strip_prefix("title: "))
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned();
        let items = suite.items.map_or_else(
            || "your file".to_owned(),
            |i| {
                i.lines()
                    .filter(|l| !l.trim().is_empty())
                    .count()
                    .to_string()
            },
        );
        out.add_row(vec![suite.name, items, title]);
    }
    figures(&mut out, &[1]);
    println!("{out}");
    println!(
        "\"Your file\": the items are read from a local file or the hub (`candor suites show NAME` says which)."
    );
    Exit::Done
}

async fn show(name: &str, settings: &Settings) -> Result<Exit, Failure> {
    let suite = load(name, &settings.data).await?;
    let file = &suite.file;
    println!(
        "{} {} · {:?} · {}\nlicence {} · source {}",
        file.name, file.version, file.kind, file.title, file.licence, file.source
    );
    if !file.data.files.is_empty() {
        println!(
            "data: {}{}",
            file.data.files.join(", "),
            file.data
                .hub
                .as_ref()
                .map(|h| format!(" (hub: {})", h.dataset))
                .unwrap_or_default()
        );
    }
    println!(
        "{} samples · content {}",
        suite.samples.len(),
        &suite.content_hash[..16]
    );
    if let Some(sample) = suite.samples.first() {
        let request = suite.prompts.request(sample, true, 0)?;
        println!(
            "\nThe first sample, {}:\n\n{}\n\nright: {}",
            sample.id,
            request.prompt.display(),
            sample.targets.join(" | ")
        );
    }
    Ok(Exit::Done)
}

async fn check(names: Vec<String>, settings: &Settings) -> Result<Exit, Failure> {
    let names = if names.is_empty() {
        shipped().into_iter().map(|s| s.name).collect()
    } else {
        names
    };
    let mut out = table(&[
        "suite",
        "version",
        "samples",
        "with target",
        "pairs",
        "clusters",
        "strata",
    ]);
    let mut failed = 0;
    for name in names {
        match Plan::new(
            std::slice::from_ref(&name),
            &[],
            PlanOptions::default(),
            &settings.data,
            &settings.open,
        )
        .await
        {
            Ok(plan) => {
                let suite = &plan.suites[0].suite;
                for sample in &suite.samples {
                    suite.prompts.request(sample, true, 0)?;
                    suite.prompts.request(sample, false, 0)?;
                }
                let distinct = |f: fn(&crate::suite::Sample) -> Option<&String>| {
                    suite
                        .samples
                        .iter()
                        .filter_map(f)
                        .collect::<std::collections::HashSet<_>>()
                        .len()
                        .to_string()
                };
                let mut strata: Vec<&str> = suite
                    .samples
                    .iter()
                    .flat_map(|s| s.strata.keys().map(String::as_str))
                    .collect();
                strata.sort_unstable();
                strata.dedup();
                out.add_row(vec![
                    name,
                    suite.file.version.clone(),
                    suite.samples.len().to_string(),
                    suite
                        .samples
                        .iter()
                        .filter(|s| !s.targets.is_empty())
                        .count()
                        .to_string(),
                    distinct(|s| s.pairing.pair.as_ref()),
                    distinct(|s| s.pairing.cluster.as_ref()),
                    strata.join(", "),
                ]);
            }
            // A suite whose items are the user's own file is well written even where that file is elsewhere.
            Err(PlanError::Suite(SuiteError::NoData { reason, .. })) => {
                out.add_row(vec![name, "–".into(), format!("not here: {reason}")]);
            }
            Err(error) => {
                failed += 1;
                let _ = Failure::from(error).show();
            }
        }
    }
    figures(&mut out, &[2, 3, 4, 5]);
    println!("{out}");
    Ok(if failed == 0 { Exit::Done } else { Exit::Usage })
}
