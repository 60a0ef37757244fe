//! Runs in the formats of other tools: a folder of files with every answer and every figure. One file per format, one line in `FORMATS`.

mod every_eval_ever;
mod figures;
mod files;
mod inspect;
mod lm_eval;

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use self::figures::{Figure, figures};
use self::files::Output;
use crate::analysis::Dataset;
use crate::report::ReportError;
use crate::score::{IMPORTED, Score};
use crate::store::{ModelRecord, SuiteRecord, TrialRecord};

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files, below the folder that was named.
    pub files: usize,
    /// What was skipped, and why: figures without an interval.
    pub skipped: Vec<String>,
}

/// Writes one model's answers to one suite.
type Writer = fn(&Answers<'_>, &mut Output<'_>) -> Result<(), ReportError>;

/// Every format by name.
const FORMATS: &[(&str, Writer)] = &[
    ("every-eval-ever", every_eval_ever::write),
    ("inspect", inspect::write),
    ("lm-eval", lm_eval::write),
];

/// Names of the formats.
pub(super) fn formats() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(name, _)| *name)
}

/// Writes a dataset in a format into a folder; none if there is no such format.
pub(super) fn write(
    data: &Dataset,
    format: &str,
    folder: &Path,
) -> Result<Option<Written>, ReportError> {
    let Some((_, write)) = FORMATS.iter().find(|(name, _)| *name == format) else {
        return Ok(None);
    };
    let mut output = Output::open(folder)?;
    let mut trials: BTreeMap<(String, String), Vec<TrialRecord>> = BTreeMap::new();
    data.each_record::<ReportError>(|mut record| {
        // The largest part of a record, and no format has a place for it.
        if let Some(completion) = &mut record.completion {
            completion.raw = None;
        }
        let key = (record.model.clone(), record.suite.clone());
        trials.entry(key).or_default().push(record);
        Ok(())
    })?;
    let figures = figures(data, &trials)?;
    for model in &data.models {
        for suite in &data.suites {
            let key = (model.identity.name.clone(), suite.name.clone());
            let Some(trials) = trials.get(&key) else {
                continue;
            };
            let own = figures.get(&key).map_or(&[][..], Vec::as_slice);
            for figure in own {
                if let Err(why) = &figure.estimate {
                    output.skip(format!(
                        "{} of {} on {}: {why}",
                        figure.metric, figure.model, figure.suite
                    ));
                }
            }
            let manifests = data.manifests.iter();
            let mut of_suite = manifests.filter(|m| {
                m.models
                    .iter()
                    .any(|m| m.identity.fingerprint == model.identity.fingerprint)
            });
            let manifest = of_suite.next().or(data.manifests.first());
            let answers = Answers {
                model,
                suite,
                trials,
                figures: own,
                created: manifest.map_or(Timestamp::UNIX_EPOCH, |m| m.created),
                imported_from: manifest.and_then(|m| m.imported_from.as_deref()),
            };
            write(&answers, &mut output)?;
        }
    }
    output.finish().map(Some)
}

/// One model's answers to one suite.
struct Answers<'a> {
    model: &'a ModelRecord,
    suite: &'a SuiteRecord,
    trials: &'a [TrialRecord],
    figures: &'a [Figure],
    /// When the run began: the same whenever it is exported.
    created: Timestamp,
    /// The tool that made the recordings, where it was not candor.
    imported_from: Option<&'a str>,
}

impl Answers<'_> {
    /// BLAKE3 of what names this run of this suite by this model: the same whenever it is exported.
    fn id(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let created = self.created.to_string();
        let parts = [
            created.as_str(),
            &self.model.identity.fingerprint,
            &self.model.identity.name,
            &self.suite.name,
            &self.suite.content_hash,
        ];
        for part in parts {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        hasher.finalize()
    }
}

/// A metric's name where there is one name for scorer and metric: imported ones keep their own.
fn full_name(score: &Score) -> String {
    joined_name(&score.scorer, &score.metric)
}

fn joined_name(scorer: &str, metric: &str) -> String {
    match scorer {
        IMPORTED | crate::suite::TASK_SCORER => metric.to_owned(),
        scorer => format!("{scorer}/{metric}"),
    }
}
