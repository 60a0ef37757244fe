//! `candor suites`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit::{Exit, Failure};
use super::output::{add_row, figures, table};
use super::settings::Settings;
use crate::files::PlainPath;
use crate::run::{Plan, PlanError, PlanOptions};
use crate::suite::{DataOptions, SuiteError, json_schema, lint, load, shipped};

/// Findings that are printed.
const SHOWN: usize = 40;

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
        /// Fail rather than fetch the suite's data.
        #[arg(long)]
        offline: bool,
    },
    /// Whether suites are well written and fair: every sample is made and rendered, its scorers built, controls, balance, wording and facts looked at.
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
        Command::List => list().await,
        Command::Schema => {
            out!("{:#}\n", json_schema());
            Ok(Exit::Done)
        }
        Command::Show {
            suite,
            config,
            offline,
        } => show(&suite, &Settings::read(config.as_deref(), offline)?).await,
        Command::Check { suites, config } => {
            check(suites, &Settings::read(config.as_deref(), true)?).await
        }
    }
}

async fn list() -> Result<Exit, Failure> {
    let mut out = table(&["suite", "questions", "title"]);
    for shipped in shipped() {
        let title = shipped.yaml.lines().find_map(|l| l.strip_prefix("title: "));
        let title = title.unwrap_or_default().trim_matches('"').to_owned();
        let questions = if shipped.items.is_empty() {
            "your file".to_owned()
        } else {
            let suite = load(&shipped.name, &DataOptions::default()).await?;
            suite.samples.len().to_string()
        };
        add_row(&mut out, vec![shipped.name, questions, title]);
    }
    figures(&mut out, &[1]);
    out!("{out}\n");
    outln!(
        "\"Your file\": the items are read from a local file or the hub (`candor suites show NAME` says which)."
    );
    Ok(Exit::Done)
}

async fn show(name: &str, settings: &Settings) -> Result<Exit, Failure> {
    let suite = load(name, &settings.data).await?;
    let file = &suite.file;
    outln!(
        "{} {} · {:?} · {}",
        file.name,
        file.version,
        file.kind,
        file.title
    );
    outln!("licence {} · source {}", file.licence, file.source);
    if !file.data.files.is_empty() {
        outln!(
            "data: {}{}",
            file.data
                .files
                .iter()
                .map(PlainPath::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            file.data
                .hub
                .as_ref()
                .map(|h| format!(" (hub: {})", h.dataset))
                .unwrap_or_default()
        );
    }
    outln!(
        "{} samples · content {}",
        suite.samples.len(),
        &suite.content_hash[..16]
    );
    if let Some(sample) = suite.samples.first() {
        let request = suite.prompts.request(sample, true, 0)?;
        outln!();
        outln!("The first sample, {}:", sample.id);
        // A margin before every line, so that none of them can be taken for one of candor's own, or for a command to a CI platform.
        outln!();
        for line in request.prompt.display().lines() {
            outln!("  │ {line}");
        }
        outln!();
        outln!("right: {}", sample.targets.join(" | "));
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
        "clusters",
        "pairs",
        "with control",
        "facts",
        "strata",
    ]);
    let (mut failed, mut wanting) = (0, Vec::new());
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
                let found = lint(suite)?;
                let strata = found.strata.iter().map(|(s, n)| format!("{s} {n}"));
                let strata = strata.collect::<Vec<_>>().join(", ");
                add_row(
                    &mut out,
                    vec![
                        name.clone(),
                        suite.file.version.clone(),
                        found.samples.to_string(),
                        found.with_target.to_string(),
                        found.clusters.to_string(),
                        found.pairs.to_string(),
                        if found.sensitive == 0 {
                            "–".into()
                        } else {
                            format!("{} of {}", found.with_control, found.sensitive)
                        },
                        found.facts.to_string(),
                        strata,
                    ],
                );
                wanting.extend(found.findings.into_iter().map(|f| format!("{name}: {f}")));
            }
            // A suite whose items are the user's own file is well written even where that file is elsewhere.
            Err(PlanError::Suite(SuiteError::NoData { reason, .. })) => {
                add_row(
                    &mut out,
                    vec![name, "–".into(), format!("not here: {reason}")],
                );
            }
            Err(error) => {
                failed += 1;
                let _ = Failure::from(error).show();
            }
        }
    }
    figures(&mut out, &[2, 3, 4, 5, 6, 7]);
    out!("{out}\n");
    for finding in wanting.iter().take(SHOWN) {
        outln!("{finding}");
    }
    if wanting.len() > SHOWN {
        outln!("… and {} more", wanting.len() - SHOWN);
    }
    let well = failed == 0 && wanting.is_empty();
    Ok(if well { Exit::Done } else { Exit::Usage })
}
