//! A catalogue with the texts it names: trials are put on it as they come, from tables or from a journal that is being written.

use std::collections::HashSet;
use std::io;

use rayon::prelude::*;
use serde_json::Value;

use super::catalogue::{Asked, Catalogue, Coming, Key};
use super::haystack::{Haystack, Owner};
use super::text_file::{Segment, TextFile};
use crate::report::ReportError;
use crate::report::excerpt::question_excerpt;
use crate::report::transcripts::{
    Answer, EXCERPT_CHARACTERS, Outcome, Row, SCORE_COLUMNS, Sample, Score, TRIAL_COLUMNS,
};
use crate::store::{SuiteRecord, Table, TrialKey, TrialRecord, column};
use crate::text::visible;

/// Compression of texts: fast rather than small.
const LEVEL: i32 = 1;

/// A catalogue and its texts.
#[derive(Debug)]
pub(super) struct Shelf {
    pub catalogue: Catalogue,
    pub haystack: Haystack,
    texts: TextFile,
}

/// Trials on their way to the shelf: packed while others look at it.
pub(super) struct Arrivals(Vec<Arrival>);

/// Scores on their way to the shelf: the trial, all its scores, and its suite's primary one if it is among them.
pub(super) struct ScoreArrivals(Vec<(u32, Vec<u8>, Primary)>);

/// Value and label of a suite's primary score; none where it is not among some scores.
type Primary = Option<(Option<f64>, Option<String>)>;

struct Arrival {
    key: Key,
    suite: u16,
    sample: String,
    model: String,
    epoch: u32,
    outcome: Outcome,
    /// The answer, packed.
    packed: Vec<u8>,
    /// What a search looks at.
    lower: String,
    cost: f64,
    /// Its question, where that is new.
    question: Option<NewQuestion>,
    /// Its scores, packed, where they come with it.
    scores: Option<Vec<u8>>,
}

struct NewQuestion {
    excerpt: String,
    pair: Option<String>,
    role: Option<String>,
    strata: Vec<(String, String)>,
    packed: Vec<u8>,
    lower: String,
}

impl NewQuestion {
    fn of(sample: &Sample<'_>, prompt: &str) -> Self {
        Self {
            excerpt: visible(&question_excerpt(prompt, EXCERPT_CHARACTERS)).into_owned(),
            pair: sample.pair.as_deref().map(str::to_owned),
            role: sample.role.as_deref().map(str::to_owned),
            strata: sample.strata.clone().into_iter().collect(),
            lower: format!("{}\n{}", sample.id, sample.prompt).to_lowercase(),
            packed: pack(sample),
        }
    }
}

fn pack(value: &impl serde::Serialize) -> Vec<u8> {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    zstd::bulk::compress(&bytes, LEVEL).unwrap_or_default()
}

/// US dollars of a trial: what the journal says it took, else what its answer cost.
fn dollars(record: &TrialRecord) -> f64 {
    let cost = record.completion.as_ref().and_then(|c| c.cost);
    record.spent.or(cost).map_or(0.0, |usd| usd.0)
}

impl Shelf {
    pub(super) fn new(catalogue: Catalogue) -> io::Result<Self> {
        Ok(Self {
            catalogue,
            haystack: Haystack::new()?,
            texts: TextFile::new()?,
        })
    }

    /// What is in a segment.
    pub(super) fn read(&self, segment: Segment) -> io::Result<Value> {
        let packed = self.texts.read(segment.start, segment.bytes as usize)?;
        let bytes = zstd::stream::decode_all(packed.as_slice())?;
        serde_json::from_slice(&bytes).map_err(io::Error::from)
    }

    /// A question with all its answers and their scores, as the page reads it.
    pub(super) fn sample(&self, question: u32) -> io::Result<Value> {
        let question = &self.catalogue.questions[question as usize];
        let mut sample = self.read(question.text)?;
        let answers = question.trials.iter().map(|trial| {
            let trial = &self.catalogue.trials[*trial as usize];
            let mut answer = self.read(trial.text)?;
            let mut scores = Vec::new();
            for segment in &trial.scores {
                if let Value::Array(more) = self.read(*segment)? {
                    scores.extend(more);
                }
            }
            answer["scores"] = Value::Array(scores);
            Ok(answer)
        });
        let answers: io::Result<Vec<Value>> = answers.collect();
        sample["answers"] = Value::Array(answers?);
        Ok(sample)
    }

    fn suite(&self, name: &str) -> Option<(u16, &SuiteRecord)> {
        let at = self.catalogue.suites.iter().position(|s| s.name == name)?;
        Some((u16::try_from(at).ok()?, &self.catalogue.suites[at]))
    }

    /// Writes texts; gives where each lies.
    fn write(&mut self, texts: &[&[u8]]) -> io::Result<Vec<Segment>> {
        let mut start = self.texts.append(&texts.concat())?;
        let mut segments = Vec::with_capacity(texts.len());
        for text in texts {
            let bytes = u32::try_from(text.len()).map_err(io::Error::other)?;
            segments.push(Segment { start, bytes });
            start += u64::from(bytes);
        }
        Ok(segments)
    }

