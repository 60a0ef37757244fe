//! `candor verify`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use crate::report::evidence::verify;

#[derive(Args)]
pub(super) struct Arguments {
    /// Zip written by `candor export --format evidence`.
    evidence: PathBuf,
    /// Published BLAKE3 hash of the zip's manifest.
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
    outln!("manifest {}", found.manifest);
    outln!(
        "{} files match their hashes; {} transcripts and {} scores match the tables; {} headlines follow from them.",
        found.files,
        found.trials,
        found.scores,
        found.headlines
    );
    if !found.rendered.is_empty() {
        outln!(
            "Rebuilt from the transcripts, identical: {}.",
            found.rendered.join(", ")
        );
    }
    if !found.only_hashed.is_empty() {
        outln!(
            "Not recomputed, hashes checked only: {}. candor {} wrote them, and this is candor {}; that version can verify them.",
            found.only_hashed.join(", "),
            found.written_by,
            env!("CARGO_PKG_VERSION")
        );
    }
    for wrong in &found.wrong {
        outln!("✘ {wrong}");
    }
    if !found.wrong.is_empty() {
        outln!("The evidence does not verify: it has been changed since it was written.");
        return Ok(Exit::GateFailed);
    }
    outln!(
        "{}",
        if arguments.manifest.is_some() {
            "Nothing was changed: this is the evidence that was published."
        } else {
            "The files are consistent with each other. To check that they are the ones published, pass the published hash: candor verify FILE --manifest HASH."
        }
    );
    Ok(if found.only_hashed.is_empty() {
        Exit::Done
    } else {
        Exit::GateInconclusive
    })
}
