//! Every question with all its answers, embedded as an index and compressed chunks that the page opens when they are read.
//!
//! Questions are in their natural order, and the index holds what the page needs to list and filter them: of each trial its outcome.
//! Control characters of what models, suites and providers wrote are made visible here, once; the page only inserts it as text.

mod order;
mod row;
mod sample;
mod verdict;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::excerpt::question_excerpt;
use super::{Report, ReportError};
use crate::analysis::Dataset;
use crate::store::{Filter, StoreError, SuiteRecord, Table, column, stratum_column};
use crate::text::visible;

pub(super) use self::order::natural;
pub(super) use self::row::{Row, SCORE_COLUMNS, TRIAL_COLUMNS};
pub(super) use self::sample::{Answer, Sample, Score};
pub(super) use self::verdict::{Outcome, Outcomes, Verdict};

/// Bytes of trials read in one pass over the tables: fewer passes take less time, more take less memory.
const MAX_BYTES_PER_PASS: u64 = 64 << 20;
/// Chunks made side by side before they are handed on.
const CHUNKS_AT_ONCE: usize = 32;
/// Characters of a question in the index.
pub(super) const EXCERPT_CHARACTERS: usize = 160;

/// How the samples are put into chunks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks {
    /// Most samples of a chunk.
    samples: usize,
    /// Most trials of a chunk, as long as it has several samples.
    trials: usize,
}

impl Chunks {
    /// Those in the page: small, as each question opened unpacks one.
    pub(super) const IN_PAGE: Self = Self {
        samples: 24,
        trials: usize::MAX,
    };
    /// Those in files beside it: not too many files.
    pub(super) const BESIDE: Self = Self {
        samples: 512,
        trials: 1024,
    };
}

/// Takes a chunk: gzip in base64 of a JSON list of samples.
pub(super) type TakeChunk<'a> = &'a mut dyn FnMut(String) -> Result<(), ReportError>;

/// What the page lists, and filters by.
#[derive(Serialize)]
struct Index<'a> {
    /// What names each run's answers, for citations.
    runs: &'a [String],
    suites: Vec<Cow<'a, str>>,
    models: Vec<Cow<'a, str>>,
    /// The baseline's number among the models.
    baseline: Option<usize>,
    outcomes: Vec<Outcome>,
}

/// A sample in the index.
#[derive(Serialize)]
struct Entry {
    /// Its chunk.
    c: usize,
    /// Its suite.
    s: usize,
    /// Its id.
    i: String,
    /// The question.
    q: String,
    /// Its strata; none without any.
    t: Option<BTreeMap<String, String>>,
    /// The pair it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<String>,
    /// Its side of the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<String>,
    /// Per model: the number of its outcome, or of each epoch's, or nothing.
    v: Vec<Value>,
}

/// What became of a sample's trials: per model, of each epoch.
type OfModels = Vec<Vec<Outcome>>;

/// A chunk: its samples in the index, and their answers, compressed.
type Made = (Vec<(Entry, OfModels)>, String);

/// A sample of one suite, by its number; in natural order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place<'a> {
    suite: usize,
    sample: &'a str,
}

impl Ord for Place<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let suites = self.suite.cmp(&other.suite);
        suites.then_with(|| natural(self.sample, other.sample))
    }
}

impl PartialOrd for Place<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Reads trials sample by sample, and gives each chunk as it is made; what lists them, as JSON that is safe inside a script element, comes last.
pub(super) fn transcripts(
    report: &Report,
    chunks: Chunks,
    take: TakeChunk<'_>,
) -> Result<String, ReportError> {
    let data = &report.data;
    let trials = data.trials(&[column::SUITE, column::SAMPLE], &Filter::all())?;
    let (suites, samples) = (trials.texts(column::SUITE)?, trials.texts(column::SAMPLE)?);
    let numbers = numbers(&data.suites);
    let mut counts: BTreeMap<Place<'_>, usize> = BTreeMap::new();
    for row in 0..trials.height() {
        let number = suites.get(row).and_then(|suite| numbers.get(suite));
        if let (Some(suite), Some(sample)) = (number, samples.get(row)) {
            let place = Place {
                suite: *suite,
                sample,
            };
            *counts.entry(place).or_default() += 1;
        }
    }
    let mut embedded = Embedded::of(report, chunks)?;
    let pass = embedded.trials_per_pass(trials.height())?;
    let mut waiting = 0;
    let mut batch: BTreeSet<Place<'_>> = BTreeSet::new();
    for (place, n) in counts {
        waiting += n;
        batch.insert(place);
        if waiting >= pass {
            embedded.read(&batch, take)?;
            batch.clear();
            waiting = 0;
        }
    }
    if !batch.is_empty() {
        embedded.read(&batch, take)?;
    }
    embedded.finish()
}

