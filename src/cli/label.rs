//! `candor label`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::exit::{Exit, Failure};
use super::interrupt::interrupts;
use super::number::{positive, whole};
use crate::analysis::Dataset;
use crate::report::Labelling;
use crate::store::{Output, may_be_written};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub(super) struct Arguments {
    /// Run directories; several are pooled.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// File of labels, one JSON line each; existing labels are kept and continued.
    #[arg(short, long, value_name = "FILE", default_value = "labels.jsonl")]
    output: PathBuf,
    /// Annotator's name.
    #[arg(long, value_name = "NAME", default_value = "person")]
    by: String,
    /// Number of answers to draw at random, equally from every model and suite.
    #[arg(short = 'n', long, alias = "n", value_name = "N", default_value_t = 120, value_parser = positive::<usize>)]
    answers: usize,
    /// Seed of the draw; the same seed draws the same answers.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u64>)]
    seed: u64,
    /// Local port; 0 picks a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0, value_parser = whole::<u16>)]
    port: u16,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let read: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    may_be_written(&arguments.output, Output::Labels, &read)?;
    let data = Dataset::open(&arguments.runs)?;
    let drawn = data.draw(arguments.answers, arguments.seed)?;
    if drawn.is_empty() {
        let why = "nothing to label: no answer of these runs contains words";
        return Err(Failure::new(Exit::CouldNotRun, why));
    }
    let n = drawn.len();
    let labelling = Arc::new(Labelling::new(drawn, &arguments.by, &arguments.output)?);
    let cannot = |e: std::io::Error| {
        let why = format!("cannot serve the page on 127.0.0.1:{}: {e}", arguments.port);
        Failure::new(Exit::CouldNotRun, why)
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .map_err(cannot)?;
    outln!(
        "{n} answers, {} of them labelled. Open http://{}{}  (Ctrl-C ends; labels are saved as they are given)",
        labelling.labelled(),
        listener.local_addr().map_err(cannot)?,
        labelling.path()
    );
    let mut stop = interrupts();
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    Arc::clone(&labelling)
        .serve(listener, stopped)
        .await
        .map_err(cannot)?;
    outln!(
        "{} of {n} labelled, in {}. Next: candor calibrate RUN --labels {}",
        labelling.labelled(),
        arguments.output.display(),
        arguments.output.display()
    );
    Ok(Exit::Done)
}
