//! `candor merge`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::say;
use crate::report::count;
use crate::store::{ShardGap, Shards};

#[derive(Args)]
pub(super) struct Arguments {
    /// The shards' run directories, or a folder that holds them.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Run directory to create; `s3://BUCKET/PREFIX` on an S3-compatible store.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Merge what is there, even if shards are missing or unfinished; `candor run --resume DIR` then asks the rest.
    #[arg(long)]
    partial: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let shards = Shards::open(&arguments.runs)?;
    let gaps = shards.gaps()?;
    let missing = shards.missing();
    if let Some(missing) = &missing {
        say(&format!("Of the plan, {missing}."));
    }
    for gap in &gaps {
        say(&sentence(gap));
    }
    let is_complete = missing.is_none() && gaps.iter().all(|gap| gap.not_asked == 0);
    if !is_complete && !arguments.partial {
        return Err(Failure::new(
            Exit::CouldNotRun,
            "the shards are not complete, and nothing was written. Finish each with `candor run --resume SHARD`, or merge what is there with --partial",
        ));
    }
    let whole = shards.merge(&arguments.output, &gaps)?;
    let path = whole.place();
    let path = path.display();
    outln!(
        "Merged {} into {path}. Next: candor report {path}",
        count(shards.runs().count(), "shard")
    );
    if is_complete && gaps.is_empty() {
        return Ok(Exit::Done);
    }
    say(&format!(
        "Ask what is missing with: candor run --resume {path}"
    ));
    Ok(Exit::FailedTrials)
}

/// What a shard lacks.
fn sentence(gap: &ShardGap) -> String {
    let what = match (gap.not_asked, gap.failed) {
        (not_asked, 0) => format!("{not_asked} not asked"),
        (0, failed) => format!("{failed} without an answer"),
        (not_asked, failed) => format!("{not_asked} not asked, {failed} without an answer"),
    };
    format!(
        "Shard {}/{} ({}), {}: of {}, {what}; the first is {}.",
        gap.shard.index,
        gap.shard.count,
        gap.run.display(),
        gap.model,
        count(gap.trials, "trial"),
        gap.first
    )
}