/// What `make` makes of a question with all its answers; none where there is no such question.
pub(super) fn chosen<T>(
    data: &Dataset,
    suite: &str,
    sample: &str,
    make: &dyn Fn(&Sample<'_>) -> Option<T>,
) -> Result<Option<T>, ReportError> {
    let strata: Vec<String> = data.strata.iter().map(|s| stratum_column(s)).collect();
    let own = strata.iter().map(String::as_str);
    let columns: Vec<&str> = TRIAL_COLUMNS.into_iter().chain(own).collect();
    let wanted = Filter::all()
        .is(column::SUITE, suite)
        .is(column::SAMPLE, sample);
    let trials = data.trials(&columns, &wanted)?;
    if trials.height() == 0 {
        return Ok(None);
    }
    let scores = data.scores(&SCORE_COLUMNS, &wanted)?;
    let reading = Reading::of(data, &trials, &scores, &columns)?;
    let rows: Vec<usize> = (0..trials.height()).collect();
    Ok(make(&reading.sample(&reading.sorted(rows))))
}

fn numbers(suites: &[SuiteRecord]) -> HashMap<&str, usize> {
    let names = suites.iter().map(|suite| suite.name.as_str());
    names
        .enumerate()
        .map(|(number, name)| (name, number))
        .collect()
}

/// Index and chunks while they grow.
struct Embedded<'a> {
    data: &'a Dataset,
    index: Index<'a>,
    /// The index's samples as JSON, one behind the other: as text they take a fraction of the memory.
    entries: String,
    outcomes: Outcomes,
    chunks: Chunks,
    /// Chunks so far.
    made: usize,
    columns: Vec<String>,
}

impl<'a> Embedded<'a> {
    fn of(report: &'a Report, chunks: Chunks) -> Result<Self, ReportError> {
        let (data, baseline) = (&report.data, report.baseline());
        let strata = data.strata.iter().map(|s| stratum_column(s));
        let columns = TRIAL_COLUMNS.iter().map(|c| (*c).to_owned());
        Ok(Self {
            data,
            index: Index {
                runs: report.run_hashes()?,
                suites: data.suites.iter().map(|s| visible(&s.name)).collect(),
                models: data.names().map(visible).collect(),
                baseline: data.names().position(|m| Some(m) == baseline),
                outcomes: Vec::new(),
            },
            entries: String::new(),
            outcomes: Outcomes::default(),
            chunks,
            made: 0,
            columns: columns.chain(strata).collect(),
        })
    }

    /// Number of trials per pass.
    fn trials_per_pass(&self, trials: usize) -> Result<usize, ReportError> {
        let each = self.data.trial_bytes(&self.columns)? / (trials.max(1) as u64);
        Ok(usize::try_from(MAX_BYTES_PER_PASS / each.max(1)).unwrap_or(usize::MAX))
    }

