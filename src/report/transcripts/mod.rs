//! Every question with all its answers, embedded as an index and compressed chunks that the page opens when they are read.
//!
//! Questions stand in their natural order, and the index holds what the page needs to list and filter them: of each trial its outcome.
//! Control characters of what models, suites and providers wrote are made visible here, once; the page only inserts it as text.

mod order;
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

pub(super) use self::order::natural;
use self::verdict::{Outcome, Outcomes};
use super::excerpt::{last_user_turn, question_excerpt};
use super::{Report, ReportError};
use crate::analysis::Dataset;
use crate::score::{FactReading, readings_of};
use crate::store::{
    Filter, Floats, StoreError, SuiteRecord, Table, Texts, Wholes, column, stratum_column,
};
use crate::text::visible;

/// Samples per chunk.
const SAMPLES_PER_CHUNK: usize = 24;
/// Bytes of trials read in one pass over the tables: fewer passes take less time, more take less memory.
const MAX_BYTES_PER_PASS: u64 = 192 << 20;
/// Characters of a question in the index.
const EXCERPT_CHARACTERS: usize = 160;

const TRIAL_COLUMNS: [&str; 21] = [
    column::SUITE,
    column::SAMPLE,
    column::MODEL,
    column::EPOCH,
    column::TRIAL_KEY,
    column::STATUS,
    column::FINISH,
    column::PROMPT,
    column::TARGET,
    column::PAIR,
    column::ROLE,
    column::ANSWER,
    column::REASONING,
    column::SIGNALS,
    column::ERROR,
    column::PROMPT_TOKENS,
    column::COMPLETION_TOKENS,
    column::SECONDS,
    column::COST_USD,
    column::ORIGIN,
    column::ERROR_CLASS,
];

/// Data blocks of the page.
pub(super) struct Transcripts {
    /// JSON, safe inside a script element.
    pub index: String,
    /// Gzip in base64, each a JSON list of samples.
    pub chunks: Vec<String>,
}

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
    samples: Vec<Entry>,
    left_out: u64,
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

/// A sample with all its answers.
#[derive(Serialize)]
struct Sample<'a> {
    id: Cow<'a, str>,
    suite: Cow<'a, str>,
    prompt: Cow<'a, str>,
    /// The last user turn, where the prompt has more.
    question: Option<Cow<'a, str>>,
    target: Option<Cow<'a, str>>,
    pair: Option<Cow<'a, str>>,
    role: Option<Cow<'a, str>>,
    strata: BTreeMap<String, String>,
    answers: Vec<Answer<'a>>,
}

/// One answer.
#[derive(Serialize)]
struct Answer<'a> {
    key: Cow<'a, str>,
    model: Cow<'a, str>,
    epoch: Option<i64>,
    status: &'a str,
    finish: Option<Cow<'a, str>>,
    #[serde(rename = "answer")]
    text: Option<Cow<'a, str>>,
    reasoning: Option<Cow<'a, str>>,
    signals: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    prompt_tokens: Option<i64>,
    completion_tokens: Option<i64>,
    seconds: Option<f64>,
    cost: Option<f64>,
    scores: Vec<Score<'a>>,
}

/// One score of an answer.
#[derive(Serialize)]
struct Score<'a> {
    scorer: Option<Cow<'a, str>>,
    metric: Option<Cow<'a, str>>,
    value: Option<f64>,
    label: Option<Cow<'a, str>>,
    why: Option<Cow<'a, str>>,
    by: Option<Cow<'a, str>>,
    sure: Option<f64>,
}

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

/// Reads trials sample by sample; at most as many trials as the report's options say are embedded.
pub(super) fn transcripts(report: &Report) -> Result<Transcripts, ReportError> {
    let (data, most) = (&report.data, report.most_transcripts);
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
    let mut embedded = Embedded::of(report)?;
    let pass = embedded.trials_per_pass(trials.height())?;
    let (mut room, mut waiting) = (most, 0);
    let mut batch: BTreeSet<Place<'_>> = BTreeSet::new();
    for (place, n) in counts {
        if n > room {
            embedded.index.left_out += n as u64;
            continue;
        }
        room -= n;
        waiting += n;
        batch.insert(place);
        if waiting >= pass {
            embedded.read(&batch)?;
            batch.clear();
            waiting = 0;
        }
    }
    if !batch.is_empty() {
        embedded.read(&batch)?;
    }
    embedded.index.outcomes = embedded.outcomes.list;
    let text = serde_json::to_string(&embedded.index).map_err(|e| render_error("index", &e))?;
    Ok(Transcripts {
        index: text.replace('<', "\\u003c"),
        chunks: embedded.chunks,
    })
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
    outcomes: Outcomes,
    chunks: Vec<String>,
    columns: Vec<String>,
}