    /// Puts trials on the shelf.
    ///
    /// # Errors
    /// [`ReportError`] if the texts cannot be written.
    pub(super) fn take(&mut self, arrivals: &Arrivals) -> Result<(), ReportError> {
        self.put(&arrivals.0).map_err(|e| unwritten(&e))
    }

    /// Puts scores on the shelf.
    ///
    /// # Errors
    /// As for [`Shelf::take`].
    pub(super) fn take_scores(&mut self, scored: ScoreArrivals) -> Result<(), ReportError> {
        let texts = scored.0.iter().map(|(_, packed, _)| packed.as_slice());
        let segments = self.write(&texts.collect::<Vec<_>>());
        let segments = segments.map_err(|e| unwritten(&e))?;
        for ((trial, _, primary), segment) in scored.0.into_iter().zip(segments) {
            self.catalogue.score(trial, segment, primary);
        }
        Ok(())
    }

    fn put(&mut self, arrivals: &[Arrival]) -> io::Result<()> {
        let mut texts: Vec<&[u8]> = Vec::with_capacity(arrivals.len() * 3);
        for arrival in arrivals {
            texts.push(&arrival.packed);
            texts.extend(arrival.question.as_ref().map(|q| q.packed.as_slice()));
            texts.extend(arrival.scores.as_deref());
        }
        let mut segments = self.write(&texts)?.into_iter();
        let mut next = || {
            segments
                .next()
                .ok_or_else(|| io::Error::other("a text is missing"))
        };
        let mut searched: Vec<(Owner, &str)> = Vec::new();
        for arrival in arrivals {
            let text = next()?;
            if let Some(question) = &arrival.question {
                let strata = question.strata.iter();
                let asked = Asked {
                    excerpt: &question.excerpt,
                    pair: question.pair.as_deref(),
                    role: question.role.as_deref(),
                    strata: strata.map(|(n, v)| (n.as_str(), v.as_str())).collect(),
                    text: next()?,
                };
                let number = self.catalogue.ask(arrival.suite, &arrival.sample, asked);
                searched.push((Owner::Question(number), &question.lower));
            }
            let scores = arrival.scores.as_ref().map(|_| next()).transpose()?;
            let trial = self.catalogue.add(&Coming {
                key: arrival.key,
                suite: arrival.suite,
                sample: &arrival.sample,
                model: &arrival.model,
                epoch: arrival.epoch,
                outcome: arrival.outcome.clone(),
                text,
                cost: arrival.cost,
            });
            if let Some(trial) = trial {
                searched.push((Owner::Trial(trial), &arrival.lower));
                if let Some(scores) = scores {
                    self.catalogue.score(trial, scores, None);
                }
            }
        }
        self.haystack.extend(&searched)?;
        self.catalogue.sort();
        Ok(())
    }

