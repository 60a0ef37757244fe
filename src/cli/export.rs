//! `candor export`.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::say;
use crate::analysis::Dataset;
use crate::report::evidence::write_evidence;
use crate::report::export::{export, export_folder, formats};
use crate::store::{Output, may_be_written};

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Table format; `every-eval-ever`, `inspect` and `lm-eval` write a folder in that tool's format; `evidence` writes a zip of runs, transcripts and
    /// report with their hashes, for `candor verify`.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(formats().into_iter().chain([EVIDENCE])))]
    format: String,
    /// File or folder to write.
    #[arg(short, long, value_name = "PATH")]
    output: PathBuf,
    /// Include prompt, answer and reasoning in a table.
    #[arg(long)]
    transcripts: bool,
    /// Model to compare the others with in the evidence's report [default: the first of two models; none with more]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
}

const EVIDENCE: &str = "evidence";

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let read: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    may_be_written(&arguments.output, Output::Other, &read)?;
    if arguments.format == EVIDENCE {
        let baseline = arguments.baseline.as_deref();
        let manifest = write_evidence(&arguments.runs, baseline, &arguments.output)?;
        outln!("manifest {manifest}");
        outln!("{}", arguments.output.display());
        return Ok(Exit::Done);
    }
    let data = Dataset::open(&arguments.runs)?;
    if let Some(written) = export_folder(&data, &arguments.format, &arguments.output)? {
        for skipped in &written.skipped {
            say(&format!("skipped {skipped}"));
        }
        outln!("{} files in {}", written.files, arguments.output.display());
        return Ok(Exit::Done);
    }
    export(
        &data,
        &arguments.format,
        arguments.transcripts,
        &arguments.output,
    )?;
    outln!("{}", arguments.output.display());
    Ok(Exit::Done)
}
