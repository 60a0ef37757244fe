//! From rows to samples: what a suite's templates say, on each row, in each of its variants.

use std::collections::BTreeMap;

use minijinja::Environment;
use serde_json::Value;

use super::choices::Choices;
use super::ids::Ids;
use super::place::{Place, PlacedRow};
use super::sample::letter;
use super::schema::{SampleTemplates, ScorerSpec, SuiteFile, Values};
use super::target::{Meaning, Readings};
use super::{PairRole, Sample, Samples, SuiteError, target, template};
use crate::files::Row;

/// Scorers that need to know which choice is right.
const CHOOSING: [&str; 3] = ["choice", "choice_likelihood", "bbq"];

/// A target that is a whole number written as text, and where its row stands.
struct Numeral {
    readings: Readings,
    place: Place,
}

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

    /// The samples of rows, each made as its row comes.
    pub(super) fn samples(
        &self,
        rows: impl Iterator<Item = Result<PlacedRow, SuiteError>>,
    ) -> Result<Samples, SuiteError> {
        let (mut ids, mut numerals) = (Ids::default(), Vec::new());
        let mut made = 0;
        let mut of_row = |placed: PlacedRow| -> Result<Vec<Sample>, SuiteError> {
            let PlacedRow { place, number, row } = placed;
            let mut samples = Vec::new();
            for row in self.variants(number, row)? {
                let (sample, is_settled) = self.sample(number, row, &place)?;
                ids.add(&sample.id);
                let readings = Readings::of(&sample).filter(|_| !is_settled);
                if let Some(readings) = readings {
                    let place = place.clone();
                    numerals.push((made, Numeral { readings, place }));
                } else {
                    self.check_choice(&sample, &place)?;
                }
                made += 1;
                samples.push(sample);
            }
            Ok(samples)
        };
        let mut failed = None;
        let samples = rows.map_while(|row| {
            let own = row.and_then(&mut of_row);
            own.map_err(|error| failed = Some(error)).ok()
        });
        let samples: Samples = samples.flatten().collect();
        if let Some(error) = failed {
            return Err(error);
        }
        if let Some(place) = ids.twice(|place| samples.at(place).id) {
            return Err(SuiteError::Sample {
                suite: self.suite.into(),
                sample: samples.at(place).id,
                reason: "two samples have this id; ids must be unique within a suite".into(),
            });
        }
        self.settled(samples, numerals)
    }

    /// The samples with every target that is a numeral settled; numerals are those that may need it, by the samples' places.
    fn settled(
        &self,
        samples: Samples,
        numerals: Vec<(usize, Numeral)>,
    ) -> Result<Samples, SuiteError> {
        let mean = Meaning::of(numerals.iter().map(|(_, n)| &n.readings));
        if numerals.is_empty() || mean == Meaning::Texts && self.choosing.is_none() {
            return Ok(samples);
        }
        let mut numerals = numerals.into_iter().peekable();
        let settle = |(place, mut sample): (usize, Sample)| {
            if let Some((_, own)) = numerals.next_if(|(at, _)| *at == place) {
                mean.settle(&mut sample, &own.readings)
                    .map_err(|reason| self.wrong_at(&sample.id, &own.place, &reason))?;
                self.check_choice(&sample, &own.place)?;
            }
            Ok(sample)
        };
        samples.iter().enumerate().map(settle).collect()
    }

    /// That a sample's target means one of its choices, where a scorer needs to know which.
    fn check_choice(&self, sample: &Sample, place: &Place) -> Result<(), SuiteError> {
        let Some(scorer) = self.choosing else {
            return Ok(());
        };
        target::names_a_choice(sample).map_err(|reason| {
            let reason = format!("{reason}, as the scorer '{scorer}' needs");
            self.wrong_at(&sample.id, place, &reason)
        })
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
