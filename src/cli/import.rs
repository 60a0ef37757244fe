//! `candor import`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::say;
use crate::run::import::{Options, formats, import};

#[derive(Args)]
pub(super) struct Arguments {
    /// Files or folders written by another tool; a format's name can precede them, like --from.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Format of the recordings [default: recognised]
    #[arg(long, value_name = "FORMAT", value_parser = clap::builder::PossibleValuesParser::new(formats()))]
    from: Option<String>,
    /// Run directory to create.
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,
    /// Name of the model, overriding the files'.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (format, paths) = arguments.format_and_paths();
    let options = Options::new(format, arguments.model.clone());
    let (run, imported) = import(paths, &arguments.output, &options)?;
    for skipped in &imported.skipped {
        say(&skipped.to_string());
    }
    for note in &imported.notes {
        say(note);
    }
    outln!(
        "imported {} answers by {} models on {} suites into {}",
        imported.trials,
        imported.models,
        imported.suites,
        run.place().display()
    );
    if imported.labels > 0 {
        outln!(
            "{} labels of another judge: {}",
            imported.labels,
            run.place().join("labels.jsonl").display()
        );
    }
    Ok(Exit::Done)
}

impl Arguments {
    /// The format, if one is named, and the paths.
    fn format_and_paths(&self) -> (Option<String>, &[PathBuf]) {
        match self.paths.as_slice() {
            [first, rest @ ..] if self.from.is_none() && !rest.is_empty() => {
                match first.to_str().filter(|name| formats().contains(name)) {
                    Some(format) => (Some(format.to_owned()), rest),
                    None => (None, &self.paths),
                }
            }
            all => (self.from.clone(), all),
        }
    }
}
