//! `candor gate --self-check`.

use super::against::Opened;
use crate::cli::exit::{Exit, Failure};
use crate::gate::{GateFile, self_check};
use crate::report::percent;

/// Number of random splits.
const SPLITS: u64 = 1000;

pub(super) fn run(gate: &GateFile, run: &str) -> Result<Exit, Failure> {
    let opened = Opened::of(run)?;
    let side = opened.side()?;
    let check = self_check(gate, side, SPLITS, gate.seed.unwrap_or(0))?;
    #[allow(clippy::cast_precision_loss)]
    let share = |n: u64| percent(n as f64 / check.splits as f64);
    outln!(
        "{} random splits of {}'s own epochs, {} against {} per question: nothing changed between them.",
        check.splits,
        side.model,
        check.candidate_epochs,
        check.baseline_epochs
    );
    outln!(
        "  false alarms (FAIL)   {:>5} %   [{}, {}]",
        share(check.failed),
        percent(check.failed_interval.low),
        percent(check.failed_interval.high)
    );
    outln!("  pass                  {:>5} %", share(check.passed));
    outln!("  inconclusive          {:>5} %", share(check.inconclusive));
    outln!(
        "  a raw score would have fallen by more than its margin in {} %",
        share(check.raw_alarms)
    );
    outln!("Rules: {}", check.rules.join(", "));
    Ok(Exit::Done)
}
