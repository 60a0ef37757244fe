//! What an address of the page asks for, and the questions that hold every condition of it: `matching` of `reports/script/trials.js`,
//! over trials that the page does not have.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::catalogue::{Catalogue, Question};
use super::haystack::Owner;
use crate::report::transcripts::Verdict;

/// An address of the page, read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Query {
    suites: Vec<String>,
    groups: Vec<String>,
    models: Vec<String>,
    verdicts: Vec<String>,
    labels: Vec<String>,
    marks: Vec<String>,
    with: Option<String>,
    paired: Option<String>,
    changed: bool,
    pub search: String,
    sort: String,
}

impl Query {
    /// Reads parameters; those that say what is open, not what is listed, are passed over.
    pub(super) fn of<'a>(parameters: impl Iterator<Item = (&'a str, String)>) -> Self {
        let mut query = Self::default();
        for (name, value) in parameters {
            match name {
                "suite" => query.suites.push(value),
                "group" => query.groups.push(value),
                "model" => query.models.push(value),
                "verdict" => query.verdicts.push(value),
                "label" => query.labels.push(value),
                "mark" => query.marks.push(value),
                "with" => query.with = Some(value).filter(|v| !v.is_empty()),
                "paired" => query.paired = Some(value).filter(|v| !v.is_empty()),
                "changed" => query.changed = !value.is_empty(),
                "search" => query.search = value.trim().to_lowercase(),
                "sort" => query.sort = value,
                _ => {}
            }
        }
        query
    }
}

/// Questions found, each with the models whose trials hold the conditions.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The catalogue's version that it was found in.
    pub version: u64,
    pub rows: Vec<u32>,
    /// Where each row's models begin; one more than rows.
    starts: Vec<u32>,
    models: Vec<u16>,
    /// Trials of those models.
    pub trials: u64,
    /// What the searched words were found in.
    hits: Option<Hits>,
}

#[derive(Debug, Default)]
struct Hits {
    questions: HashSet<u32>,
    trials: HashSet<u32>,
}

impl Found {
    pub(super) fn models(&self, row: usize) -> &[u16] {
        let bounds = (self.starts.get(row), self.starts.get(row + 1));
        let (Some(first), Some(next)) = bounds else {
            return &[];
        };
        &self.models[*first as usize..*next as usize]
    }

    /// Models whose answers to a question hold the words searched.
    pub(super) fn hit_models(&self, catalogue: &Catalogue, question: u32) -> Vec<u16> {
        let Some(hits) = &self.hits else {
            return Vec::new();
        };
        let trials = &catalogue.questions[question as usize].trials;
        let hit = trials.iter().filter(|t| hits.trials.contains(t));
        let mut models: Vec<u16> = hit.map(|t| catalogue.trials[*t as usize].model).collect();
        models.dedup();
        models
    }
}

/// A question with the trials of one model.
type OfModel<'a> = (u16, &'a [u32]);

/// The trials of a question, model by model.
pub(super) fn by_model<'a>(
    catalogue: &'a Catalogue,
    question: &'a Question,
) -> impl Iterator<Item = OfModel<'a>> {
    let model = |t: &u32| catalogue.trials[*t as usize].model;
    let groups = question.trials.chunk_by(move |a, b| model(a) == model(b));
    groups.map(move |trials| (model(&trials[0]), trials))
}

/// A pair of one model within its strata: the pair's name, the model, and the strata beside the one that distinguishes its sides.
type PairKey<'a> = (&'a str, u16, Vec<(u16, u32)>);

/// The conditions of a query, as numbers of the catalogue.
struct Conditions<'a> {
    catalogue: &'a Catalogue,
    suites: Option<HashSet<u16>>,
    /// For each stratum, the values that it may have; none where there is no such stratum or value.
    groups: Vec<Option<(u16, HashSet<u32>)>>,
    models: Option<HashSet<u16>>,
    /// For each outcome, whether it holds.
    outcomes: Vec<bool>,
    differs: bool,
    /// The model that must have a score too; empty where there is no such model.
    with: Option<HashSet<u16>>,
    changed: bool,
    baseline: Option<u16>,
}

