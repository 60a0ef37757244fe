//! `candor suites`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::filter::FilterArguments;
use super::number::whole;
use super::output::{Format, print_as, print_grid, print_json, print_note};
use super::settings::Settings;
use crate::model::Wanted;
use crate::report::Grid;
use crate::run::{Plan, PlanError, PlanOptions};
use crate::suite::{
    DataOptions, Lint, ShippedSuite, SuiteError, differing_lists, json_schema, lint, load, shipped,
};
use crate::text::visible_line;

/// Findings printed at most.
const MAX_FINDINGS: usize = 40;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List the shipped suites.
    List {
        /// Only suites that have these words in their name, title, source, licence or scorers.
        #[arg(long, value_name = "WORD", num_args = 1..)]
        search: Vec<String>,
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show a suite, and its first sample as a model sees it.
    Show {
        /// Suite's name or folder.
        suite: String,
        #[command(flatten)]
        filter: FilterArguments,
        /// Seed for the clusters that --per draws.
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u64>)]
        seed: u64,
        /// Configuration file [default: candor.toml, if present]
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Fail instead of downloading the suite's data.
        #[arg(long)]
        offline: bool,
    },
    /// Lint suites: render every sample, build the scorers, check controls, languages, balance, wording, facts and choices.
    Check {
        /// Suites' names or folders [default: every shipped suite]
        suites: Vec<String>,
        /// Configuration file [default: candor.toml, if present]
        #[arg(short, long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print the JSON Schema of suite.yaml.
    Schema,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List { search, format } => list(&search, format).await,
        Command::Schema => {
            out!("{:#}\n", json_schema());
            Ok(Exit::Done)
        }
        Command::Show {
            suite,
            filter,
            seed,
            config,
            offline,
        } => {
            let settings = Settings::read(config.as_deref(), offline)?;
            let options = PlanOptions {
                filter: filter.filter(),
                seed,
                ..PlanOptions::default()
            };
            show(suite, options, &settings).await
        }
        Command::Check { suites, config } => {
            check(suites, &Settings::read(config.as_deref(), true)?).await
        }
    }
}

/// A shipped suite.
#[derive(Serialize)]
struct Listed {
    suite: String,
    /// None where its items are read from a file that is not on this machine.
    questions: Option<usize>,
    title: String,
}

/// Whether a suite speaks of every word, in any case.
fn speaks_of(shipped: &ShippedSuite, words: &[String]) -> bool {
    let about = [
        "title:",
        "source:",
        "licence:",
        "  - ",
        "published_as:",
        "related_to:",
    ];
    let lines = shipped.yaml.lines();
    let lines = lines.filter(|line| about.iter().any(|key| line.starts_with(key)));
    let text: String = [shipped.name.as_str()]
        .into_iter()
        .chain(lines)
        .flat_map(|line| [line, "\n"])
        .collect();
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}

