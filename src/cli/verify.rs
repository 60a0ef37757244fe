//! `candor verify`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::report::evidence::verify;

#[derive(Args)]
pub(super) struct Arguments {
    /// The zip that `candor export --format evidence` wrote.
    evidence: PathBuf,
    /// The BLAKE3 hash of its manifest, as it was published.
    #[arg(long, value_name = "HASH")]
    manifest: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut found = verify(&arguments.evidence)?;
    if let Some(published) = &arguments.manifest
        && !published.eq_ignore_ascii_case(&found.manifest)
    {
        let wrong = format!("the manifest is not the one published ({published})");
        found.wrong.push(wrong);
    }
    println!("manifest {}", found.manifest);
    println!(
        "{} files hold their hashes; {} transcripts are those of the tables; {} headlines follow from them.",
        found.files, found.trials, found.headlines
    );
    for wrong in &found.wrong {
        println!("✘ {wrong}");
    }
    if found.wrong.is_empty() {
        println!("Nothing was changed.");
        Ok(Exit::Done)
    } else {
        println!("This is not the evidence that was written.");
        Ok(Exit::GateFailed)
    }
}