    /// For each of some trials, by suite and sample, whether its question is new with it.
    fn are_new<'a>(&self, places: impl Iterator<Item = Option<(u16, &'a str)>>) -> Vec<bool> {
        let mut met: HashSet<(u16, &str)> = HashSet::new();
        let mut is_new = |(suite, id): (u16, &'a str)| {
            self.catalogue.place(suite, &visible(id)).is_none() && met.insert((suite, id))
        };
        places.map(|place| place.is_some_and(&mut is_new)).collect()
    }

    /// A part of the table of trials; their scores come later.
    ///
    /// # Errors
    /// [`ReportError`] if a column is not there.
    pub(super) fn trials_of(
        &self,
        part: &Table,
        columns: &[&str],
        strata: &[(&str, &str)],
        run: u16,
    ) -> Result<Arrivals, ReportError> {
        let row = Row::of(part, columns)?;
        let place = |at: usize| {
            let (suite, _) = self.suite(row.text(column::SUITE, at)?)?;
            Some((suite, row.text(column::SAMPLE, at)?))
        };
        let new = self.are_new((0..part.height()).map(place));
        let arrival = |at: usize| -> Option<Arrival> {
            let (suite, record) = self.suite(row.text(column::SUITE, at)?)?;
            let key = row.text(column::TRIAL_KEY, at)?.parse::<TrialKey>().ok()?;
            let class = row.visible_text(column::ERROR_CLASS, at);
            let answer = Answer::at(&row, at);
            Some(Arrival {
                key: Key {
                    run,
                    trial: *key.as_bytes(),
                },
                suite,
                sample: visible(row.text(column::SAMPLE, at)?).into_owned(),
                model: answer.model.clone().into_owned(),
                epoch: row
                    .integer(column::EPOCH, at)
                    .and_then(|e| u32::try_from(e).ok())
                    .unwrap_or(0),
                outcome: Outcome::of(
                    record,
                    row.text(column::STATUS, at).unwrap_or_default(),
                    row.text(column::ORIGIN, at),
                    None,
                    class.map(std::borrow::Cow::into_owned),
                ),
                packed: pack(&answer),
                lower: answer.text.as_deref().unwrap_or_default().to_lowercase(),
                cost: row.float(column::COST_USD, at).unwrap_or(0.0),
                question: new[at].then(|| {
                    let prompt = row.text(column::PROMPT, at).unwrap_or_default();
                    NewQuestion::of(&Sample::at(&row, at, strata), prompt)
                }),
                scores: None,
            })
        };
        let rows = (0..part.height()).into_par_iter().filter_map(arrival);
        // Of a trial that several runs have, the first counts.
        let new = rows.filter(|a| self.catalogue.trial(&a.key).is_none());
        Ok(Arrivals(new.collect()))
    }

    /// A part of the table of scores.
    ///
    /// # Errors
    /// As for [`Shelf::trials_of`].
    pub(super) fn scores_of(&self, part: &Table, run: u16) -> Result<ScoreArrivals, ReportError> {
        let row = Row::of(part, &SCORE_COLUMNS)?;
        let key = |at: usize| row.text(column::TRIAL_KEY, at);
        let rows: Vec<usize> = (0..part.height()).collect();
        let groups: Vec<&[usize]> = rows.chunk_by(|a, b| key(*a) == key(*b)).collect();
        let scores = |group: &&[usize]| -> Option<(u32, Vec<u8>, Primary)> {
            let trial = *key(group[0])?.parse::<TrialKey>().ok()?.as_bytes();
            let number = self.catalogue.trial(&Key { run, trial })?;
            let own = &self.catalogue.trials[number as usize];
            let suite = self.catalogue.questions[own.question as usize].suite;
            let (scorer, metric) = &self.catalogue.suites[suite as usize].headline;
            let primary = group.iter().find(|at| {
                row.text(column::SCORER, **at) == Some(scorer)
                    && row.text(column::METRIC, **at) == Some(metric)
            });
            let primary = primary.map(|at| {
                let label = row.visible_text(column::LABEL, *at);
                let label = label.map(std::borrow::Cow::into_owned);
                (row.float(column::VALUE, *at), label)
            });
            let all: Vec<Score<'_>> = group.iter().map(|at| Score::at(&row, *at)).collect();
            Some((number, pack(&all), primary))
        };
        Ok(ScoreArrivals(
            groups.par_iter().filter_map(scores).collect(),
        ))
    }

    /// Trials of a journal, with their scores. `model` gives what a run's model is called here.
    pub(super) fn records_of<'a>(
        &self,
        records: &'a [TrialRecord],
        model: impl Fn(&'a str) -> &'a str + Sync,
        run: u16,
    ) -> Arrivals {
        let place = |record: &'a TrialRecord| {
            let (suite, _) = self.suite(&record.suite)?;
            Some((suite, record.sample.as_str()))
        };
        let new = self.are_new(records.iter().map(place));
        let arrival = |(record, new): (&'a TrialRecord, bool)| -> Option<Arrival> {
            let (suite, of_suite) = self.suite(&record.suite)?;
            let (scorer, metric) = &of_suite.headline;
            let mut scores = record.scores.iter();
            let primary = scores.find(|s| s.scorer == *scorer && s.metric == *metric);
            let label = primary.and_then(|s| s.label.as_deref());
            let class = record.failure.as_ref().map(|f| f.class.name());
            let mut answer = Answer::of(record, model(&record.model));
            let origin = record.completion.as_ref().map(|c| c.origin);
            let of_question = || NewQuestion::of(&Sample::of(record), &record.prompt.display());
            Some(Arrival {
                key: Key {
                    run,
                    trial: *record.trial.as_bytes(),
                },
                suite,
                sample: visible(&record.sample).into_owned(),
                model: answer.model.clone().into_owned(),
                epoch: record.epoch,
                outcome: Outcome::of(
                    of_suite,
                    record.status.name(),
                    (origin == Some(crate::model::Origin::Cache)).then_some("cache"),
                    primary.and_then(|s| s.value),
                    label.or(class).map(|l| visible(l).into_owned()),
                ),
                scores: Some(pack(&std::mem::take(&mut answer.scores))),
                lower: answer.text.as_deref().unwrap_or_default().to_lowercase(),
                packed: pack(&answer),
                cost: dollars(record),
                question: new.then(of_question),
            })
        };
        let all = records.par_iter().zip(new).filter_map(arrival);
        Arrivals(all.collect())
    }
}

/// The columns of trials that a shelf is filled from, and the strata among them with their columns' names.
pub(super) fn columns(strata: &[(String, String)]) -> Vec<&str> {
    let own = strata.iter().map(|(_, column)| column.as_str());
    TRIAL_COLUMNS.into_iter().chain(own).collect()
}

fn unwritten(reason: &io::Error) -> ReportError {
    let reason = format!("{reason}; TMPDIR names another folder for temporary files");
    ReportError::file("cannot write texts to", &std::env::temp_dir(), &reason)
}
