//! `candor view`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::exit::{Exit, Failure};
use super::interrupt::interrupts;
use super::number::whole;
use super::report::labels_beside;
use super::settings::Settings;
use crate::analysis::Estimand;
use crate::report::{Language, Reads, ReportOptions, ReportProcess, Viewer, count};
use crate::store::local_copies;

#[derive(Args)]
pub(super) struct Arguments {
    /// Run directories, pooled; or one folder of runs, to open any and compare any two.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Model to compare the others with [default: the first of two models; none with more]
    #[arg(long, value_name = "MODEL")]
    baseline: Option<String>,
    /// Title of the page.
    #[arg(long, value_name = "T")]
    title: Option<String>,
    /// Estimand: what the figures generalise to (population, suite or run).
    #[arg(long, value_name = "ESTIMAND", default_value_t)]
    estimand: Estimand,
    /// External labels, as `candor label` writes them [default: labels.jsonl in the first run's directory, if present]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Language of the page's own words: en or zh
    #[arg(long, value_name = "LANGUAGE", default_value_t)]
    language: Language,
    /// Local port; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = whole::<u16>)]
    port: u16,
    /// Configuration file [default: candor.toml, if present]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::for_reading(arguments.config.as_deref(), &arguments.runs)?;
    // Those on a store are shown as they are now.
    let runs = local_copies(&arguments.runs)?;
    let options = ReportOptions {
        labels: labels_beside(&arguments.runs[0], arguments.labels.as_deref())?,
        baseline: arguments.baseline.clone(),
        title: arguments.title.clone(),
        data_folders: settings.data.folders,
        estimand: arguments.estimand,
        language: arguments.language,
        contrasts: settings.configuration.contrasts,
    };
    let viewer = Viewer::of(&runs, options, report_process(arguments)?)?;
    let viewer = Arc::new(viewer);
    let cannot = |e: std::io::Error| {
        let why = format!("cannot serve the page on 127.0.0.1:{}: {e}", arguments.port);
        Failure::new(Exit::CouldNotRun, why)
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .map_err(cannot)?;
    let what = match (viewer.runs_of_folder(), arguments.runs.as_slice()) {
        (Some(runs), [folder, ..]) => format!("{} in {}", count(runs, "run"), folder.display()),
        (_, runs) => runs.iter().map(|r| shown(r)).collect::<Vec<_>>().join(", "),
    };
    outln!(
        "{what}. Open http://{}{}  (Ctrl-C ends)",
        listener.local_addr().map_err(cannot)?,
        viewer.path()
    );
    let mut stop = interrupts();
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    viewer.serve(listener, stopped).await.map_err(cannot)?;
    Ok(Exit::Done)
}

/// `candor report`, with the flags that concern a report.
fn report_process(arguments: &Arguments) -> Result<ReportProcess, Failure> {
    let cannot = |e| Failure::new(Exit::CouldNotRun, format!("cannot find candor itself: {e}"));
    let program = std::env::current_exe().map_err(cannot)?;
    let mut flags: Vec<OsString> = vec!["report".into(), "--sections".into()];
    let mut flag = |name: &str, value: Option<OsString>| {
        if let Some(value) = value {
            let mut flag = OsString::from(format!("--{name}="));
            flag.push(value);
            flags.push(flag);
        }
    };
    flag("baseline", arguments.baseline.clone().map(OsString::from));
    flag("title", arguments.title.clone().map(OsString::from));
    flag("estimand", Some(arguments.estimand.to_string().into()));
    flag("language", Some(arguments.language.to_string().into()));
    flag("labels", arguments.labels.clone().map(OsString::from));
    flag("config", arguments.config.clone().map(OsString::from));
    let make = move |runs: &[PathBuf], reads: Reads| {
        let mut command = Command::new(&program);
        command.args(&flags);
        if reads == Reads::Apart {
            command.arg("--apart");
        }
        command.arg("--").args(runs);
        command
    };
    Ok(ReportProcess(Box::new(make)))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