async fn list(search: &[String], format: Format) -> Result<Exit, Failure> {
    let mut listed = Vec::new();
    let found = shipped().into_iter().filter(|s| speaks_of(s, search));
    for shipped in found {
        let title = shipped.yaml.lines().find_map(|l| l.strip_prefix("title: "));
        let options = DataOptions {
            offline: true,
            ..DataOptions::default()
        };
        listed.push(Listed {
            title: title.unwrap_or_default().trim_matches('"').to_owned(),
            questions: match load(&shipped.name, &options).await {
                Err(SuiteError::NoData { .. }) => None,
                suite => Some(suite?.samples.len()),
            },
            suite: shipped.name,
        });
    }
    if format == Format::Json {
        print_json(&listed)?;
        return Ok(Exit::Done);
    }
    if listed.is_empty() {
        let words = search.join(" ");
        let hint = "`candor suites list` lists them all";
        let message = format!(
            "no shipped suite speaks of '{}'; {hint}",
            visible_line(&words)
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut grid = Grid::new(&["suite", "questions", "title"], &[1]);
    for one in listed {
        let questions = one.questions.map(|n| n.to_string());
        let questions = questions.unwrap_or_else(|| "your file".into());
        grid.rows.push(vec![one.suite, questions, one.title]);
    }
    print_as(&grid, format);
    print_note(
        "\"Your file\": the items are read from a local file or the hub (`candor suites show NAME` says which).",
    );
    Ok(Exit::Done)
}

async fn show(name: String, options: PlanOptions, settings: &Settings) -> Result<Exit, Failure> {
    let everything = options.filter.is_everything();
    let plan = Plan::new(&[name], &[], options, &settings.data, &settings.open).await?;
    let planned = &plan.suites[0];
    let suite = &planned.suite;
    let mut chosen = planned.order.clone();
    chosen.sort_unstable();
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
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            file.data
                .hub
                .as_ref()
                .map(|h| format!(" (hub: {})", h.dataset))
                .unwrap_or_default()
        );
    }
    let samples = if everything {
        suite.samples.len().to_string()
    } else {
        format!("{} of {}", chosen.len(), suite.samples.len())
    };
    outln!("{samples} samples · content {}", &suite.content_hash[..16]);
    if let Some(sample) = chosen.first().map(|i| suite.samples.at(*i)) {
        let request = suite.prompts.request(&sample, true, 0)?;
        outln!();
        outln!("The first sample, {}:", sample.id);
        // The margin keeps a prompt's lines apart from candor's own, and from commands to a CI platform.
        outln!();
        for line in request.prompt.display().lines() {
            outln!("  │ {line}");
        }
        if let Wanted::LogLikelihood { continuations } = &request.wanted {
            outln!();
            outln!("Continuations, of which the log-likelihoods are asked for:");
            outln!();
            for continuation in continuations {
                outln!("  │ {}", visible_line(continuation));
            }
        }
        if !sample.targets.is_empty() {
            outln!();
            outln!("right: {}", sample.targets.join(" | "));
        }
    }
    Ok(Exit::Done)
}

async fn check(names: Vec<String>, settings: &Settings) -> Result<Exit, Failure> {
    let names = if names.is_empty() {
        shipped().into_iter().map(|s| s.name).collect()
    } else {
        names
    };
    let heads = [
        "suite",
        "version",
        "samples",
        "with target",
        "clusters",
        "pairs",
        "with control",
        "facts",
        "strata",
    ];
    let mut grid =
        Grid::new(&heads, &[2, 3, 4, 5, 6, 7]).spare(&["version", "with target", "clusters"]);
    let (mut failed, mut wanting, mut absent) = (0, Vec::new(), Vec::new());
    let mut lints: Vec<(String, Lint)> = Vec::new();
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
                let found = match lint(suite) {
                    Ok(found) => found,
                    Err(error) => {
                        failed += 1;
                        let _ = Failure::from(error).show();
                        continue;
                    }
                };
                let strata = found.strata.iter();
                let strata = strata.map(|(s, values)| format!("{s} {}", values.len()));
                let strata = strata.collect::<Vec<_>>().join(", ");
                grid.rows.push(vec![
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
                ]);
                wanting.extend(found.findings.iter().map(|f| format!("{name}: {f}")));
                lints.push((name, found));
            }
            // Missing external data is not a lint error.
            Err(PlanError::Suite(SuiteError::NoData { reason, .. })) => {
                let mut row = vec![String::new(); heads.len()];
                row[0].clone_from(&name);
                row[1] = "–".into();
                row[2] = "not here".into();
                grid.rows.push(row);
                absent.push(format!("{name} is not here: {reason}"));
            }
            Err(error) => {
                failed += 1;
                let _ = Failure::from(error).show();
            }
        }
    }
    if !grid.rows.is_empty() {
        print_grid(&grid);
    }
    for line in &absent {
        outln!("{line}");
    }
    for (name, found) in &lints {
        if let Some(artefacts) = &found.artefacts {
            outln!("{name}: {artefacts}");
        }
    }
    let by_name: Vec<(&str, &Lint)> = lints.iter().map(|(n, l)| (n.as_str(), l)).collect();
    wanting.extend(differing_lists(&by_name));
    for finding in wanting.iter().take(MAX_FINDINGS) {
        outln!("{finding}");
    }
    if wanting.len() > MAX_FINDINGS {
        outln!("… and {} more", wanting.len() - MAX_FINDINGS);
    }
    let well = failed == 0 && wanting.is_empty();
    Ok(if well { Exit::Done } else { Exit::Usage })
}
