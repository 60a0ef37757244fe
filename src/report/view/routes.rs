//! What the page of opened runs asks for, as JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use super::catalogue::{Catalogue, count};
use super::opened::Opened;
use super::progress::{newest, so_far};
use super::query::{Query, by_model};
use crate::report::transcripts::{Outcome, Verdict};

/// Most rows of a list that are given at a time.
const MOST_ROWS: usize = 500;

/// Parameters of a request, in their order.
pub(super) type Parameters<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// The parameters of a query string.
pub(super) fn parameters(query: &str) -> Parameters<'_> {
    form_urlencoded::parse(query.as_bytes()).collect()
}

fn parameter<'a>(parameters: &'a Parameters<'_>, name: &str) -> Option<&'a str> {
    let mut all = parameters.iter();
    all.find(|(n, _)| n == name).map(|(_, value)| &**value)
}

fn query(parameters: &Parameters<'_>) -> Query {
    let own = parameters.iter();
    Query::of(own.map(|(name, value)| (&**name, value.clone().into_owned())))
}

/// A question as the page's list knows it.
#[derive(Serialize)]
struct Entry<'a> {
    name: String,
    s: u16,
    i: &'a str,
    q: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    t: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<&'a str>,
    /// Per model, the outcome of each epoch, by its number in the answer.
    v: Vec<Vec<usize>>,
}

/// Entries of one answer, and the outcomes that they number.
struct Entries<'a> {
    catalogue: &'a Catalogue,
    numbers: HashMap<u32, usize>,
    outcomes: Vec<&'a Outcome>,
}

impl<'a> Entries<'a> {
    fn of(catalogue: &'a Catalogue) -> Self {
        Self {
            catalogue,
            numbers: HashMap::new(),
            outcomes: Vec::new(),
        }
    }

    fn number(&mut self, trial: u32) -> usize {
        let outcome = self.catalogue.trials[trial as usize].outcome;
        let next = self.outcomes.len();
        let number = *self.numbers.entry(outcome).or_insert(next);
        if number == next {
            self.outcomes.push(self.catalogue.outcome(trial));
        }
        number
    }

    fn entry(&mut self, question: u32) -> Entry<'a> {
        let catalogue = self.catalogue;
        let own = &catalogue.questions[question as usize];
        let mut v = vec![Vec::new(); catalogue.models.list.len()];
        for (model, trials) in by_model(catalogue, own) {
            v[model as usize] = trials.iter().map(|t| self.number(*t)).collect();
        }
        let strata = own.strata.iter();
        Entry {
            name: catalogue.name(own),
            s: own.suite,
            i: &own.id,
            q: &own.excerpt,
            t: strata
                .map(|(n, v)| (catalogue.strata.get((*n).into()), catalogue.values.get(*v)))
                .collect(),
            p: own.pair.as_deref(),
            r: own.role.as_deref(),
            v,
        }
    }
}

/// Names of suites and models, and what can be filtered by.
pub(super) fn head(opened: &Opened) -> Value {
    let shelf = opened.shelf();
    let catalogue = &shelf.catalogue;
    let mut verdicts = [0_u64; Verdict::ALL.len()];
    let mut labels: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_outcome = vec![0_u64; catalogue.outcomes.list.len()];
    for trial in &catalogue.trials {
        of_outcome[trial.outcome as usize] += 1;
    }
    for (outcome, n) in catalogue.outcomes.list.iter().zip(of_outcome) {
        verdicts[outcome.verdict as usize] += n;
        if let Some(label) = outcome.label.as_deref().filter(|_| n > 0) {
            *labels.entry(label).or_default() += n;
        }
    }
    let mut groups: HashMap<(u16, u32), u64> = HashMap::new();
    for question in &catalogue.questions {
        for stratum in &question.strata {
            *groups.entry(*stratum).or_default() += 1;
        }
    }
    let group = |((name, value), n): ((u16, u32), u64)| {
        let name = catalogue.strata.get(name.into());
        (format!("{name}: {}", catalogue.values.get(value)), n)
    };
    let verdicts = Verdict::ALL.iter().map(|v| v.name()).zip(verdicts);
    json!({
        "suites": catalogue.suite_names.list.iter().map(|s| &**s).collect::<Vec<&str>>(),
        "models": catalogue.models.list.iter().map(|m| &**m).collect::<Vec<&str>>(),
        "baseline": opened.baseline,
        "runs": [],
        "facets": {
            "groups": groups.into_iter().map(group).collect::<Vec<_>>(),
            "verdicts": verdicts.filter(|(_, n)| *n > 0).collect::<Vec<_>>(),
            "labels": labels.into_iter().collect::<Vec<_>>(),
        },
    })
}

