//! Models and scorers of one's own in a plan, beside those that specifications and suites name.

use std::sync::Arc;

use super::error::PlanError;
use super::panel::Panel;
use super::plan::{Plan, PlannedModel, must_have_controls};
use crate::model::{Model, OpenOptions};
use crate::score::Scorer;
use crate::suite::SuiteError;
use crate::text::instead;

impl Plan {
    /// Asks a model of one's own too. `open` is for judges, where nobody was to be asked so far.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use candor::model::{Capabilities, Completion, Identity, Model, ModelError, OpenOptions, Request};
    /// use candor::run::{Plan, PlanOptions, Session, SessionOptions};
    /// use candor::suite::DataOptions;
    ///
    /// /// Says back what it is asked.
    /// struct Echo(Identity);
    ///
    /// #[candor::async_trait]
    /// impl Model for Echo {
    ///     fn identity(&self) -> &Identity {
    ///         &self.0
    ///     }
    ///
    ///     fn capabilities(&self) -> Capabilities {
    ///         Capabilities { chat: true, log_likelihood: false, concurrency: 4, cacheable: false }
    ///     }
    ///
    ///     async fn generate(&self, request: &Request) -> Result<Completion, ModelError> {
    ///         Ok(Completion::text(request.prompt.question()))
    ///     }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (data, open) = (DataOptions::default(), OpenOptions::default());
    /// let plan = Plan::new(&["facts".into()], &[], PlanOptions::default(), &data, &open)
    ///     .await?
    ///     .with_model(Arc::new(Echo(Identity::own("echo", "1"))), &open)
    ///     .await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("run");
    /// let session = Session::start(Arc::new(plan), &path, SessionOptions::default())?;
    /// let (_stop, stopped) = tokio::sync::watch::channel(false);
    /// let (_run, outcome) = session.run(|_event| (), stopped).await?;
    /// assert_eq!((outcome.answered, outcome.failed), (120, 0));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PlanError::Twice`] where the plan has a model of this name, [`PlanError::Control`] where a suite sets what it does not have, and whatever
    /// [`Panel::open`] has.
    pub async fn with_model(
        mut self,
        model: Arc<dyn Model>,
        open: &OpenOptions,
    ) -> Result<Self, PlanError> {
        let name = &model.identity().name;
        if self.models.iter().any(|m| m.model.identity().name == *name) {
            return Err(PlanError::Twice {
                what: "models",
                name: name.clone(),
                help: "give one of them another identity",
            });
        }
        must_have_controls(&self.suites, model.as_ref())?;
        if self.models.is_empty() {
            self.open_judges(open).await?;
        }
        self.models.push(PlannedModel {
            capabilities: model.capabilities(),
            model,
        });
        Ok(self)
    }

    /// Judges a suite's answers by a scorer of one's own too. The suite's first scorer stays its headline. `open` is for the judges
    /// that it asks, if it asks any.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use candor::model::{Completion, OpenOptions};
    /// use candor::run::{Plan, PlanOptions};
    /// use candor::score::{Metric, Score, ScoreContext, ScoreError, Scorer};
    /// use candor::suite::{DataOptions, Sample};
    ///
    /// /// Whether an answer is a single line.
    /// struct OneLine;
    ///
    /// impl Scorer for OneLine {
    ///     fn name(&self) -> &'static str {
    ///         "one_line"
    ///     }
    ///
    ///     fn metrics(&self) -> &'static [Metric] {
    ///         const { &[Metric::mean("share")] }
    ///     }
    ///
    ///     fn score(
    ///         &self,
    ///         _: &Sample,
    ///         completion: &Completion,
    ///         _: &ScoreContext<'_>,
    ///     ) -> Result<Vec<Score>, ScoreError> {
    ///         let one = completion.text.trim().lines().count() == 1;
    ///         Ok(vec![Score::new(self, "share").value(if one { 1.0 } else { 0.0 })])
    ///     }
    /// }
    ///
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (data, open) = (DataOptions::default(), OpenOptions::default());
    /// let plan = Plan::new(&["facts".into()], &[], PlanOptions::default(), &data, &open)
    ///     .await?
    ///     .with_scorer("facts", Arc::new(OneLine), &open)
    ///     .await?;
    /// # use candor::model::{Capabilities, Identity, Model, ModelError, Request};
    /// # struct Lines(Identity);
    /// # #[candor::async_trait]
    /// # impl Model for Lines {
    /// #     fn identity(&self) -> &Identity { &self.0 }
    /// #     fn capabilities(&self) -> Capabilities {
    /// #         Capabilities { chat: true, log_likelihood: false, concurrency: 4, cacheable: false }
    /// #     }
    /// #     async fn generate(&self, _: &Request) -> Result<Completion, ModelError> {
    /// #         Ok(Completion::text("one line\n"))
    /// #     }
    /// # }
    /// # let plan = plan.with_model(Arc::new(Lines(Identity::own("lines", "1"))), &open).await?;
    /// # let folder = tempfile::tempdir()?;
    /// # let session = candor::run::Session::start(Arc::new(plan), &folder.path().join("run"), Default::default())?;
    /// # let (run, _) = session.run(|_| (), tokio::sync::watch::channel(false).1).await?;
    /// # let mut given = 0;
    /// # for line in candor::store::read_journal(&run.journal())? {
    /// #     given += line?.scores.iter().filter(|s| s.scorer == "one_line" && s.value == Some(1.0)).count();
    /// # }
    /// # assert_eq!(given, 120);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PlanError::Suite`] where the plan has no such suite, [`PlanError::Twice`] where the suite has a scorer of this name, and
    /// whatever [`Panel::open`] has.
    pub async fn with_scorer(
        mut self,
        suite: &str,
        scorer: Arc<dyn Scorer>,
        open: &OpenOptions,
    ) -> Result<Self, PlanError> {
        let names = self.suites.iter().map(|s| s.suite.file.name.as_str());
        let known = instead(suite, "suites of the plan", names);
        let planned = self
            .suites
            .iter_mut()
            .find(|s| s.suite.file.name == suite)
            .ok_or_else(|| SuiteError::Unknown {
                name: suite.into(),
                known,
            })?;
        if planned.scorers.iter().any(|s| s.name() == scorer.name()) {
            return Err(PlanError::Twice {
                what: "scorers",
                name: scorer.name().into(),
                help: "a suite has each of its scorers once",
            });
        }
        let asks = !scorer.judges().is_empty();
        planned.scorers = planned.scorers.iter().cloned().chain([scorer]).collect();
        if asks {
            self.open_judges(open).await?;
        }
        Ok(self)
    }

    async fn open_judges(&mut self, open: &OpenOptions) -> Result<(), PlanError> {
        let scorers = self.suites.iter().flat_map(|s| s.scorers.iter());
        self.panel = Arc::new(Panel::open(scorers, open).await?);
        Ok(())
    }
}
