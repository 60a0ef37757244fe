//! `candor label`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::exit::{Exit, Failure};
use super::interrupt::interrupts;
use crate::analysis::Dataset;
use crate::report::Labelling;
use crate::store::{Output, may_be_written};

#[derive(Args)]
pub(super) struct Arguments {
    /// The run's directory; several are drawn from together.
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Where the labels go, a JSON line each; what stands there already is taken up.
    #[arg(short, long, value_name = "FILE", default_value = "labels.jsonl")]
    output: PathBuf,
    /// Who labels.
    #[arg(long, value_name = "NAME", default_value = "person")]
    by: String,
    /// Answers to draw: at random, as many from every model and suite.
    #[arg(short, long, default_value_t = 120)]
    n: usize,
    /// Seed of the draw. The same seed draws the same answers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Port on this machine; 0 takes any that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(super) async fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let read: Vec<&Path> = arguments.runs.iter().map(PathBuf::as_path).collect();
    may_be_written(&arguments.output, Output::Labels, &read)?;
    let data = Dataset::open(&arguments.runs)?;
    let drawn = data.draw(arguments.n, arguments.seed)?;
    if drawn.is_empty() {
        let why = "there is no answer with words in it to label";
        return Err(Failure::new(Exit::CouldNotRun, why));
    }
    let n = drawn.len();
    let labelling = Arc::new(Labelling::new(drawn, &arguments.by, &arguments.output)?);
    let cannot = |e: std::io::Error| {
        let why = format!("no page can be served on 127.0.0.1:{}: {e}", arguments.port);
        Failure::new(Exit::CouldNotRun, why)
    };
    let listener = TcpListener::bind(("127.0.0.1", arguments.port))
        .await
        .map_err(cannot)?;
    outln!(
        "{n} answers, {} of them labelled. Open http://{}{}  (Ctrl-C ends; every label is kept as it is given)",
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
        "{} of {n} labelled, in {}. `candor calibrate RUN --labels {}` says what they tell.",
        labelling.labelled(),
        arguments.output.display(),
        arguments.output.display()
    );
    Ok(Exit::Done)
}
