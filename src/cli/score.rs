//! `candor score`.

use std::path::PathBuf;

use clap::Args;

use super::asking::open_cache;
use super::exit::{Exit, Failure};

use super::settings::Settings;
use super::terminal::say;
use crate::run::{RescoreOptions, rescore};
use crate::score::build;
use crate::store::RunDirectory;
use crate::suite::{DataOptions, ScorerSpec};

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directory.
    run: PathBuf,
    /// Scorers to use instead of the suites' own: names, or `name: {options}` as in suite.yaml.
    #[arg(short, long = "scorer", value_name = "SCORER", num_args = 1..)]
    scorers: Vec<String>,
    /// Approve a judge that a suite names by URL: `https://host/v1#NAME`, or with `?key_env=NAME`.
    #[arg(long = "judge", value_name = "MODEL")]
    judges: Vec<String>,
    /// Connect to no other machine: what needs the network fails.
    #[arg(long)]
    offline: bool,
    /// Run programs that models write without a sandbox, with all that you may do.
    #[arg(long)]
    unsafe_code: bool,
    /// Bypass the completion cache: ask judges again.
    #[arg(long)]
    no_cache: bool,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let mut settings = Settings::read(arguments.config.as_deref(), arguments.offline)?;
    settings.name(&arguments.judges)?;
    settings.open.code.without_sandbox = arguments.unsafe_code;
    let scorers: Vec<ScorerSpec> = arguments
        .scorers
        .iter()
        .map(|s| spec(s))
        .collect::<Result<_, _>>()?;
    // Judges on the command line are named by a person; a scorer that cannot be built is reported below.
    for scorer in scorers.iter().flat_map(build) {
        settings.name(scorer.judges())?;
    }
    let mut run = RunDirectory::open_to_score(&arguments.run)?;
    let cache = open_cache(arguments.no_cache);
    let options = RescoreOptions {
        scorers,
        // The run's questions are on disk already.
        data: DataOptions {
            offline: true,
            ..settings.data
        },
        open: settings.open,
        cache,
    };
    let scored = rescore(&mut run, options).await?;
    outln!(
        "rescored {} answers without querying the models; wrote {}.",
        scored.answers,
        run.place()
            .join(
                run.table(crate::store::SCORES)
                    .file_name()
                    .unwrap_or_default()
            )
            .display()
    );
    if scored.unjudged == 0 {
        return Ok(Exit::Done);
    }
    for judge in &scored.lost_judges {
        say(&format!(
            "the judge {} failed {} times; most recently: {}",
            judge.name, judge.questions, judge.reason
        ));
    }
    say(&format!(
        "{} answers have no judge's verdict. Run the same command again to ask for them; verdicts given so far are in the completion cache",
        scored.unjudged
    ));
    Ok(Exit::FailedTrials)
}

/// A scorer as suite.yaml would have it.
fn spec(written: &str) -> Result<ScorerSpec, Failure> {
    serde_saphyr::from_str(written).map_err(|e| {
        let reason = e.without_snippet();
        let how =
            "write a name (refusal), or a name with options ('judge: {models: [\"openai:gpt-4o\"]}')";
        Failure::new(
            Exit::Usage,
            format!("-s '{written}' is not a scorer: {reason}; {how}"),
        )
    })
}
