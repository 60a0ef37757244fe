//! The names of metrics, which a task's filters make: `exact_match,strict-match`.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::score::{Aggregate, Metric, Tells};

/// Every metric under no filter, with what sums it up.
pub(super) const KNOWN: &[Metric] = &[
    Metric::mean("acc"),
    Metric::mean("acc_norm"),
    Metric::mean("acc_bytes"),
    Metric::mean("acc_mutual_info"),
    Metric::mean("exact_match"),
    corpus("f1", Aggregate::F1),
    corpus("mcc", Aggregate::Matthews),
    corpus("perplexity", Aggregate::Perplexity),
    corpus("word_perplexity", Aggregate::WeightedPerplexity),
    corpus("byte_perplexity", Aggregate::WeightedPerplexity),
    corpus("bits_per_byte", Aggregate::BitsPerByte),
    corpus("bleu", Aggregate::Bleu),
    corpus("chrf", Aggregate::Chrf),
    corpus("chrf++", Aggregate::ChrfWords),
    corpus("ter", Aggregate::Ter),
];

const fn corpus(name: &'static str, aggregate: Aggregate) -> Metric {
    Metric {
        name,
        aggregate,
        tells: Tells::Score,
    }
}

/// A metric under a filter. The usual one, `none`, is left out.
pub(super) fn of(metric: &str, filter: &str) -> String {
    match filter {
        "none" => metric.to_owned(),
        filter => format!("{metric},{filter}"),
    }
}

/// A name for as long as the process runs: metrics are named by constants, and filters by task files. Each name is kept once.
pub(super) fn interned(name: String) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    if let Some(known) = names.get(name.as_str()) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into_boxed_str());
    names.insert(kept);
    kept
}

/// The same of a task's metrics: tasks with the same metrics share one list.
pub(super) fn interned_list(metrics: Vec<Metric>) -> &'static [Metric] {
    static LISTS: Mutex<Vec<&'static [Metric]>> = Mutex::new(Vec::new());
    let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lists.iter().find(|known| ***known == *metrics) {
        return known;
    }
    let kept: &'static [Metric] = Box::leak(metrics.into_boxed_slice());
    lists.push(kept);
    kept
}
