//! `candor doctor`.

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Form, print_json};
use super::settings::Settings;
use crate::model::data_directory;
use crate::model::onnx::runtime;
use crate::model::remote::key_variables;
use crate::sandbox::NoSandbox;
use crate::score::{LabellerSource, labeller};

#[derive(Args)]
pub(super) struct Arguments {
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// How one part of the setup stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    Present,
    /// Missing, and needed by every run of an embedded model.
    Missing,
    /// Absent, and needed only by some.
    Absent,
}

impl Mark {
    fn required(present: bool) -> Self {
        if present {
            Self::Present
        } else {
            Self::Missing
        }
    }

    fn optional(present: bool) -> Self {
        if present { Self::Present } else { Self::Absent }
    }

    fn sign(self) -> char {
        match self {
            Self::Present => '✔',
            Self::Missing => '✘',
            Self::Absent => '–',
        }
    }
}

/// One part of the setup.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    mark: Mark,
    /// What was found, or what is missing and what to do.
    state: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let parts = parts()?;
    match arguments.format {
        Form::Json => print_json(&parts)?,
        Form::Text => parts
            .iter()
            .for_each(|p| outln!("{} {:24} {}", p.mark.sign(), p.name, p.state)),
    }
    Ok(if parts.iter().all(|p| p.mark != Mark::Missing) {
        Exit::Done
    } else {
        Exit::CouldNotRun
    })
}

/// Every part of the setup.
fn parts() -> Result<Vec<Part>, Failure> {
    let settings = Settings::read(None, true)?;
    let mut parts = Vec::new();
    let mut line = |mark: Mark, name: &str, state: &str| {
        let (name, state) = (name.to_owned(), state.to_owned());
        parts.push(Part { name, mark, state });
    };
    line(Mark::Present, "candor", env!("CARGO_PKG_VERSION"));
    let runtimes = runtime::discover(false);
    let usable = runtimes.iter().find(|f| f.is_new_enough());
    line(
        Mark::required(usable.is_some()),
        "ONNX Runtime",
        &usable.map_or_else(
            || "not found; run `candor runtime install`".into(),
            |f| {
                format!(
                    "{} ({})",
                    f.path.display(),
                    f.version.as_deref().unwrap_or("version unknown")
                )
            },
        ),
    );
    let pip = runtime::pip_version();
    line(
        Mark::optional(pip.is_some()),
        "python3 with pip",
        &pip.map_or_else(
            || "not found; needed only to install ONNX Runtime".into(),
            |version| version.split(" from").next().unwrap_or_default().to_owned(),
        ),
    );
    let labeller = labeller();
    line(
        Mark::optional(labeller.is_ok()),
        "offline classifier",
        &match labeller {
            Ok((source, folder)) => format!("{} ({})", folder.display(), source_name(source)),
            Err(reason) => format!("not found: {reason}"),
        },
    );
    let home = data_directory();
    let writable = std::fs::create_dir_all(&home).is_ok();
    line(
        Mark::required(writable),
        "data directory",
        &format!(
            "{}{}",
            home.display(),
            if writable {
                ""
            } else {
                " is not writable; set CANDOR_HOME"
            }
        ),
    );
    let sandbox = settings.open.code.isolation();
    line(
        Mark::optional(sandbox.is_ok()),
        "sandbox for code",
        &match sandbox {
            Ok(_) => "ready".into(),
            Err(NoSandbox(reason)) => {
                format!("none; needed only for suites whose answers are programs: {reason}")
            }
        },
    );
    let folders = settings.data.folders;
    line(
        Mark::optional(!folders.is_empty()),
        "suite data",
        &if folders.is_empty() {
            "no folder set; needed only for suites with external data (CANDOR_DATA, or [data] dir in candor.toml)".into()
        } else {
            folders
                .iter()
                .map(|f| f.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        },
    );
    for variable in key_variables() {
        let set = std::env::var_os(variable).is_some_and(|v| !v.is_empty());
        let state = if set {
            "set"
        } else {
            "not set; needed only for this provider"
        };
        line(Mark::optional(set), variable, state);
    }
    Ok(parts)
}

fn source_name(source: LabellerSource) -> &'static str {
    match source {
        LabellerSource::Named => "CANDOR_LABELLER",
        LabellerSource::Binary => "next to the binary",
        LabellerSource::Checkout => "source checkout",
        LabellerSource::Data => "downloaded",
    }
}
