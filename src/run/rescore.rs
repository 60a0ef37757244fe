//! Scoring a stored run again, without asking any model again.

use std::collections::HashMap;

use futures::StreamExt;

use super::engine::judge;
use super::panel::{Bench, Panel};
use super::plan::PlanError;
use crate::model::OpenOptions;
use crate::score::{self, IMPORTED, ScoreContext, Scorer};
use crate::store::{CompletionCache, RunDirectory, StoreError, TrialRecord, read_journal};
use crate::suite::{self, DataOptions, Sample, ScorerSpec};

/// Why a run cannot be scored again.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum RescoreError {
    /// The run cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A suite or scorer cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// The suite has changed since.
    #[error(
        "the suite '{suite}' is not what it was when the run was made (version {then} then, {now} now, content differs); its answers cannot be scored by it"
    )]
    Changed {
        /// The suite.
        suite: String,
        /// Version then.
        then: String,
        /// Version now.
        now: String,
    },
}

/// How a run is scored again.
#[derive(Default)]
pub struct RescoreOptions<'a> {
    /// Scorers instead of the suites' own.
    pub scorers: Vec<ScorerSpec>,
    /// Where suites find their data.
    pub data: DataOptions,
    /// How judges are opened.
    pub open: OpenOptions,
    /// What judges said before.
    pub cache: Option<&'a CompletionCache>,
}

/// Scores every answer of a run again with its suites' scorers, or with those named. Imported labels stay. Returns how many
/// answers were scored.
///
/// # Errors
/// [`RescoreError`] where a suite has changed or cannot be found, or a judge cannot be opened.
pub async fn rescore(
    run: &mut RunDirectory,
    options: &RescoreOptions<'_>,
) -> Result<u64, RescoreError> {
    let specs = &options.scorers;
    let mut suites: HashMap<String, Questions> = HashMap::new();
    let imported = run.manifest.imported_from.is_some();
    for record in &mut run.manifest.suites {
        let make = |specs: &[ScorerSpec]| {
            specs
                .iter()
                .map(score::build)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| PlanError::Scorer {
                    suite: record.name.clone(),
                    error,
                })
        };
        if imported {
            // The questions came with the answers: scorers that need nothing but the answer can judge them.
            suites.insert(
                record.name.clone(),
                Questions {
                    samples: HashMap::new(),
                    scorers: make(specs)?,
                },
            );
            continue;
        }
        let suite = suite::load(&record.spec, &options.data)
            .await
            .map_err(PlanError::from)?;
        if suite.content_hash != record.content_hash {
            return Err(RescoreError::Changed {
                suite: record.name.clone(),
                then: record.version.clone(),
                now: suite.file.version,
            });
        }
        let chosen = if specs.is_empty() {
            make(&suite.file.scorers)?
        } else {
            make(specs)?
        };
        if let (Some(parts), false) = (&mut record.parts, specs.is_empty()) {
            parts.scorers = suite::scorers_hash(specs);
        }
        record.headline = (
            chosen[0].name().to_owned(),
            chosen[0].metrics()[0].name.to_owned(),
        );
        suites.insert(
            record.name.clone(),
            Questions {
                samples: suite
                    .samples
                    .into_iter()
                    .map(|s| (s.id.clone(), s))
                    .collect(),
                scorers: chosen,
            },
        );
    }
    let panel = Panel::open(suites.values().flat_map(|q| &q.scorers), &options.open).await?;
    let bench = panel.with(options.cache);
    let mut scored = 0;
    let handle = tokio::runtime::Handle::current();
    let path = run.journal();
    let (count, suites) = (&mut scored, &suites);
    tokio::task::block_in_place(|| {
        let again = futures::stream::iter(read_journal(&path)?)
            .map(|record| async move {
                match record {
                    Ok(record) => Ok(again(record, suites, bench).await),
                    Err(error) => Err(error),
                }
            })
            .buffered(AT_ONCE);
        let mut again = std::pin::pin!(again);
        run.write_scores(std::iter::from_fn(|| {
            let next = handle.block_on(again.next())?;
            Some(next.map(|(record, done)| {
                *count += u64::from(done);
                record
            }))
        }))
    })?;
    run.save_manifest()?;
    Ok(scored)
}

/// Answers that are scored side by side.
const AT_ONCE: usize = 64;

/// What scoring needs to know of a suite.
struct Questions {
    samples: HashMap<String, Sample>,
    scorers: Vec<Box<dyn Scorer>>,
}

/// A record with new scores, and whether there was an answer to score.
async fn again(
    mut record: TrialRecord,
    suites: &HashMap<String, Questions>,
    bench: Bench<'_>,
) -> (TrialRecord, bool) {
    record.scores.retain(|s| s.scorer == IMPORTED);
    let (Some(questions), Some(completion)) = (suites.get(&record.suite), &record.completion)
    else {
        return (record, false);
    };
    let bare = Sample {
        strata: record.strata.clone(),
        ..Sample::new(record.sample.clone())
    };
    let sample = questions.samples.get(&record.sample).unwrap_or(&bare);
    let context = ScoreContext {
        suite: &record.suite,
        prompt: &record.prompt,
        model: &record.model,
        judges: &bench,
    };
    let scores = judge(&questions.scorers, sample, completion, &context).await;
    record.scores.extend(scores);
    (record, true)
}