    /// Adds the samples of a batch, in its order.
    fn read(
        &mut self,
        batch: &BTreeSet<Place<'_>>,
        take: TakeChunk<'_>,
    ) -> Result<(), ReportError> {
        let suites = &self.data.suites;
        let of_suites: BTreeSet<usize> = batch.iter().map(|p| p.suite).collect();
        let wanted = Filter::all()
            .among(
                column::SUITE,
                of_suites.iter().map(|s| suites[*s].name.as_str()),
            )
            .among(column::SAMPLE, batch.iter().map(|p| p.sample));
        let columns = self.columns.clone();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let trials = self.data.trials(&columns, &wanted)?;
        let scores = self.data.scores(&SCORE_COLUMNS, &wanted)?;
        let reading = Reading::of(self.data, &trials, &scores, &columns)?;
        let numbers = numbers(suites);
        let mut by_place: BTreeMap<Place<'_>, Vec<usize>> = BTreeMap::new();
        for at in 0..trials.height() {
            let row = &reading.trials;
            let suite = row.text(column::SUITE, at).and_then(|s| numbers.get(s));
            let (Some(suite), Some(sample)) = (suite, row.text(column::SAMPLE, at)) else {
                continue;
            };
            let place = Place {
                suite: *suite,
                sample,
            };
            if batch.contains(&place) {
                by_place.entry(place).or_default().push(at);
            }
        }
        let mut chunks: Vec<Vec<(Place<'_>, Vec<usize>)>> = self.chunks.of(by_place);
        while !chunks.is_empty() {
            let later = chunks.split_off(chunks.len().min(CHUNKS_AT_ONCE));
            let first = self.made;
            let made: Vec<Made> = chunks
                .into_par_iter()
                .enumerate()
                .map(|(number, chunk)| reading.chunk(first + number, chunk))
                .collect::<Result<_, _>>()?;
            for (entries, chunk) in made {
                for (mut entry, outcomes) in entries {
                    entry.v = outcomes.into_iter().map(|o| self.numbers(o)).collect();
                    self.add(&entry)?;
                }
                self.made += 1;
                take(chunk)?;
            }
            chunks = later;
        }
        Ok(())
    }

    /// Adds a sample to the index.
    fn add(&mut self, entry: &Entry) -> Result<(), ReportError> {
        if !self.entries.is_empty() {
            self.entries.push(',');
        }
        self.entries.push_str(&in_script(entry)?);
        Ok(())
    }

    /// The index as JSON that is safe inside a script element.
    fn finish(mut self) -> Result<String, ReportError> {
        self.index.outcomes = self.outcomes.list;
        let mut text = in_script(&self.index)?;
        // The brace that closes it: the samples come last.
        text.pop();
        text.push_str(",\"samples\":[");
        text.push_str(&self.entries);
        text.push_str("]}");
        Ok(text)
    }

    /// Outcomes of one model's epochs as numbers.
    fn numbers(&mut self, epochs: Vec<Outcome>) -> Value {
        let mut numbers: Vec<Value> = epochs
            .into_iter()
            .map(|outcome| self.outcomes.number(outcome).into())
            .collect();
        match numbers.len() {
            0 => Value::Null,
            1 => numbers.remove(0),
            _ => Value::Array(numbers),
        }
    }
}

impl Chunks {
    /// Samples by chunk: each holds a few of one suite.
    fn of(self, by_place: BTreeMap<Place<'_>, Vec<usize>>) -> Vec<Vec<(Place<'_>, Vec<usize>)>> {
        let mut chunks: Vec<Vec<(Place<'_>, Vec<usize>)>> = Vec::new();
        let mut trials = 0;
        for (place, rows) in by_place {
            let more = trials + rows.len();
            match chunks.last_mut() {
                Some(chunk)
                    if chunk.len() < self.samples
                        && more <= self.trials
                        && chunk[0].0.suite == place.suite =>
                {
                    trials = more;
                    chunk.push((place, rows));
                }
                _ => {
                    trials = rows.len();
                    chunks.push(vec![(place, rows)]);
                }
            }
        }
        chunks
    }
}

/// The tables of one pass.
struct Reading<'a> {
    suites: &'a [SuiteRecord],
    strata: Vec<(&'a str, &'a str)>,
    models: HashMap<&'a str, usize>,
    trials: Row<'a>,
    scores: Row<'a>,
    of_trial: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Reading<'a> {
    fn of(
        data: &'a Dataset,
        trials: &'a Table,
        scores: &'a Table,
        columns: &[&'a str],
    ) -> Result<Self, StoreError> {
        let strata = data.strata.iter().map(String::as_str);
        let mut of_trial: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, key) in scores.texts(column::TRIAL_KEY)?.iter().enumerate() {
            of_trial
                .entry(key.unwrap_or_default())
                .or_default()
                .push(at);
        }
        Ok(Self {
            suites: &data.suites,
            strata: strata
                .zip(columns[TRIAL_COLUMNS.len()..].iter().copied())
                .collect(),
            models: data.names().enumerate().map(|(i, m)| (m, i)).collect(),
            trials: Row::of(trials, columns)?,
            scores: Row::of(scores, &SCORE_COLUMNS)?,
            of_trial,
        })
    }