impl<'a> Conditions<'a> {
    fn of(query: &Query, catalogue: &'a Catalogue, baseline: Option<u16>) -> Self {
        let number = |n: Option<u32>| n.and_then(|n| u16::try_from(n).ok());
        let numbers = |names: &[String], find: &dyn Fn(&str) -> Option<u32>| {
            let own = names.iter().filter_map(|name| number(find(name)));
            (!names.is_empty()).then(|| own.collect::<HashSet<u16>>())
        };
        let mut by_stratum: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for group in &query.groups {
            let (name, value) = group.split_once(": ").unwrap_or((group, ""));
            by_stratum.entry(name).or_default().push(value);
        }
        let groups = by_stratum.into_iter().map(|(name, values)| {
            let values = values.into_iter().filter_map(|v| catalogue.values.find(v));
            Some((number(catalogue.strata.find(name))?, values.collect()))
        });
        let verdicts: Vec<&str> = query.verdicts.iter().map(String::as_str).collect();
        let has_score = verdicts.contains(&"has-score");
        let outcomes = catalogue.outcomes.list.iter().map(|outcome| {
            let label = || outcome.label.as_ref();
            let verdict = verdicts.is_empty()
                || verdicts.contains(&outcome.verdict.name())
                || (has_score && outcome.value.is_some());
            let labelled =
                query.labels.is_empty() || label().is_some_and(|l| query.labels.contains(l));
            let marked = query.marks.iter().all(|mark| match mark.as_str() {
                "truncated" => outcome.truncated,
                "cached" => outcome.cached,
                _ => false,
            });
            verdict && labelled && marked
        });
        Self {
            catalogue,
            suites: numbers(&query.suites, &|name| catalogue.suite_names.find(name)),
            groups: groups.collect(),
            models: numbers(&query.models, &|name| catalogue.models.find(name)),
            outcomes: outcomes.collect(),
            differs: verdicts.contains(&"differs"),
            with: query
                .with
                .as_deref()
                .map(|name| number(catalogue.models.find(name)).into_iter().collect()),
            changed: query.changed,
            baseline,
        }
    }

    fn has_score(&self, trials: &[u32]) -> bool {
        let mut outcomes = trials.iter().map(|t| self.catalogue.outcome(*t));
        outcomes.any(|outcome| outcome.value.is_some())
    }

    fn verdict(&self, trials: &[u32]) -> Option<Verdict> {
        trials.first().map(|t| self.catalogue.outcome(*t).verdict)
    }

    fn of_model<'q>(&'q self, question: &'q Question, model: u16) -> &'q [u32] {
        let mut all = by_model(self.catalogue, question);
        all.find(|(m, _)| *m == model)
            .map_or(&[], |(_, trials)| trials)
    }

    fn holds_question(&self, question: &Question) -> bool {
        let suite = self
            .suites
            .as_ref()
            .is_none_or(|s| s.contains(&question.suite));
        suite
            && self.groups.iter().all(|group| {
                group.as_ref().is_some_and(|(name, values)| {
                    let mut own = question.strata.iter();
                    own.any(|(n, v)| n == name && values.contains(v))
                })
            })
    }

    /// The models of a question whose trials hold the conditions.
    fn models(&self, question: &Question, models: &mut Vec<u16>) {
        if !self.holds_question(question) {
            return;
        }
        if self.differs {
            let all: HashSet<Verdict> = by_model(self.catalogue, question)
                .filter_map(|(_, trials)| self.verdict(trials))
                .collect();
            if all.len() < 2 {
                return;
            }
        }
        let scored = |m: &u16| self.has_score(self.of_model(question, *m));
        if !self.with.as_ref().is_none_or(|own| own.iter().any(scored)) {
            return;
        }
        let baseline = self.baseline.filter(|_| self.changed);
        let baseline = baseline.map(|m| (m, self.verdict(self.of_model(question, m))));
        for (model, trials) in by_model(self.catalogue, question) {
            let wanted = self.models.as_ref().is_none_or(|m| m.contains(&model));
            let outcome = |t: &u32| self.catalogue.trials[*t as usize].outcome as usize;
            let holds = self.differs || trials.iter().any(|t| self.outcomes[outcome(t)]);
            let changed = !self.changed
                || baseline.is_some_and(|(m, verdict)| {
                    m != model && verdict.is_some() && verdict != self.verdict(trials)
                });
            if wanted && holds && changed && (self.with.is_none() || self.has_score(trials)) {
                models.push(model);
            }
        }
    }

