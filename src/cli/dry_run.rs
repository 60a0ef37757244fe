//! `candor run --dry-run`: what would be asked, and what it would cost.

use std::path::Path;

use super::exit::{Exit, Failure};
use super::gate::{GateArguments, open_baseline};
use crate::gate::{self, GateFile, PlanOptions};
use crate::report::count;
use crate::run::{Plan, estimate};
use crate::stats::minimum_detectable_effect;

/// Assumed variance of a paired difference of single yes/no answers, before any data (docs/statistics.md).
const ASSUMED_VARIANCE: f64 = 0.154;

/// Target power of a plan.
const POWER: f64 = 0.8;

pub(super) async fn dry_run(plan: &Plan, policy: Option<&Path>) -> Result<Exit, Failure> {
    let estimates = estimate(plan).await;
    let questions: usize = plan.suites.iter().map(|s| s.order.len()).sum();
    let requests: u64 = estimates.iter().map(|e| e.requests).sum();
    outln!(
        "{} · {} · {} · {}",
        count(plan.suites.len(), "suite"),
        count(questions, "question"),
        count(plan.models.len(), "model"),
        count(requests, "request")
    );
    for planned in &plan.suites {
        outln!(
            "  {:28} {} of {} questions, scored by {}",
            planned.suite.file.name,
            planned.order.len(),
            planned.suite.samples.len(),
            planned
                .scorers
                .iter()
                .map(|s| s.name())
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    for e in &estimates {
        let read = if e.is_counted {
            format!("{} tokens read, by its tokenizer", e.prompt_tokens)
        } else {
            format!("about {} tokens read", e.prompt_tokens)
        };
        let basis = e.price_basis.as_deref().unwrap_or("your price");
        let cost = match (e.seconds, e.most_cost) {
            (Some(seconds), _) => format!(
                "in process, about {} (measured on 4 questions)",
                duration(seconds)
            ),
            (None, Some(cost)) => format!(
                "at most ${:.2} ({basis}; {read}, at most {} written)",
                cost.0, e.most_completion_tokens
            ),
            (None, None) => format!(
                "cost unknown: set price under [providers] in candor.toml, or give --prices ({read}, at most {} written)",
                e.most_completion_tokens
            ),
        };
        outln!("  {:28} {} requests, {cost}", e.name, e.requests);
        for (planned, own) in plan.suites.iter().zip(&e.suites) {
            let cost = own
                .most_cost
                .map(|cost| format!(", at most ${:.2}", cost.0));
            outln!(
                "    {:26} {} requests, {}{} tokens read, at most {} written{}",
                planned.suite.file.name,
                own.requests,
                if e.is_counted { "" } else { "about " },
                own.prompt_tokens,
                own.most_completion_tokens,
                cost.unwrap_or_default()
            );
        }
    }
    if plan.models.len() > 1
        && let Ok(effect) = minimum_detectable_effect(ASSUMED_VARIANCE, questions, 0.05, 0.8)
    {
        outln!(
            "  MDE with {questions} paired questions: {:.1} points (80 % power, assuming a variance of {ASSUMED_VARIANCE} per paired difference).",
            effect * 100.0
        );
    }
    if !plan.options.filter.is_everything() {
        outln!("  Subset: {}.", plan.options.filter);
    }
    gate_lines(plan, policy)?;
    outln!("Nothing was sent. Run without --dry-run to start.");
    Ok(Exit::Done)
}

/// The power of the project's gate on the suites planned, one line per rule.
fn gate_lines(plan: &Plan, policy: Option<&Path>) -> Result<(), Failure> {
    let path = policy.unwrap_or(Path::new("gate.toml"));
    if policy.is_none() && !path.exists() {
        return Ok(());
    }
    let mut gate = GateFile::read(path)?;
    let asked = |suite: &String| plan.suites.iter().any(|s| s.suite.file.name == *suite);
    gate.rules.retain(|rule| rule.suites.iter().all(asked));
    let chosen = GateArguments {
        policy: path.to_path_buf(),
        baseline: None,
        allow_drift: Vec::new(),
    };
    if gate.rules.is_empty() {
        return Ok(());
    }
    let Some(baseline) = open_baseline(&gate, &chosen)? else {
        outln!(
            "  {} names no baseline; pin one to see the gate's power.",
            path.display()
        );
        return Ok(());
    };
    let options = PlanOptions {
        power: POWER,
        find_drop: None,
        questions: plan.options.limit,
        epochs: Some(plan.options.epochs),
    };
    for rule in gate::plan(&gate, baseline.side()?, options)? {
        let (Some(pass), n, epochs) = (rule.pass, rule.n, rule.epochs) else {
            continue;
        };
        let drop = rule
            .detectable
            .map(|d| {
                format!(
                    "; it detects a drop of {:.1} points with 80 % power",
                    d * 100.0
                )
            })
            .unwrap_or_default();
        let more = rule
            .questions_needed
            .filter(|needed| *needed > n)
            .map(|needed| format!("; 80 % power needs {needed} questions"))
            .unwrap_or_default();
        outln!(
            "  gate: \"{}\" passes an unchanged model in {:.0} % of runs at n {n} with {}{drop}{more}.",
            rule.name,
            pass * 100.0,
            count(epochs, "epoch")
        );
    }
    Ok(())
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