    /// A chunk's entries in the index, and its samples.
    fn chunk(
        &self,
        number: usize,
        samples: Vec<(Place<'a>, Vec<usize>)>,
    ) -> Result<Made, ReportError> {
        let mut entries = Vec::new();
        let mut all = Vec::new();
        for (place, rows) in samples {
            let rows = self.sorted(rows);
            let sample = self.sample(&rows);
            let prompt = self
                .trials
                .text(column::PROMPT, rows[0])
                .unwrap_or_default();
            let entry = Entry {
                c: number,
                s: place.suite,
                i: sample.id.clone().into_owned(),
                q: visible(&question_excerpt(prompt, EXCERPT_CHARACTERS)).into_owned(),
                t: (!sample.strata.is_empty()).then(|| sample.strata.clone()),
                p: sample.pair.clone().map(Cow::into_owned),
                r: sample.role.clone().map(Cow::into_owned),
                v: Vec::new(),
            };
            entries.push((entry, self.outcomes(place.suite, &rows)));
            all.push(sample);
        }
        Ok((entries, compress(&all)?))
    }

    /// Rows in the order of the models, and of their epochs.
    fn sorted(&self, mut rows: Vec<usize>) -> Vec<usize> {
        let row = &self.trials;
        rows.sort_by_key(|at| {
            let model = row.text(column::MODEL, *at);
            let number = model.and_then(|m| self.models.get(m));
            (number.copied(), row.integer(column::EPOCH, *at))
        });
        rows
    }

    /// Per model, what became of each of its epochs under the suite's primary metric.
    fn outcomes(&self, suite: usize, rows: &[usize]) -> OfModels {
        let suite = &self.suites[suite];
        let (scorer, metric) = &suite.headline;
        let mut outcomes = vec![Vec::new(); self.models.len()];
        for &at in rows {
            let model = self.trials.text(column::MODEL, at);
            let Some(model) = model.and_then(|m| self.models.get(m)) else {
                continue;
            };
            let headline = self.scores_of(at).iter().copied().find(|score| {
                self.scores.text(column::SCORER, *score) == Some(scorer)
                    && self.scores.text(column::METRIC, *score) == Some(metric)
            });
            let value = headline.and_then(|score| self.scores.float(column::VALUE, score));
            let label = headline.and_then(|score| self.scores.visible_text(column::LABEL, score));
            let error = || self.trials.visible_text(column::ERROR_CLASS, at);
            outcomes[*model].push(Outcome::of(
                suite,
                self.trials.text(column::STATUS, at).unwrap_or_default(),
                self.trials.text(column::ORIGIN, at),
                value,
                label.or_else(error).map(Cow::into_owned),
            ));
        }
        outcomes
    }

    fn sample(&self, rows: &[usize]) -> Sample<'a> {
        let mut sample = Sample::at(&self.trials, rows[0], &self.strata);
        sample.answers = rows.iter().map(|at| self.answer(*at)).collect();
        sample
    }

    fn answer(&self, at: usize) -> Answer<'a> {
        let mut answer = Answer::at(&self.trials, at);
        let scores = self.scores_of(at).iter();
        answer.scores = scores.map(|s| Score::at(&self.scores, *s)).collect();
        answer
    }

    fn scores_of(&self, at: usize) -> &[usize] {
        let key = self.trials.text(column::TRIAL_KEY, at);
        let own = key.and_then(|key| self.of_trial.get(key));
        own.map_or(&[], Vec::as_slice)
    }
}

/// JSON in which no element ends or begins.
fn in_script(value: &impl Serialize) -> Result<String, ReportError> {
    let text = serde_json::to_string(value).map_err(|e| render_error("index", &e))?;
    Ok(text.replace('<', "\\u003c"))
}

fn compress(samples: &[Sample<'_>]) -> Result<String, ReportError> {
    let bytes = serde_json::to_vec(samples).map_err(|e| render_error("transcripts", &e))?;
    pack(&bytes)
}

/// Gzip in base64.
pub(super) fn pack(bytes: &[u8]) -> Result<String, ReportError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(bytes).and_then(|()| encoder.finish());
    Ok(STANDARD.encode(packed.map_err(|e| render_error("transcripts", &e))?))
}

fn render_error(part: &str, reason: &dyn std::fmt::Display) -> ReportError {
    ReportError::Render {
        part: part.into(),
        reason: reason.to_string(),
    }
}
