//! `candor import`.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::say;
use crate::run::import::{Options, forms, import};

#[derive(Args)]
pub(super) struct Arguments {
    /// Files or folders that another tool wrote. The name of their form may stand before them, as after --from.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Form of the recordings [default: what the files look like]
    #[arg(long, value_name = "FORM", value_parser = clap::builder::PossibleValuesParser::new(forms()))]
    from: Option<String>,
    /// Run directory to create.
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,
    /// Name of the model, where the files do not tell it, or not the one you know it by.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (form, paths) = arguments.form_and_paths();
    let options = Options::new(form, arguments.model.clone());
    let (run, imported) = import(paths, &arguments.output, &options)?;
    for left_out in &imported.left_out {
        say(&left_out.to_string());
    }
    for note in &imported.notes {
        say(note);
    }
    outln!(
        "imported {} answers by {} models on {} suites into {}",
        imported.trials,
        imported.models,
        imported.suites,
        run.path.display()
    );
    if imported.labels > 0 {
        outln!(
            "{} labels of another judge: {}",
            imported.labels,
            run.path.join("labels.jsonl").display()
        );
    }
    Ok(Exit::Done)
}

impl Arguments {
    /// The form, if one is named, with the paths.
    fn form_and_paths(&self) -> (Option<String>, &[PathBuf]) {
        match self.paths.as_slice() {
            [first, rest @ ..] if self.from.is_none() && !rest.is_empty() => {
                match first.to_str().filter(|name| forms().contains(name)) {
                    Some(form) => (Some(form.to_owned()), rest),
                    None => (None, &self.paths),
                }
            }
            all => (self.from.clone(), all),
        }
    }
}
