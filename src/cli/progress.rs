//! Shows a run's events: a bar per model on a terminal, plain lines elsewhere. The log goes above the bars, never through them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::terminal::{BARS, interactive, say};
use crate::model::{Activity, ErrorClass};
use crate::run::{Plan, RunEvent};
use crate::text::visible_line;

/// Listens to a run.
pub(super) struct Progress {
    models: Vec<Mutex<ModelProgress>>,
}

struct ModelProgress {
    name: String,
    bar: ProgressBar,
    total: u64,
    done: u64,
    cached: u64,
    spent: f64,
    errors: Vec<(ErrorClass, u64)>,
    /// What a model in this process is at.
    work: String,
    started: Instant,
    told: Instant,
}

/// Time between two plain lines about one model.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(super) fn new(plan: &Plan) -> Self {
        let names: Vec<&str> = plan
            .models
            .iter()
            .map(|m| m.model.identity().name.as_str())
            .collect();
        let width = names
            .iter()
            .map(|n| n.chars().count())
            .max()
            .unwrap_or(0)
            .min(40);
        let style = ProgressStyle::with_template(
            "  {prefix} {bar:24} {pos}/{len}  {per_sec}  eta {eta}  {msg}",
        )
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("█▌ ");
        let models = names
            .iter()
            .map(|name| {
                let bar = BARS.add(ProgressBar::new(0));
                bar.set_style(style.clone());
                bar.set_prefix(format!("{:width$}", visible_line(name)));
                Mutex::new(ModelProgress {
                    name: visible_line(name).into_owned(),
                    bar,
                    total: 0,
                    done: 0,
                    cached: 0,
                    spent: 0.0,
                    errors: Vec::new(),
                    work: String::new(),
                    started: Instant::now(),
                    told: Instant::now(),
                })
            })
            .collect();
        Self { models }
    }

    pub(super) fn on(&self, event: &RunEvent) {
        let (RunEvent::Started { model, .. }
        | RunEvent::Working { model, .. }
        | RunEvent::Finished { model, .. }
        | RunEvent::GaveUp { model, .. }
        | RunEvent::Ended { model }) = event;
        let Some(state) = self.models.get(*model) else {
            return;
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::Started {
                trials,
                already_done,
                ..
            } => {
                (state.total, state.done, state.started, state.told) =
                    (*trials, *already_done, Instant::now(), Instant::now());
                state.bar.set_length(*trials);
                state.bar.set_position(*already_done);
                state.bar.reset_eta();
                if *already_done > 0 {
                    say(&format!(
                        "{}: {already_done} of {trials} trials are done already",
                        state.name
                    ));
                }
            }
            RunEvent::Finished {
                origin,
                error,
                cost,
                ..
            } => {
                state.done += 1;
                state.cached += u64::from(*origin == crate::model::Origin::Cache);
                state.spent += cost.map_or(0.0, |c| c.0);
                if let Some(class) = error {
                    match state.errors.iter_mut().find(|(c, _)| c == class) {
                        Some((_, n)) => *n += 1,
                        None => state.errors.push((*class, 1)),
                    }
                }
                let message = state.message();
                state.bar.set_message(message);
                state.bar.set_position(state.done);
                state.print_due_line();
            }
            RunEvent::Working {
                activity,
                tokens_per_second,
                ..
            } => {
                state.work = work(activity, *tokens_per_second);
                let message = state.message();
                state.bar.set_message(message);
                state.print_due_line();
            }
            RunEvent::GaveUp { reason, .. } => {
                let line = format!("{}: given up. {reason}", state.name);
                state.bar.abandon();
                say(&line);
            }
            RunEvent::Ended { .. } => {
                state.work.clear();
                let message = state.message();
                state.bar.set_message(message);
                state.bar.finish();
                if !interactive() {
                    state.print_line();
                }
            }
        }
    }
}

/// An amount to the cent; below one, to a hundredth of it, since most answers cost less.
fn dollars(amount: f64) -> String {
    if amount < 0.01 {
        format!("${amount:.4}")
    } else {
        format!("${amount:.2}")
    }
}

/// What a model in this process is at.
fn work(activity: &Activity, tokens_per_second: f64) -> String {
    let Activity {
        running, waiting, ..
    } = activity;
    let mut parts = vec![format!("{running} running")];
    if *waiting > 0 {
        parts.push(format!("{waiting} waiting"));
    }
    parts.push(format!("{tokens_per_second:.0} tok/s"));
    if let Some(share) = activity.shared.share().filter(|share| *share > 0.0) {
        parts.push(format!("{:.0} % shared", share * 100.0));
    }
    parts.join(", ")
}

impl ModelProgress {
    /// Prints a line where bars cannot be shown and the last one is long enough ago.
    fn print_due_line(&mut self) {
        if !interactive() && self.told.elapsed() >= PLAIN_EVERY {
            self.told = Instant::now();
            self.print_line();
        }
    }

    fn message(&self) -> String {
        let mut parts = Vec::new();
        if !self.work.is_empty() {
            parts.push(self.work.clone());
        }
        if self.cached > 0 {
            parts.push(format!("{} from the cache", self.cached));
        }
        if self.spent > 0.0 {
            parts.push(dollars(self.spent));
        }
        parts.extend(
            self.errors
                .iter()
                .map(|(class, n)| format!("{n} {}", class.name().replace('_', " "))),
        );
        parts.join(" · ")
    }

    #[allow(clippy::cast_precision_loss)]
    fn print_line(&self) {
        let rate = self.done as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        let message = self.message();
        let message = if message.is_empty() {
            message
        } else {
            format!(", {message}")
        };
        say(&format!(
            "{}: {}/{} ({rate:.1}/s{message})",
            self.name, self.done, self.total
        ));
    }
}
