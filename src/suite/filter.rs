//! Which of a suite's samples are asked: by what they are, and how many of each kind.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Sample, Samples, SuiteError};

/// A choice among a suite's samples.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    /// Strata or fields, each with the values that are asked.
    #[serde(rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub wanted: BTreeMap<String, BTreeSet<String>>,
    /// Strata or fields, each with how many clusters are drawn of every value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub per: BTreeMap<String, usize>,
}

/// Values named in an error.
const MAX_NAMED: usize = 40;

impl Filter {
    /// Whether everything is asked.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.wanted.is_empty() && self.per.is_empty()
    }

    /// Indices of the samples it chooses, in their order. Clusters of a value are taken in the order of `place`, whole: as far as
    /// `where` leaves them.
    ///
    /// # Errors
    /// [`SuiteError::Filter`] if no sample has such a stratum or field, or none has a value that is wanted.
    pub fn choose<K: Ord>(
        &self,
        suite: &str,
        samples: &Samples,
        place: impl Fn(&Sample) -> K,
    ) -> Result<Vec<usize>, SuiteError> {
        let wrong = |reason: String| SuiteError::Filter {
            suite: suite.to_owned(),
            reason,
        };
        let mut chosen: Vec<usize> = (0..samples.len()).collect();
        for (name, values) in &self.wanted {
            let there = values_of(name, samples).map_err(&wrong)?;
            if let Some(value) = values.iter().find(|v| !there.contains(v.as_str())) {
                let why = format!(
                    "no sample has {name}={value}; its values: {}",
                    listed(&there)
                );
                return Err(wrong(why));
            }
            chosen.retain(|i| value_of(&samples.at(*i), name).is_some_and(|v| values.contains(&v)));
        }
        if chosen.is_empty() {
            return Err(wrong("no sample matches all conditions together".into()));
        }
        for (name, most) in &self.per {
            values_of(name, samples).map_err(&wrong)?;
            chosen = first_clusters(samples, chosen, name, *most, &place);
        }
        Ok(chosen)
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_everything() {
            return f.write_str("everything");
        }
        let wanted = self.wanted.iter().map(|(name, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{name} {}", values.join(" or "))
        });
        let per = self.per.iter().map(|(name, n)| {
            format!(
                "{n} {} per {name}",
                if *n == 1 { "cluster" } else { "clusters" }
            )
        });
        f.write_str(&wanted.chain(per).collect::<Vec<_>>().join(", "))
    }
}

/// The samples of the first `most` clusters of each value.
fn first_clusters<K: Ord>(
    samples: &Samples,
    chosen: Vec<usize>,
    name: &str,
    most: usize,
    place: impl Fn(&Sample) -> K,
) -> Vec<usize> {
    let mut units: HashMap<String, BTreeSet<(K, String)>> = HashMap::new();
    for i in &chosen {
        let sample = samples.at(*i);
        if let Some(value) = value_of(&sample, name) {
            let own = units.entry(value).or_default();
            own.insert((place(&sample), sample.unit().to_owned()));
        }
    }
    // A cluster has one place, that of its first sample.
    let mut kept: HashSet<(String, String)> = HashSet::new();
    for (value, own) in units {
        let mut seen = HashSet::new();
        let in_order = own.into_iter().map(|(_, unit)| unit);
        let firsts = in_order.filter(|unit| seen.insert(unit.clone())).take(most);
        kept.extend(firsts.map(|unit| (value.clone(), unit)));
    }
    let stays = |i: &usize| {
        let sample = samples.at(*i);
        let value = value_of(&sample, name);
        value.is_some_and(|value| kept.contains(&(value, sample.unit().to_owned())))
    };
    chosen.into_iter().filter(stays).collect()
}

/// A sample's stratum, or plain field.
fn value_of(sample: &Sample, name: &str) -> Option<String> {
    let field = || match sample.fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    };
    sample.strata.get(name).cloned().or_else(field)
}

/// Every value of a stratum or field, or what there is instead.
fn values_of(name: &str, samples: &Samples) -> Result<BTreeSet<String>, String> {
    let there: BTreeSet<String> = samples.iter().filter_map(|s| value_of(&s, name)).collect();
    if !there.is_empty() {
        return Ok(there);
    }
    let mut all = BTreeSet::new();
    for sample in samples.iter() {
        let plain = sample
            .fields
            .keys()
            .filter(|k| value_of(&sample, k).is_some());
        all.extend(plain.chain(sample.strata.keys()).cloned());
    }
    Err(format!(
        "no sample has '{name}'; strata and fields: {}",
        listed(&all)
    ))
}

fn listed(values: &BTreeSet<String>) -> String {
    let mut named: Vec<&str> = values.iter().take(MAX_NAMED).map(String::as_str).collect();
    if values.len() > MAX_NAMED {
        named.push("…");
    }
    named.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn sample(cluster: &str, country: &str, language: &str) -> Sample {
        let mut sample = Sample::new(format!("{cluster}-{language}"));
        sample.pairing.cluster = Some(cluster.into());
        sample.strata.insert("country".into(), country.into());
        sample.fields.insert("language".into(), language.into());
        sample
    }

    fn all() -> Samples {
        let clusters = [("a", "X"), ("b", "X"), ("c", "X"), ("d", "Y")];
        let both = |(c, country): (&str, &str)| ["en", "fi"].map(|l| sample(c, country, l));
        clusters.into_iter().flat_map(both).collect()
    }

    fn filter(wanted: &[(&str, &str)], per: &[(&str, usize)]) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in wanted {
            let values = filter.wanted.entry((*name).into()).or_default();
            values.insert((*value).into());
        }
        filter.per = per.iter().map(|(n, k)| ((*n).into(), *k)).collect();
        filter
    }

    #[test]
    fn samples_are_chosen_by_strata_and_fields_and_clusters_stay_whole() {
        let samples = all();
        let ids = |filter: &Filter| {
            let chosen = filter
                .choose("s", &samples, |s| s.unit().to_owned())
                .unwrap();
            let ids = chosen.into_iter().map(|i| samples.at(i).id);
            ids.collect::<Vec<_>>()
        };
        assert_eq!(ids(&Filter::default()).len(), 8);
        assert_eq!(
            ids(&filter(&[("language", "fi"), ("country", "Y")], &[])),
            ["d-fi"]
        );
        assert_eq!(
            ids(&filter(&[], &[("country", 2)])),
            ["a-en", "a-fi", "b-en", "b-fi", "d-en", "d-fi"]
        );
        assert_eq!(
            ids(&filter(&[("language", "en")], &[("country", 1)])),
            ["a-en", "d-en"]
        );
    }

    #[test]
    fn what_no_sample_has_is_named_with_what_there_is() {
        let samples = all();
        let error = |filter: &Filter| {
            let chosen = filter.choose("s", &samples, |_| 0);
            chosen.unwrap_err().to_string()
        };
        let unknown = error(&filter(&[("langauge", "en")], &[]));
        assert!(
            unknown.contains("no sample has 'langauge'; strata and fields: country, language"),
            "{unknown}"
        );
        let value = error(&filter(&[("language", "sv")], &[]));
        assert!(
            value.contains("no sample has language=sv; its values: en, fi"),
            "{value}"
        );
        assert!(error(&filter(&[], &[("land", 1)])).contains("no sample has 'land'"));
    }
}
