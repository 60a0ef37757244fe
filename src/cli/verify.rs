//! `candor verify`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::{Form, print_json};
use crate::report::evidence::{Verified, verify};
use crate::store::fetched;

#[derive(Args)]
pub(super) struct Arguments {
    /// Zip written by `candor export --format evidence`; `s3://BUCKET/NAME.zip` on a store.
    evidence: PathBuf,
    /// Published BLAKE3 hash of the zip's manifest.
    #[arg(long, value_name = "HASH")]
    manifest: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let fetched = fetched(&arguments.evidence)?;
    let zip: &Path = match &fetched {
        Some(copy) => copy.path(),
        None => &arguments.evidence,
    };
    let mut found = verify(zip)?;
    if let Some(published) = &arguments.manifest
        && !published.eq_ignore_ascii_case(&found.manifest)
    {
        let wrong = format!("the manifest is not the one published ({published})");
        found.wrong.push(wrong);
    }
    let exit = match (found.wrong.is_empty(), found.only_hashed.is_empty()) {
        (false, _) => Exit::GateFailed,
        (true, false) => Exit::GateInconclusive,
        (true, true) => Exit::Done,
    };
    match arguments.format {
        Form::Json => print_json(&found)?,
        Form::Text => print(&found, arguments.manifest.is_some()),
    }
    Ok(exit)
}

fn print(found: &Verified, published: bool) {
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
        return;
    }
    outln!(
        "{}",
        if published {
            "Nothing was changed: this is the evidence that was published."
        } else {
            "The files are consistent with each other. To check that they are the ones published, pass the published hash: candor verify FILE --manifest HASH."
        }
    );
}