    /// Which trials of some questions are in complete pairs: of a sensitive question and its control (`role`), or of one question in
    /// several values of a stratum.
    fn in_pairs(&self, rows: Vec<(u32, Vec<u16>)>, stratum: &str) -> Vec<(u32, Vec<u16>)> {
        let name = self.catalogue.strata.find(stratum);
        let side = |q: &Question| -> Option<u32> {
            if stratum == "role" {
                let role = q.role.as_deref()?;
                return Some(u32::from(role == "sensitive"));
            }
            let mut own = q.strata.iter();
            own.find(|(n, _)| Some(u32::from(*n)) == name)
                .map(|(_, v)| *v)
        };
        let others = |q: &Question| -> Vec<(u16, u32)> {
            if stratum == "role" {
                return Vec::new();
            }
            let own = q.strata.iter().copied();
            own.filter(|(n, _)| Some(u32::from(*n)) != name).collect()
        };
        let question = |q: u32| &self.catalogue.questions[q as usize];
        let mut pairs: HashMap<PairKey<'_>, (HashSet<u32>, bool)> = HashMap::new();
        for (q, models) in &rows {
            let q = question(*q);
            let (Some(pair), Some(side)) = (&q.pair, side(q)) else {
                continue;
            };
            for model in models {
                let scored = self.has_score(self.of_model(q, *model));
                let own = pairs.entry((pair, *model, others(q)));
                let (sides, complete) = own.or_insert_with(|| (HashSet::new(), true));
                sides.insert(side);
                *complete &= scored;
            }
        }
        let complete = |q: &Question, model: u16| {
            let pair = q.pair.as_deref().zip(side(q));
            pair.is_some_and(|(pair, _)| {
                let own = pairs.get(&(pair, model, others(q)));
                own.is_some_and(|(sides, complete)| *complete && sides.len() > 1)
            })
        };
        let kept = rows.into_iter().map(|(q, mut models)| {
            models.retain(|m| complete(question(q), *m));
            (q, models)
        });
        kept.filter(|(_, models)| !models.is_empty()).collect()
    }

    fn scores(&self, question: &Question) -> Vec<f64> {
        let of_model = |(_, trials): OfModel<'_>| {
            let outcomes = trials.iter().map(|t| self.catalogue.outcome(*t));
            let values: Vec<f64> = outcomes.filter_map(|o| o.value).collect();
            mean(&values)
        };
        by_model(self.catalogue, question)
            .filter_map(of_model)
            .collect()
    }

    fn sort(&self, rows: &mut [(u32, Vec<u16>)], by: &str) {
        let key = |q: u32| -> f64 {
            let question = &self.catalogue.questions[q as usize];
            if by == "newest" {
                let newest = question.trials.iter().max();
                return -newest.map_or(-1.0, |t| f64::from(*t));
            }
            let scores = self.scores(question);
            let spread = || {
                let high = scores.iter().copied().fold(f64::MIN, f64::max);
                high - scores.iter().copied().fold(f64::MAX, f64::min)
            };
            match by {
                "spread" if scores.len() < 2 => 1.0,
                "spread" => -spread(),
                "lowest" => mean(&scores).unwrap_or(2.0),
                _ => -mean(&scores).unwrap_or(-1.0),
            }
        };
        if ["spread", "lowest", "highest", "newest"].contains(&by) {
            let keys: HashMap<u32, f64> = rows.iter().map(|(q, _)| (*q, key(*q))).collect();
            rows.sort_by(|(a, _), (b, _)| keys[a].total_cmp(&keys[b]));
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Finds what a query asks for. `found` are the owners of texts that hold its words, where it searches any.
pub(super) fn find(
    query: &Query,
    catalogue: &Catalogue,
    baseline: Option<u16>,
    found: Option<Vec<Owner>>,
) -> Found {
    let conditions = Conditions::of(query, catalogue, baseline);
    let hits = found.map(|owners| {
        let mut hits = Hits::default();
        for owner in owners {
            match owner {
                Owner::Question(question) => _ = hits.questions.insert(question),
                Owner::Trial(trial) => {
                    hits.trials.insert(trial);
                    hits.questions
                        .insert(catalogue.trials[trial as usize].question);
                }
            }
        }
        hits
    });
    let is_hit = |q: &u32| hits.as_ref().is_none_or(|h| h.questions.contains(q));
    let mut rows = Vec::new();
    for q in catalogue.order.iter().copied().filter(is_hit) {
        let mut models = Vec::new();
        conditions.models(&catalogue.questions[q as usize], &mut models);
        if !models.is_empty() {
            rows.push((q, models));
        }
    }
    if let Some(stratum) = &query.paired {
        rows = conditions.in_pairs(rows, stratum);
    }
    conditions.sort(&mut rows, &query.sort);
    let mut all = Found {
        version: catalogue.version,
        hits,
        ..Found::default()
    };
    all.starts.push(0);
    for (q, models) in rows {
        let question = &catalogue.questions[q as usize];
        let of = |m: &u16| conditions.of_model(question, *m).len() as u64;
        all.trials += models.iter().map(of).sum::<u64>();
        all.rows.push(q);
        all.models.extend(models);
        all.starts.push(super::catalogue::count(all.models.len()));
    }
    all
}
