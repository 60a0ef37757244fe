//! Every question and what became of its trials, small enough to stay in memory; their texts are in files.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rayon::prelude::*;

use super::text_file::Segment;
use crate::report::transcripts::{Outcome, Outcomes, natural};
use crate::store::SuiteRecord;
use crate::text::visible;

/// Trials remembered as the newest.
const NEWEST: usize = 12;

/// A question, in the words of the page: control characters are visible.
#[derive(Debug)]
pub(super) struct Question {
    pub suite: u16,
    pub id: Arc<str>,
    /// How it begins.
    pub excerpt: Box<str>,
    pub pair: Option<Arc<str>>,
    pub role: Option<Arc<str>>,
    /// Names and values by their numbers, in the order of names.
    pub strata: Box<[(u16, u32)]>,
    /// What was asked.
    pub text: Segment,
    /// Its trials, by model and epoch.
    pub trials: Vec<u32>,
}

/// One answer to a question.
#[derive(Debug)]
pub(super) struct Trial {
    pub question: u32,
    pub model: u16,
    pub epoch: u32,
    pub outcome: u32,
    /// The answer.
    pub text: Segment,
    /// Its scores.
    pub scores: Vec<Segment>,
    /// US dollars.
    pub cost: f64,
}

/// Names a trial among those of all runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The run, where runs are kept apart; else 0.
    pub run: u16,
    pub trial: [u8; 32],
}

/// A trial that comes in.
#[derive(Debug)]
pub(super) struct Coming<'a> {
    pub key: Key,
    pub suite: u16,
    pub sample: &'a str,
    pub model: &'a str,
    pub epoch: u32,
    pub outcome: Outcome,
    pub text: Segment,
    pub cost: f64,
}

/// A question that comes in.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub excerpt: &'a str,
    pub pair: Option<&'a str>,
    pub role: Option<&'a str>,
    pub strata: Vec<(&'a str, &'a str)>,
    pub text: Segment,
}

/// Texts by their numbers.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let (name, number) = (Arc::<str>::from(name), count(self.list.len()));
        self.list.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }

    pub(super) fn find(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    pub(super) fn get(&self, number: u32) -> &str {
        self.list.get(number as usize).map_or("", |name| name)
    }

    fn shared(&mut self, name: &str) -> Arc<str> {
        let number = self.number(name);
        Arc::clone(&self.list[number as usize])
    }
}

/// Numbers of questions and trials: there are never four thousand millions of them.
pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub suites: Vec<SuiteRecord>,
    /// Names of suites as the page shows them.
    pub suite_names: Names,
    pub models: Names,
    pub outcomes: Outcomes,
    pub questions: Vec<Question>,
    pub trials: Vec<Trial>,
    /// Questions in the order in which people count.
    pub order: Vec<u32>,
    pub strata: Names,
    pub values: Names,
    /// The newest trials, from the newest on.
    pub newest: VecDeque<u32>,
    /// Changes with every trial.
    pub version: u64,
    pairs: Names,
    by_place: HashMap<(u16, Arc<str>), u32>,
    by_key: HashMap<Key, u32>,
    by_pair: HashMap<Arc<str>, Vec<u32>>,
    /// Questions that are not in the order yet.
    unordered: Vec<u32>,
}

