//! Scoring a stored run again, without asking any model again.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;

use super::error::PlanError;
use super::panel::{LostJudge, Panel};
use super::purse::Purse;
use super::scoring::{Answer, Scorers, Scoring};
use crate::model::OpenOptions;
use crate::score::{self, IMPORTED, Judge, OtherSide};
use crate::store::{
    CompletionCache, RescoredSuite, RunDirectory, StoreError, TrialRecord, read_journal,
};
use crate::suite::{self, DataOptions, Sample, Samples, ScorerSpec};

/// Why a run cannot be scored again.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum RescoreError {
    /// The run cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A suite or scorer cannot be used.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Plan(#[from] PlanError),
    /// No answer could be judged.
    #[error(
        "the judge {} did not judge any answer, so the scores are unchanged: {}",
        .0.name,
        .0.reason
    )]
    NoJudge(LostJudge),
    /// The suite has changed since.
    #[error(
        "the suite '{suite}' has changed since the run (version {then} then, {now} now, content differs); it cannot score the run's answers"
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
pub struct RescoreOptions {
    /// Scorers instead of the suites' own.
    pub scorers: Vec<ScorerSpec>,
    /// Where suites find their data.
    pub data: DataOptions,
    /// How judges are opened.
    pub open: OpenOptions,
    /// What judges said before.
    pub cache: Option<Arc<CompletionCache>>,
}

/// What scoring a run again came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rescored {
    /// Answers scored.
    pub answers: u64,
    /// Those that a judge could not be asked about.
    pub unjudged: u64,
    /// The judges that could not be asked.
    pub lost_judges: Vec<LostJudge>,
}

