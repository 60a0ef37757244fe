//! `candor doctor`.

use clap::Args;

use super::exit::{Exit, Failure};
use super::settings::Settings;
use crate::model::data_directory;
use crate::model::onnx::runtime;
use crate::score::{LabellerSource, labeller};

#[derive(Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::read(None, true)?;
    let line = |good: bool, what: &str, told: &str| {
        outln!("{} {what:24} {told}", if good { "✔" } else { "✘" });
    };
    let runtimes = runtime::discover(false);
    let usable = runtimes.iter().find(|f| f.is_new_enough());
    line(
        usable.is_some(),
        "ONNX Runtime",
        &usable.map_or_else(
            || "none; `candor runtime install` gets it".into(),
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
        pip.is_some(),
        "python3 with pip",
        &pip.map_or_else(
            || "none; only needed to install ONNX Runtime".into(),
            |version| version.split(" from").next().unwrap_or_default().to_owned(),
        ),
    );
    let labeller = labeller();
    line(
        labeller.is_ok(),
        "offline classifier",
        &match labeller {
            Ok((source, folder)) => format!("{} ({})", folder.display(), place(source)),
            Err(reason) => format!("none: {reason}"),
        },
    );
    let home = data_directory();
    let writable = std::fs::create_dir_all(&home).is_ok();
    line(
        writable,
        "data directory",
        &format!(
            "{}{}",
            home.display(),
            if writable {
                ""
            } else {
                " cannot be written to; set CANDOR_HOME"
            }
        ),
    );
    let folders = settings.data.folders;
    line(
        !folders.is_empty(),
        "data of suites",
        &if folders.is_empty() {
            "no folder set (CANDOR_DATA, or [data] dir in candor.toml)".into()
        } else {
            folders
                .iter()
                .map(|f| f.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        },
    );
    for variable in [
        "OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "DEEPSEEK_API_KEY",
        "GEMINI_API_KEY",
    ] {
        let set = std::env::var_os(variable).is_some_and(|v| !v.is_empty());
        line(
            set,
            variable,
            if set {
                "set"
            } else {
                "not set; needed for this provider only"
            },
        );
    }
    Ok(if usable.is_some() && writable {
        Exit::Done
    } else {
        Exit::CouldNotRun
    })
}

fn place(source: LabellerSource) -> &'static str {
    match source {
        LabellerSource::Named => "CANDOR_LABELLER",
        LabellerSource::Binary => "beside the binary",
        LabellerSource::Checkout => "the checkout it was built in",
        LabellerSource::Data => "fetched",
    }
}