/// How far the runs are.
pub(super) fn state(opened: &Opened) -> Value {
    let mut state = opened.state();
    let shelf = opened.shelf();
    let catalogue = &shelf.catalogue;
    state["version"] = catalogue.version.into();
    state["trials"] = catalogue.trials.len().into();
    state["spent"] = catalogue.trials.iter().map(|t| t.cost).sum::<f64>().into();
    state["so_far"] = json!(so_far(catalogue));
    state["newest"] = json!(newest(catalogue));
    state
}

/// A page of the questions that a query asks for.
pub(super) fn find(opened: &Opened, parameters: &Parameters<'_>) -> std::io::Result<Value> {
    let found = opened.find(&query(parameters))?;
    let number = |name| parameter(parameters, name).and_then(|n| n.parse::<usize>().ok());
    let (first, most) = (number("first").unwrap_or(0), number("most").unwrap_or(50));
    let shelf = opened.shelf();
    let catalogue = &shelf.catalogue;
    let mut entries = Entries::of(catalogue);
    let last = found
        .rows
        .len()
        .min(first.saturating_add(most.min(MOST_ROWS)));
    let rows: Vec<Value> = (first.min(last)..last)
        .map(|row| {
            let question = found.rows[row];
            json!({
                "entry": entries.entry(question),
                "models": found.models(row),
            })
        })
        .collect();
    Ok(json!({
        "version": found.version,
        "all": catalogue.questions.len(),
        "length": found.rows.len(),
        "trials": found.trials,
        "rows": rows,
        "outcomes": entries.outcomes,
    }))
}

/// Where a question stands among those that a query asks for; −1 where it does not.
pub(super) fn place(opened: &Opened, parameters: &Parameters<'_>) -> std::io::Result<Value> {
    let found = opened.find(&query(parameters))?;
    let name = parameter(parameters, "q").unwrap_or_default();
    let question = opened.shelf().catalogue.named(name);
    let place = question.and_then(|q| found.rows.iter().position(|row| *row == q));
    Ok(json!({ "place": place.map_or(-1, |at| i64::from(count(at))) }))
}

/// A question with all its answers; none where there is none of that name.
pub(super) fn question(
    opened: &Opened,
    parameters: &Parameters<'_>,
) -> std::io::Result<Option<Value>> {
    let name = parameter(parameters, "q").unwrap_or_default();
    let search = query(parameters);
    let hits = (!search.search.is_empty()).then(|| opened.find(&search));
    let hits = hits.transpose()?;
    let shelf = opened.shelf();
    let catalogue = &shelf.catalogue;
    let Some(question) = catalogue.named(name) else {
        return Ok(None);
    };
    let mut entries = Entries::of(catalogue);
    let entry = entries.entry(question);
    let partners: Vec<Entry<'_>> = catalogue
        .partners(question)
        .into_iter()
        .map(|partner| entries.entry(partner))
        .collect();
    let hits = hits.map(|found| found.hit_models(catalogue, question));
    let names = |models: Vec<u16>| -> Vec<&str> {
        models
            .iter()
            .map(|m| catalogue.models.get((*m).into()))
            .collect()
    };
    Ok(Some(json!({
        "entry": entry,
        "sample": shelf.sample(question)?,
        "partners": partners,
        "hits": hits.map(names),
        "outcomes": entries.outcomes,
    })))
}
