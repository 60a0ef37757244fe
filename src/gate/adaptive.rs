//! An adaptive gate: queries a model only until the gate is decided.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::live::{INTERIM_ALPHA_SHARE, LiveGate};
use super::{
    Drift, GateError, GateFile, GateOutcome, Overall, Scheduled, Side, TrialScores, judge,
};
use crate::analysis::Dataset;
use crate::run::{Outcome, Plan, RunEvent, Session, StopReason};
use crate::store::RunDirectory;
use crate::suite::PairRole;

/// A gate over a plan, before its first request.
pub struct AdaptiveGate<'a> {
    gate: &'a GateFile,
    candidate: String,
    baseline: Option<Side<'a>>,
    allowed: &'a [Drift],
    live: LiveGate<'a>,
}

/// An adaptive gate whose run is over.
pub struct AskedGate<'a> {
    gate: AdaptiveGate<'a>,
    /// The run directory.
    pub directory: RunDirectory,
    /// How the run ended.
    pub run: Outcome,
}

impl<'a> AdaptiveGate<'a> {
    /// A gate over the first model of a plan, whose order is that of clusters ([`crate::run::Order::ClusterMajor`]).
    ///
    /// # Errors
    /// [`GateError`] if a rule cannot be read from such a run, or the baseline was asked something else.
    pub fn new(
        gate: &'a GateFile,
        plan: &Plan,
        baseline: Option<Side<'a>>,
        allowed: &'a [Drift],
    ) -> Result<Self, GateError> {
        let model = plan.models.first().map(|m| m.model.identity());
        let candidate = model.map_or_else(String::new, |identity| identity.name.clone());
        let live = LiveGate::new(
            gate,
            &candidate,
            baseline,
            plan.manifest().suites,
            schedule(plan),
            plan.options.epochs as usize,
            allowed,
        )?;
        Ok(Self {
            gate,
            candidate,
            baseline,
            allowed,
            live,
        })
    }

    /// Runs the session until it ends, the gate is decided, or `stop` turns true.
    ///
    /// # Errors
    /// [`GateError::Store`] if the run cannot be written.
    pub async fn ask(
        mut self,
        session: Session,
        on_event: impl Fn(&RunEvent) + Send + Sync + 'static,
        mut stop: watch::Receiver<bool>,
    ) -> Result<AskedGate<'a>, GateError> {
        let plan = Arc::clone(session.plan());
        let (end, ended) = watch::channel(false);
        let (events, mut arrivals) = mpsc::unbounded_channel();
        let running = session.run(
            move |event| {
                on_event(&event);
                let _ = events.send(event);
            },
            ended,
        );
        let listening = async {
            while let Some(event) = tokio::select! {
                event = arrivals.recv() => event,
                Ok(_) = stop.wait_for(|stop| *stop) => {
                    let _ = end.send(true);
                    None
                }
            } {
                if self.is_decided_by(&plan, &event) {
                    let _ = end.send(true);
                    return true;
                }
            }
            false
        };
        let (ran, decided) = tokio::join!(running, listening);
        let (directory, mut run) = ran?;
        if decided {
            run.stopped = Some(StopReason::Decided);
        }
        Ok(AskedGate {
            gate: self,
            directory,
            run,
        })
    }

    /// Records an event, and returns whether the gate is decided before its run is complete.
    fn is_decided_by(&mut self, plan: &Plan, event: &RunEvent) -> bool {
        let RunEvent::Finished {
            suite,
            sample,
            scores,
            status,
            ..
        } = event
        else {
            return false;
        };
        let suite = &plan.suites[*suite].suite;
        let trial = TrialScores {
            suite: &suite.file.name,
            sample: &suite.samples.at(*sample).id,
            scores,
            status: *status,
        };
        self.live.record(trial).is_some() && !self.live.complete()
    }
}

impl AskedGate<'_> {
    /// The verdict: what was decided on the way, and, where everything was asked, the fixed test with the error that is left. `data` is
    /// the run's. None if somebody stopped it before it was decided.
    ///
    /// # Errors
    /// [`GateError::GivenUp`] and [`GateError::Failures`] if an undecided gate says nothing of the model, since too much could not be
    /// asked; and as for [`judge`].
    pub fn verdict(&self, data: &Dataset) -> Result<Option<GateOutcome>, GateError> {
        let AdaptiveGate {
            gate,
            candidate,
            baseline,
            allowed,
            live,
        } = &self.gate;
        let side = Side::of(data, Some(candidate))?;
        let fixed = live.complete().then(|| {
            let mut rest = (*gate).clone();
            rest.alpha = gate.alpha * (1.0 - INTERIM_ALPHA_SHARE);
            judge(&rest, side, *baseline, allowed)
        });
        let outcome = live.outcome(fixed.transpose()?);
        if outcome.overall != Overall::Inconclusive {
            return Ok(Some(outcome));
        }
        if self.run.stopped == Some(StopReason::Interrupted) {
            return Ok(None);
        }
        if let Some((_, reason)) = self.run.given_up.first() {
            return Err(GateError::GivenUp(reason.clone()));
        }
        let suites: Vec<&str> = gate.suite_names().collect();
        side.check_failures("the candidate", &suites, gate.max_failures)?;
        Ok(Some(outcome))
    }
}

/// The plan's questions in the order drawn.
fn schedule(plan: &Plan) -> Vec<Scheduled> {
    plan.trials()
        .filter(|t| t.epoch == 0)
        .map(|trial| {
            let suite = &plan.suites[trial.suite].suite;
            let sample = suite.samples.at(trial.sample);
            Scheduled {
                suite: suite.file.name.clone(),
                sample: sample.id.clone(),
                unit: sample.unit().to_owned(),
                pair: sample.pairing.pair.clone(),
                sensitive: sample.pairing.role.map(|r| r == PairRole::Sensitive),
                strata: sample.strata.clone(),
            }
        })
        .collect()
}