/// Scores every answer of a run again with its suites' scorers, or with those named. Imported labels stay. The new scores are kept
/// next to the journal, and win over those in it. Where no judge could be asked about any answer, the scores stay as they were.
///
/// # Errors
/// [`RescoreError`] if a suite has changed or cannot be found, or a judge cannot be opened or asked at all.
pub async fn rescore(
    run: &mut RunDirectory,
    options: RescoreOptions,
) -> Result<Rescored, RescoreError> {
    let specs = &options.scorers;
    let mut suites: HashMap<String, Questions> = HashMap::new();
    let mut changes: BTreeMap<String, RescoredSuite> = BTreeMap::new();
    let imported = run.manifest.imported_from.is_some();
    for record in &run.manifest.suites {
        let make = |specs: &[ScorerSpec]| {
            specs
                .iter()
                .map(|spec| score::build(spec).map(Arc::from))
                .collect::<Result<Scorers, _>>()
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
                    samples: std::iter::empty().collect(),
                    places: HashMap::new(),
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
        let change = RescoredSuite {
            headline: (
                chosen[0].name().to_owned(),
                chosen[0].metrics()[0].name.to_owned(),
            ),
            tells: Some(chosen[0].metrics()[0].tells),
            scorers: Some(if specs.is_empty() {
                suite.parts.scorers.clone()
            } else {
                suite::scorers_hash(specs)
            }),
        };
        changes.insert(record.name.clone(), change);
        suites.insert(
            record.name.clone(),
            Questions {
                places: suite
                    .samples
                    .iter()
                    .enumerate()
                    .map(|(place, s)| (s.id, place))
                    .collect(),
                samples: suite.samples,
                scorers: chosen,
            },
        );
    }
    let judges = suites.values().flat_map(|q| q.scorers.iter());
    let panel = Arc::new(Panel::open(judges, &options.open).await?);
    let hosts = panel.models().filter_map(|judge| judge.host());
    run.manifest.send_to(hosts.map(str::to_owned));
    run.save_manifest()?;
    let scoring = Scoring::new(Arc::clone(&panel), options.cache);
    let mut rescored = Rescored::default();
    let handle = tokio::runtime::Handle::current();
    let path = run.journal();
    let sides = &Sides::read(&path, &suites)?;
    let (count, suites, scoring) = (&mut rescored, &suites, &scoring);
    tokio::task::block_in_place(|| {
        let again = futures::stream::iter(read_journal(&path)?)
            .map(|record| async move {
                match record {
                    Ok(record) => Ok(again(record, suites, sides, scoring).await),
                    Err(error) => Err(error),
                }
            })
            .buffered(AT_ONCE);
        let mut again = std::pin::pin!(again);
        let records = std::iter::from_fn(|| {
            if let Some(next) = handle.block_on(again.next()) {
                return Some(next.map(|(record, done)| {
                    count.answers += u64::from(done);
                    count.unjudged += u64::from(!record.unjudged.is_empty());
                    record
                }));
            }
            // Labels that cost money are not replaced by none at all.
            let nothing = count.answers > 0 && count.unjudged == count.answers;
            nothing.then(|| {
                Err(StoreError::NotReadable {
                    reason: "no judge could be reached for it".into(),
                })
            })
        });
        run.keep_scores(changes, records)
    })
    .map_err(|error| match panel.lost_judges().pop() {
        Some(judge) if rescored.answers > 0 && rescored.unjudged == rescored.answers => {
            RescoreError::NoJudge(judge)
        }
        _ => error.into(),
    })?;
    rescored.lost_judges = panel.lost_judges();
    Ok(rescored)
}

/// Answers that are scored side by side.
const AT_ONCE: usize = 64;

/// What scoring needs to know of a suite.
struct Questions {
    samples: Samples,
    /// Where each is, by its id.
    places: HashMap<String, usize>,
    scorers: Scorers,
}

/// The answers of pairs, for scorers that read both sides: by model, suite, pair and epoch, each with its sample.
#[derive(Default)]
struct Sides(HashMap<[String; 4], Vec<(String, OtherSide)>>);

impl Sides {
    /// Reads the answers of the suites whose scorers need them; of no others, since texts fill the memory.
    fn read(path: &Path, suites: &HashMap<String, Questions>) -> Result<Self, StoreError> {
        let needs = |q: &Questions| {
            let mut judges = q.scorers.iter().filter_map(|s| s.as_judge());
            judges.any(Judge::reads_other_side)
        };
        let mut sides = Self::default();
        if !suites.values().any(needs) {
            return Ok(sides);
        }
        for record in read_journal(path)? {
            let record = record?;
            if let (Some(key), Some(completion), true) = (
                key_of(&record),
                &record.completion,
                suites.get(&record.suite).is_some_and(needs),
            ) {
                let side = OtherSide {
                    question: record.prompt.question().to_owned(),
                    answer: completion.text.clone(),
                };
                let pair = sides.0.entry(key).or_default();
                pair.retain(|(sample, _)| *sample != record.sample);
                pair.push((record.sample, side));
            }
        }
        Ok(sides)
    }

    /// The answer to the other side of a record's pair, where there is exactly one.
    fn other(&self, record: &TrialRecord) -> Option<OtherSide> {
        let pair = self.0.get(&key_of(record)?)?;
        let mut others = pair.iter().filter(|(sample, _)| *sample != record.sample);
        let (_, other) = others.next().filter(|_| others.next().is_none())?;
        Some(other.clone())
    }
}

fn key_of(record: &TrialRecord) -> Option<[String; 4]> {
    let pair = record.pairing.pair.clone()?;
    Some([
        record.model.clone(),
        record.suite.clone(),
        pair,
        record.epoch.to_string(),
    ])
}

/// A record with new scores, and whether there was an answer to score.
async fn again(
    mut record: TrialRecord,
    suites: &HashMap<String, Questions>,
    sides: &Sides,
    scoring: &Scoring,
) -> (TrialRecord, bool) {
    record.scores.retain(|s| s.scorer == IMPORTED);
    record.unjudged = Vec::new();
    let (Some(questions), Some(completion)) = (suites.get(&record.suite), record.completion.take())
    else {
        return (record, false);
    };
    let bare = || Sample {
        strata: record.strata.clone(),
        ..Sample::new(record.sample.clone())
    };
    let place = questions.places.get(&record.sample);
    let sample = place.map(|place| questions.samples.at(*place));
    let answer = Arc::new(Answer {
        suite: record.suite.clone(),
        sample: sample.unwrap_or_else(bare),
        prompt: record.prompt.clone(),
        model: record.model.clone(),
        other_side: sides.other(&record),
        completion,
    });
    let purse = Arc::new(Purse::bottomless());
    let scored = scoring.score(&questions.scorers, &answer, &purse).await;
    record.scores.extend(scored.scores);
    record.unjudged = scored.heard.unjudged;
    (record, true)
}