impl Catalogue {
    pub(super) fn new<'a>(suites: Vec<SuiteRecord>, models: impl Iterator<Item = &'a str>) -> Self {
        let mut catalogue = Self::default();
        for suite in &suites {
            catalogue.suite_names.number(&visible(&suite.name));
        }
        for model in models {
            catalogue.models.number(&visible(model));
        }
        catalogue.suites = suites;
        catalogue
    }

    /// A question by its suite and id.
    pub(super) fn place(&self, suite: u16, id: &str) -> Option<u32> {
        self.by_place.get(&(suite, Arc::from(id))).copied()
    }

    /// A question by its name in the page: `suite/id`.
    pub(super) fn named(&self, name: &str) -> Option<u32> {
        // A suite's name can have slashes too.
        let mut cuts = name.match_indices('/');
        cuts.find_map(|(at, _)| {
            let suite = self.suite_names.find(&name[..at])?;
            self.place(u16::try_from(suite).ok()?, &name[at + 1..])
        })
    }

    /// A question's name in the page.
    pub(super) fn name(&self, question: &Question) -> String {
        let suite = self.suite_names.get(question.suite.into());
        format!("{suite}/{}", question.id)
    }

    pub(super) fn outcome(&self, trial: u32) -> &Outcome {
        &self.outcomes.list[self.trials[trial as usize].outcome as usize]
    }

    /// The trial of a key.
    pub(super) fn trial(&self, key: &Key) -> Option<u32> {
        self.by_key.get(key).copied()
    }

    /// The other questions of its pair: of a sensitive question the controls, of a control the sensitive ones, else all.
    pub(super) fn partners(&self, question: u32) -> Vec<u32> {
        let own = &self.questions[question as usize];
        let pair = own.pair.as_ref().and_then(|pair| self.by_pair.get(pair));
        let others = pair.map_or(&[][..], Vec::as_slice).iter().copied();
        let opposite = |q: u32| {
            let role = &self.questions[q as usize].role;
            own.role.is_none() || (role.is_some() && *role != own.role)
        };
        others.filter(|q| *q != question && opposite(*q)).collect()
    }

    /// Takes a question in.
    pub(super) fn ask(&mut self, suite: u16, id: &str, asked: Asked<'_>) -> u32 {
        let number = count(self.questions.len());
        let id = Arc::<str>::from(id);
        let pair = asked.pair.map(|pair| self.pairs.shared(pair));
        if let Some(pair) = &pair {
            self.by_pair
                .entry(Arc::clone(pair))
                .or_default()
                .push(number);
        }
        let strata = asked.strata.into_iter().map(|(name, value)| {
            let name = self.strata.number(name);
            (
                u16::try_from(name).unwrap_or(u16::MAX),
                self.values.number(value),
            )
        });
        let strata: Box<[(u16, u32)]> = strata.collect();
        self.by_place.insert((suite, Arc::clone(&id)), number);
        self.questions.push(Question {
            suite,
            id,
            excerpt: asked.excerpt.into(),
            role: asked.role.map(|role| self.pairs.shared(role)),
            pair,
            strata,
            text: asked.text,
            trials: Vec::new(),
        });
        self.unordered.push(number);
        number
    }

    /// Takes a trial in; in place of an earlier one of the same key, which was a failure. None if its question is not known.
    pub(super) fn add(&mut self, coming: &Coming<'_>) -> Option<u32> {
        let question = self.place(coming.suite, coming.sample)?;
        let model = u16::try_from(self.models.number(coming.model)).ok()?;
        let outcome = count(self.outcomes.number(coming.outcome.clone()));
        self.version += 1;
        let trial = Trial {
            question,
            model,
            epoch: coming.epoch,
            outcome,
            text: coming.text,
            scores: Vec::new(),
            cost: coming.cost,
        };
        let number = if let Some(number) = self.by_key.get(&coming.key) {
            self.trials[*number as usize] = trial;
            *number
        } else {
            let number = count(self.trials.len());
            let place = (model, coming.epoch);
            self.trials.push(trial);
            self.by_key.insert(coming.key, number);
            let of = |t: &u32| {
                let trial = &self.trials[*t as usize];
                (trial.model, trial.epoch)
            };
            let own = &self.questions[question as usize].trials;
            let at = own.partition_point(|t| of(t) <= place);
            self.questions[question as usize].trials.insert(at, number);
            number
        };
        self.newest.push_front(number);
        self.newest.truncate(NEWEST);
        Some(number)
    }

    /// Scores of a trial, with its suite's primary one if it is among them.
    pub(super) fn score(
        &mut self,
        trial: u32,
        scores: Segment,
        primary: Option<(Option<f64>, Option<String>)>,
    ) {
        self.version += 1;
        if let Some((value, label)) = primary {
            let own = &self.trials[trial as usize];
            let suite = &self.suites[self.questions[own.question as usize].suite as usize];
            let outcome = self.outcomes.list[own.outcome as usize].clone();
            let scored = outcome.scored(suite, value, label);
            self.trials[trial as usize].outcome = count(self.outcomes.number(scored));
        }
        self.trials[trial as usize].scores.push(scores);
    }

    /// Puts new questions into the order.
    pub(super) fn sort(&mut self) {
        if self.unordered.is_empty() {
            return;
        }
        let questions = &self.questions;
        let compare = |a: &u32, b: &u32| {
            let (a, b) = (&questions[*a as usize], &questions[*b as usize]);
            a.suite.cmp(&b.suite).then_with(|| natural(&a.id, &b.id))
        };
        let mut new = std::mem::take(&mut self.unordered);
        new.par_sort_unstable_by(compare);
        let old = std::mem::take(&mut self.order);
        let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
        self.order.reserve(questions.len());
        loop {
            let next = match (old.peek(), new.peek()) {
                (Some(a), Some(b)) if compare(b, a).is_lt() => new.next(),
                (Some(_), _) => old.next(),
                (None, _) => new.next(),
            };
            match next {
                Some(question) => self.order.push(question),
                None => break,
            }
        }
    }
}