impl<'a> Embedded<'a> {
    fn of(report: &'a Report) -> Result<Self, ReportError> {
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
                samples: Vec::new(),
                left_out: 0,
            },
            outcomes: Outcomes::default(),
            chunks: Vec::new(),
            columns: columns.chain(strata).collect(),
        })
    }

    /// Number of trials per pass.
    fn trials_per_pass(&self, trials: usize) -> Result<usize, ReportError> {
        let each = self.data.trial_bytes(&self.columns)? / (trials.max(1) as u64);
        Ok(usize::try_from(MAX_BYTES_PER_PASS / each.max(1)).unwrap_or(usize::MAX))
    }

    /// Adds the samples of a batch, in its order.
    fn read(&mut self, batch: &BTreeSet<Place<'_>>) -> Result<(), ReportError> {
        let suites = &self.data.suites;
        let of_suites: BTreeSet<usize> = batch.iter().map(|p| p.suite).collect();
        let wanted = Filter::all()
            .among(
                column::SUITE,
                of_suites.iter().map(|s| suites[*s].name.as_str()),
            )
            .among(column::SAMPLE, batch.iter().map(|p| p.sample));
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
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
        let chunks: Vec<Vec<(Place<'_>, Vec<usize>)>> = chunks(by_place);
        let first = self.chunks.len();
        let made: Vec<Made> = chunks
            .into_par_iter()
            .enumerate()
            .map(|(number, chunk)| reading.chunk(first + number, chunk))
            .collect::<Result<_, _>>()?;
        for (entries, chunk) in made {
            for (mut entry, outcomes) in entries {
                entry.v = outcomes.into_iter().map(|o| self.numbers(o)).collect();
                self.index.samples.push(entry);
            }
            self.chunks.push(chunk);
        }
        Ok(())
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

/// Samples by chunk: each holds a few of one suite.
fn chunks<T>(by_place: BTreeMap<Place<'_>, T>) -> Vec<Vec<(Place<'_>, T)>> {
    let mut chunks: Vec<Vec<(Place<'_>, T)>> = Vec::new();
    for (place, rows) in by_place {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < SAMPLES_PER_CHUNK && chunk[0].0.suite == place.suite => {
                chunk.push((place, rows));
            }
            _ => chunks.push(vec![(place, rows)]),
        }
    }
    chunks
}

const SCORE_COLUMNS: [&str; 8] = [
    column::TRIAL_KEY,
    column::SCORER,
    column::METRIC,
    column::LABEL,
    column::EXPLANATION,
    column::LABELLED_BY,
    column::VALUE,
    column::CONFIDENCE,
];

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
        for (place, mut rows) in samples {
            rows.sort_by_key(|at| {
                let row = &self.trials;
                (
                    row.text(column::MODEL, *at),
                    row.integer(column::EPOCH, *at),
                )
            });
            let sample = self.sample(place, &rows);
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

    fn sample(&self, place: Place<'a>, rows: &[usize]) -> Sample<'a> {
        let first = rows[0];
        let shown = |column: &str| self.trials.visible_text(column, first);
        let strata = self.strata.iter().filter_map(|(name, column)| {
            let value = self.trials.text(column, first)?;
            Some((visible(name).into_owned(), visible(value).into_owned()))
        });
        Sample {
            id: visible(place.sample),
            suite: visible(&self.suites[place.suite].name),
            question: self.trials.text(column::PROMPT, first).and_then(|prompt| {
                let question = last_user_turn(prompt);
                (question != prompt).then(|| visible(question))
            }),
            prompt: shown(column::PROMPT).unwrap_or_default(),
            target: shown(column::TARGET),
            pair: shown(column::PAIR),
            role: shown(column::ROLE),
            strata: strata.collect(),
            answers: rows.iter().map(|at| self.answer(*at)).collect(),
        }
    }

    fn answer(&self, at: usize) -> Answer<'a> {
        let row = &self.trials;
        let shown = |column: &str| row.visible_text(column, at);
        Answer {
            key: shown(column::TRIAL_KEY).unwrap_or_default(),
            model: shown(column::MODEL).unwrap_or_default(),
            epoch: row.integer(column::EPOCH, at),
            status: row.text(column::STATUS, at).unwrap_or_default(),
            finish: shown(column::FINISH),
            text: shown(column::ANSWER),
            reasoning: shown(column::REASONING),
            signals: shown(column::SIGNALS),
            error: shown(column::ERROR),
            prompt_tokens: row.integer(column::PROMPT_TOKENS, at),
            completion_tokens: row.integer(column::COMPLETION_TOKENS, at),
            seconds: row.float(column::SECONDS, at),
            cost: row.float(column::COST_USD, at),
            scores: self.scores_of(at).iter().map(|s| self.score(*s)).collect(),
        }
    }

    fn scores_of(&self, at: usize) -> &[usize] {
        let key = self.trials.text(column::TRIAL_KEY, at);
        let own = key.and_then(|key| self.of_trial.get(key));
        own.map_or(&[], Vec::as_slice)
    }

    fn score(&self, at: usize) -> Score<'a> {
        let shown = |column: &str| self.scores.visible_text(column, at);
        Score {
            scorer: shown(column::SCORER),
            metric: shown(column::METRIC),
            value: self.scores.float(column::VALUE, at),
            label: shown(column::LABEL),
            why: shown(column::EXPLANATION).map(in_words),
            by: shown(column::LABELLED_BY),
            sure: self.scores.float(column::CONFIDENCE, at),
        }
    }
}

/// A score's explanation for people: readings of facts, one per line.
fn in_words(why: Cow<'_, str>) -> Cow<'_, str> {
    let Some(facts) = readings_of(&why) else {
        return why;
    };
    let line = |read: &FactReading| {
        let how = read.reading.map_or("undecided", |r| r.name());
        let seen = read.seen_in.as_ref().map(|words| format!(" (“{words}”)"));
        format!("{how}: {}{}", read.fact, seen.unwrap_or_default())
    };
    Cow::Owned(facts.iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// The columns of a table, each looked up once.
struct Row<'a> {
    texts: HashMap<&'a str, Texts<'a>>,
    wholes: HashMap<&'a str, Wholes<'a>>,
    floats: HashMap<&'a str, Floats<'a>>,
}

impl<'a> Row<'a> {
    fn of(table: &'a Table, columns: &[&'a str]) -> Result<Self, StoreError> {
        let mut row = Self {
            texts: HashMap::new(),
            wholes: HashMap::new(),
            floats: HashMap::new(),
        };
        for name in columns.iter().copied() {
            match name {
                column::EPOCH | column::PROMPT_TOKENS | column::COMPLETION_TOKENS => {
                    row.wholes.insert(name, table.wholes(name)?);
                }
                column::SECONDS | column::COST_USD | column::VALUE | column::CONFIDENCE => {
                    row.floats.insert(name, table.floats(name)?);
                }
                _ => {
                    row.texts.insert(name, table.texts(name)?);
                }
            }
        }
        Ok(row)
    }

    fn text(&self, column: &str, at: usize) -> Option<&'a str> {
        self.texts.get(column)?.get(at)
    }

    fn visible_text(&self, column: &str, at: usize) -> Option<Cow<'a, str>> {
        self.text(column, at).map(visible)
    }

    fn integer(&self, column: &str, at: usize) -> Option<i64> {
        self.wholes.get(column)?.get(at)
    }

    fn float(&self, column: &str, at: usize) -> Option<f64> {
        self.floats.get(column)?.get(at)
    }
}

fn compress(samples: &[Sample<'_>]) -> Result<String, ReportError> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let bytes = serde_json::to_vec(samples).map_err(|e| render_error("transcripts", &e))?;
    let packed = encoder.write_all(&bytes).and_then(|()| encoder.finish());
    Ok(STANDARD.encode(packed.map_err(|e| render_error("transcripts", &e))?))
}

fn render_error(part: &str, reason: &dyn std::fmt::Display) -> ReportError {
    ReportError::Render {
        part: part.into(),
        reason: reason.to_string(),
    }
}
