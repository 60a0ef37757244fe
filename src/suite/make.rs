//! From rows to samples: what a suite's templates say, on each row, in each of its variants.

use std::collections::{BTreeMap, HashSet};

use minijinja::Environment;
use serde_json::Value;

use super::choices::Choices;
use super::place::{Place, PlacedRow};
use super::sample::letter;
use super::schema::{SampleTemplates, ScorerSpec, SuiteFile, Values};
use super::{PairRole, Sample, SuiteError, target, template};
use crate::files::Row;

/// Scorers that need to know which choice is right.
const CHOOSING: [&str; 3] = ["choice", "choice_likelihood", "bbq"];

/// Makes samples of rows.
pub(super) struct Maker<'a> {
    suite: &'a str,
    environment: Environment<'static>,
    templates: &'a SampleTemplates,
    /// The scorer that needs to know which choice is right.
    choosing: Option<&'a str>,
    vary: &'a BTreeMap<String, Values>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(file: &'a SuiteFile, path: &str, yaml: &str) -> Result<Self, SuiteError> {
        let mut environment = template::environment(&file.constants);
        let templates = &file.sample;
        let mut add =
            |name: &str, source: &str| template::add(&mut environment, name, source, path, yaml);
        for (name, source) in [
            ("id", &templates.id),
            ("target", &templates.target),
            ("pair", &templates.pair),
            ("cluster", &templates.cluster),
        ] {
            if let Some(source) = source {
                add(name, source)?;
            }
        }
        for (i, source) in templates.choices.iter().enumerate() {
            add(&format!("choices[{i}]"), source)?;
        }
        for (name, source) in &templates.strata {
            add(&format!("strata.{name}"), source)?;
        }
        for (name, values) in &file.vary {
            for (i, source) in values.templates().iter().enumerate() {
                add(&format!("vary.{name}[{i}]"), source)?;
            }
        }
        Ok(Self {
            suite: &file.name,
            environment,
            templates,
            choosing: file
                .scorers
                .iter()
                .map(ScorerSpec::name)
                .find(|name| CHOOSING.contains(name)),
            vary: &file.vary,
        })
    }

    pub(super) fn samples(&self, rows: Vec<PlacedRow>) -> Result<Vec<Sample>, SuiteError> {
        let mut ids = HashSet::new();
        let mut samples = Vec::with_capacity(rows.len());
        let (mut places, mut settled) = (Vec::new(), Vec::new());
        for PlacedRow { place, number, row } in rows {
            for row in self.variants(number, row)? {
                let (sample, is_settled) = self.sample(number, row, &place)?;
                if !ids.insert(sample.id.clone()) {
                    return Err(SuiteError::Sample {
                        suite: self.suite.into(),
                        sample: sample.id,
                        reason: "two samples have this id; ids must be unique within a suite"
                            .into(),
                    });
                }
                samples.push(sample);
                places.push(place.clone());
                settled.push(is_settled);
            }
        }
        target::settle(&mut samples, &settled)
            .map_err(|(i, reason)| self.wrong_at(&samples[i].id, &places[i], &reason))?;
        if let Some(scorer) = self.choosing {
            for (sample, place) in samples.iter().zip(&places) {
                target::names_a_choice(sample).map_err(|reason| {
                    self.wrong_at(
                        &sample.id,
                        place,
                        &format!("{reason}, as the scorer '{scorer}' needs"),
                    )
                })?;
            }
        }
        Ok(samples)
    }

    /// A row once for each combination of the varied fields' values, the last field turning fastest.
    fn variants(&self, number: usize, row: Row) -> Result<Vec<Row>, SuiteError> {
        let shown = row_name(&row, number);
        let mut variants = vec![row];
        for (name, sources) in self.vary {
            if variants[0].contains_key(name) {
                let reason = format!("the row has a field '{name}', and the suite varies it");
                return Err(self.sample_error(&shown, reason));
            }
            let mut values: Vec<String> = Vec::new();
            for value in self.values(name, sources, number, &variants[0], &shown)? {
                if !value.is_empty() && !values.contains(&value) {
                    values.push(value);
                }
            }
            let with = |row: &Row, value: &String| {
                let mut row = row.clone();
                row.insert(name.clone(), Value::String(value.clone()));
                row
            };
            variants = variants
                .iter()
                .flat_map(|row| values.iter().map(move |value| with(row, value)))
                .collect();
            if variants.is_empty() {
                return Err(
                    self.sample_error(&shown, format!("'{name}' has no value for this row"))
                );
            }
        }
        Ok(variants)
    }

    /// The values of a varied field for a row.
    fn values(
        &self,
        name: &str,
        sources: &Values,
        number: usize,
        row: &Row,
        shown: &str,
    ) -> Result<Vec<String>, SuiteError> {
        match sources {
            Values::Listed(all) => (0..all.len())
                .map(|i| self.render(&format!("vary.{name}[{i}]"), number, row, shown))
                .collect(),
            Values::OfRow(source) => {
                let fields = minijinja::Value::from(minijinja::value::Serde(row));
                let values = template::list(&self.environment, source, fields);
                values.map_err(|why| self.sample_error(shown, format!("vary.{name}: {why}")))
            }
        }
    }

    /// A row's sample, and whether its target is known to mean one choice.
    fn sample(&self, number: usize, row: Row, place: &Place) -> Result<(Sample, bool), SuiteError> {
        let own = |name: &str| row.get(name).filter(|v| !v.is_null());
        let shown = row_name(&row, number);
        let render = |name: &str| self.render(name, number, &row, &shown);
        // A blank cell is neither a pair nor a cluster.
        let templated = |name: &str, set: bool| {
            let value = if set {
                render(name).map(Some)
            } else {
                Ok(own(name).and_then(scalar_text))
            };
            value.map(|v| v.filter(|text| !text.trim().is_empty()))
        };
        let id = if self.templates.id.is_some() {
            render("id")?
        } else {
            shown.clone()
        };
        let wrong = |reason: String| self.wrong_at(&shown, place, &reason);
        let written = own("choices").map_or_else(|| Ok(Choices::default()), Choices::read);
        let choices = if self.templates.choices.is_empty() {
            written.map_err(wrong)?
        } else {
            let texts: Vec<String> = (0..self.templates.choices.len())
                .map(|i| render(&format!("choices[{i}]")))
                .collect::<Result<_, _>>()?;
            // The row's labels hold for the texts that a template makes of its choices.
            let labels = written.map(|w| w.labels).unwrap_or_default();
            let labels = labels.into_iter().take(texts.len()).collect::<Vec<_>>();
            let complete = labels.len() == texts.len();
            Choices {
                labels: labels.into_iter().filter(|_| complete).collect(),
                texts,
            }
        };
        let mut targets = match own("target") {
            _ if self.templates.target.is_some() => vec![render("target")?],
            target => target.map(texts).unwrap_or_default(),
        };
        let by_label = match targets.as_slice() {
            [target] => choices.labelled(target).map_err(wrong)?,
            _ => None,
        };
        let mut settled = false;
        if let Some(index) = by_label {
            settled = true;
            // The letter that a label is already is every scorer's target.
            if choices.labels[index] != letter(index) {
                targets = vec![choices.texts[index].clone()];
            }
        } else if self.templates.target.is_none()
            && !choices.texts.is_empty()
            && let Some(index) = own("target").and_then(target::number)
        {
            let numbers = own("choices").and_then(Value::as_array);
            let numeric = numbers.is_some_and(|c| c.iter().all(Value::is_number));
            targets = vec![target::numbered(index, &choices.texts, numeric).map_err(wrong)?];
            settled = true;
        }
        let choices = choices.texts;
        if targets.iter().any(|t| t.trim().is_empty()) {
            let reason = "its target is empty; omit the field if no answer is right";
            return Err(self.sample_error(&shown, reason.into()));
        }
        let mut strata: BTreeMap<String, String> = own("strata")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(k, v)| Some((k.clone(), scalar_text(v)?)))
            .collect();
        for name in self.templates.strata.keys() {
            strata.insert(name.clone(), render(&format!("strata.{name}"))?);
        }
        let role = match own("role").and_then(Value::as_str) {
            None | Some("") => self.templates.role,
            Some(name) => Some(PairRole::named(name).ok_or_else(|| {
                let reason = format!("its role is '{name}'; it must be sensitive or control");
                self.sample_error(&shown, reason)
            })?),
        };
        let mut sample = Sample::new(id);
        sample.pairing.pair = templated("pair", self.templates.pair.is_some())?;
        sample.pairing.cluster = templated("cluster", self.templates.cluster.is_some())?;
        sample.pairing.role = role;
        (sample.targets, sample.choices, sample.strata) = (targets, choices, strata);
        sample.fields = row.into_iter().collect();
        Ok((sample, settled))
    }

    fn render(
        &self,
        name: &str,
        number: usize,
        row: &Row,
        shown: &str,
    ) -> Result<String, SuiteError> {
        let context = minijinja::context! { row => number, ..minijinja::Value::from(minijinja::value::Serde(row)) };
        template::render(&self.environment, name, context)
            .map(|text| text.trim().to_owned())
            .map_err(|why| self.sample_error(shown, why))
    }

    fn wrong_at(&self, sample: &str, place: &Place, reason: &str) -> SuiteError {
        self.sample_error(sample, format!("{reason} ({place})"))
    }

    fn sample_error(&self, sample: &str, reason: String) -> SuiteError {
        SuiteError::Sample {
            suite: self.suite.into(),
            sample: sample.into(),
            reason,
        }
    }
}

/// What a row is called in an error: its id, else its number.
fn row_name(row: &Row, number: usize) -> String {
    let id = row.get("id").and_then(scalar_text);
    let id = id.filter(|id| !id.trim().is_empty());
    id.unwrap_or_else(|| number.to_string())
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(many) => many.iter().filter_map(scalar_text).collect(),
        one => scalar_text(one).into_iter().collect(),
    }
}
