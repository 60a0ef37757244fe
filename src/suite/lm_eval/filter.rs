//! What is done to answers before they are scored: `filter_list`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::config::Config;
use super::error::TaskError;
use crate::files::Row;
use crate::text::{PythonPattern, PythonPatternError, python_strip};

/// A named sequence of filters.
#[derive(Debug, Clone)]
pub struct Pipeline {
    /// Its name: `none` where the task names no filters.
    pub name: String,
    steps: Vec<Filter>,
}

/// One filter.
#[derive(Debug, Clone)]
enum Filter {
    TakeFirst,
    TakeFirstK(usize),
    MajorityVote,
    RemoveWhitespace,
    Lowercase,
    Uppercase,
    Regex(Extraction),
    MultipleChoice {
        extraction: Extraction,
        ignore_case: bool,
        ignore_punctuation: bool,
        ignored: Vec<PythonPattern>,
    },
    Map {
        mapping: HashMap<String, Value>,
        otherwise: Value,
    },
}

/// A pattern, which of its matches counts, and what is where there is none.
#[derive(Debug, Clone)]
struct Extraction {
    pattern: PythonPattern,
    select: i64,
    fallback: String,
}

/// Why an answer cannot be filtered.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum FilterError {
    /// A pattern ran out of steps.
    #[error(transparent)]
    Pattern(#[from] PythonPatternError),
    /// The filters do not fit the answers.
    #[error("{0}")]
    Misfit(String),
}

impl Pipeline {
    /// The pipelines of a task.
    ///
    /// # Errors
    /// [`TaskError`] names the filter that is unknown, or its option that is wrong.
    pub(super) fn read_all(config: &Config) -> Result<Vec<Self>, TaskError> {
        let key = "filter_list";
        let Some(written) = config.get(key) else {
            return Ok(vec![Self {
                name: "none".into(),
                steps: vec![Filter::TakeFirst],
            }]);
        };
        let wrong = |at: String, why: &str| config.wrong(&at, why);
        let list = written
            .as_array()
            .ok_or_else(|| wrong(key.into(), "it is not a list"))?;
        let mut all = Vec::with_capacity(list.len());
        for (i, own) in list.iter().enumerate() {
            let at = format!("{key}[{i}]");
            let name = own.get("name").and_then(Value::as_str);
            let steps = own.get("filter").and_then(Value::as_array);
            let (Some(name), Some(steps)) = (name, steps) else {
                return Err(wrong(at, "a filter needs a name, and a list of functions"));
            };
            let steps = steps.iter().enumerate().map(|(j, step)| {
                let at = format!("{at}.filter[{j}]");
                let step = step
                    .as_object()
                    .ok_or_else(|| wrong(at.clone(), "it is not a mapping"))?;
                Filter::read(config, &at, step)
            });
            all.push(Self {
                name: name.to_owned(),
                steps: steps.collect::<Result<_, _>>()?,
            });
        }
        Ok(all)
    }

    /// Whether it reads the document's field `choices`.
    pub(super) fn reads_choices(&self) -> bool {
        let reads = |step: &Filter| matches!(step, Filter::MultipleChoice { .. });
        self.steps.iter().any(reads)
    }

    /// What the answers to a document come to.
    ///
    /// # Errors
    /// [`FilterError`].
    pub(crate) fn apply(&self, answers: Vec<Value>, document: &Row) -> Result<Value, FilterError> {
        let mut value = Value::Array(answers);
        for step in &self.steps {
            value = step.apply(value, document)?;
        }
        Ok(value)
    }
}

impl Filter {
    fn read(config: &Config, at: &str, step: &Map<String, Value>) -> Result<Self, TaskError> {
        let function = step
            .get("function")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let options: &[&str] = match function {
            "take_first" | "majority_vote" | "remove_whitespace" | "lowercase" | "uppercase" => &[],
            "take_first_k" => &["k"],
            "regex" => &["regex_pattern", "group_select", "fallback"],
            "multi_choice_regex" => &[
                "regex_pattern",
                "group_select",
                "fallback",
                "ignore_case",
                "ignore_punctuation",
                "regexes_to_ignore",
            ],
            "map" => &["mapping_dict", "default_value"],
            other => {
                let why = format!("the filter '{other}' is not supported");
                return Err(config.unsupported(&format!("{at}.function"), why));
            }
        };
        if let Some(name) = step
            .keys()
            .find(|k| *k != "function" && !options.contains(&k.as_str()))
        {
            let why = format!("the filter {function} has no such option");
            return Err(config.wrong(&format!("{at}.{name}"), why));
        }
        let option = |name: &str| step.get(name).filter(|v| !v.is_null());
        let flag = |name: &str| option(name).and_then(Value::as_bool).unwrap_or(false);
        Ok(match function {
            "take_first" => Self::TakeFirst,
            "majority_vote" => Self::MajorityVote,
            "remove_whitespace" => Self::RemoveWhitespace,
            "lowercase" => Self::Lowercase,
            "uppercase" => Self::Uppercase,
            "take_first_k" => {
                let k = option("k").and_then(Value::as_u64);
                let k = k.and_then(|k| usize::try_from(k).ok()).filter(|k| *k > 0);
                let why = || config.wrong(&format!("{at}.k"), "it is not a number of answers");
                Self::TakeFirstK(k.ok_or_else(why)?)
            }
            "map" => Self::Map {
                mapping: match option("mapping_dict") {
                    None => HashMap::new(),
                    Some(Value::Object(map)) => {
                        map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
                    }
                    Some(_) => {
                        let why = "it is not a mapping";
                        return Err(config.wrong(&format!("{at}.mapping_dict"), why));
                    }
                },
                otherwise: option("default_value").cloned().unwrap_or_default(),
            },
            "regex" => Self::Regex(Extraction::read(config, at, step)?),
            _ => Self::MultipleChoice {
                extraction: Extraction::read(config, at, step)?,
                ignore_case: flag("ignore_case"),
                ignore_punctuation: flag("ignore_punctuation"),
                ignored: patterns(
                    config,
                    &format!("{at}.regexes_to_ignore"),
                    option("regexes_to_ignore"),
                )?,
            },
        })
    }

    fn apply(&self, value: Value, document: &Row) -> Result<Value, FilterError> {
        Ok(match self {
            Self::TakeFirst => first(value)?,
            Self::TakeFirstK(k) => {
                let mut answers = answers(value);
                if answers.len() < *k {
                    let why = format!(
                        "take_first_k takes {k} answers, and there are {}",
                        answers.len()
                    );
                    return Err(FilterError::Misfit(why));
                }
                answers.truncate(*k);
                answers.into()
            }
            Self::MajorityVote => vec![majority(&answers(value))?].into(),
            Self::RemoveWhitespace => each(value, |text| Ok(python_strip(text).into()))?,
            Self::Lowercase => each(value, |text| Ok(text.to_lowercase().into()))?,
            Self::Uppercase => each(value, |text| Ok(text.to_uppercase().into()))?,
            Self::Regex(extraction) => answers(value)
                .iter()
                .map(|answer| {
                    let text = answer.as_str().unwrap_or_default();
                    Ok(extraction.extract(text)?.into())
                })
                .collect::<Result<Vec<Value>, FilterError>>()?
                .into(),
            Self::MultipleChoice { .. } => self.by_choices(value, document)?,
            Self::Map { mapping, otherwise } => answers(value)
                .iter()
                .map(|answer| {
                    let known = mapping.get(&crate::text::python_text(answer));
                    known.unwrap_or(otherwise).clone()
                })
                .collect::<Vec<Value>>()
                .into(),
        })
    }

    /// The letter of a choice: by the pattern, else by the choice whose words the answer has, else by a letter after a colon.
    fn by_choices(&self, value: Value, document: &Row) -> Result<Value, FilterError> {
        let Self::MultipleChoice { extraction, .. } = self else {
            return Ok(value);
        };
        // Python goes through the names of a mapping.
        let choices: Option<Vec<&str>> = match document.get("choices") {
            Some(Value::Array(list)) => list.iter().map(Value::as_str).collect(),
            Some(Value::Object(fields)) => Some(fields.keys().map(String::as_str).collect()),
            _ => None,
        };
        let choices = choices.ok_or_else(|| {
            FilterError::Misfit(
                "multi_choice_regex needs the field 'choices', a list of texts".into(),
            )
        })?;
        let letters: Vec<String> = ('A'..).take(choices.len()).map(String::from).collect();
        let mut known = Vec::new();
        for (choice, letter) in choices.iter().zip(&letters) {
            known.push((self.without_ignored(python_strip(choice))?, letter.as_str()));
        }
        // The longest first: none is to be found within another.
        let mut texts: Vec<&str> = known.iter().map(|(text, _)| text.as_str()).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(escaped(text).chars().count()));
        let texts: Vec<String> = texts.into_iter().map(escaped).collect();
        let by_text = PythonPattern::new(&texts.join("|"))?;
        let by_letter = PythonPattern::new(&format!(r":[\s]*({})", letters.join("|")))?;
        let filtered = answers(value).into_iter().map(|answer| {
            let text = answer.as_str().unwrap_or_default();
            if let Some(found) = extraction.find(&extraction.pattern, text)? {
                return Ok(found.into());
            }
            if let Some(found) = extraction.find(&by_text, &self.without_ignored(text)?)? {
                // Of two choices of one text the later one's letter counts.
                let letter = known.iter().rev().find(|(text, _)| *text == found);
                return Ok(letter
                    .map_or(found.clone(), |(_, l)| format!("({l})"))
                    .into());
            }
            if let Some(found) = extraction.find(&by_letter, text)? {
                return Ok(format!("({found})").into());
            }
            Ok(extraction.fallback.clone().into())
        });
        Ok(filtered
            .collect::<Result<Vec<Value>, FilterError>>()?
            .into())
    }

    fn without_ignored(&self, text: &str) -> Result<String, FilterError> {
        let Self::MultipleChoice {
            ignore_case,
            ignore_punctuation,
            ignored,
            ..
        } = self
        else {
            return Ok(text.to_owned());
        };
        let mut text = text.to_owned();
        for pattern in ignored {
            text = pattern.replace(&text, "", 0)?;
        }
        if *ignore_case {
            text = text.to_lowercase();
        }
        if *ignore_punctuation {
            text = PythonPattern::new(r"\p{P}")?.replace(&text, "", 0)?;
        }
        Ok(text)
    }
}

impl Extraction {
    fn read(config: &Config, at: &str, step: &Map<String, Value>) -> Result<Self, TaskError> {
        let text = |name: &str, usual: &str| match step.get(name) {
            None => Ok(usual.to_owned()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(config.wrong(&format!("{at}.{name}"), "it is not a text")),
        };
        let pattern = text("regex_pattern", r"#### (\-?[0-9\.\,]+)")?;
        let select = step.get("group_select");
        Ok(Self {
            pattern: PythonPattern::new(&pattern)
                .map_err(|e| config.wrong(&format!("{at}.regex_pattern"), e.to_string()))?,
            select: match select {
                None | Some(Value::Null) => 0,
                Some(number) => number.as_i64().ok_or_else(|| {
                    config.wrong(&format!("{at}.group_select"), "it is not a whole number")
                })?,
            },
            fallback: text("fallback", "[invalid]")?,
        })
    }

    /// The match that is selected, of several groups the first that is not empty. No match is not the same as one whose groups are all empty.
    #[allow(clippy::option_option)]
    fn selected<'t>(
        &self,
        pattern: &PythonPattern,
        text: &'t str,
    ) -> Result<Option<Option<&'t str>>, FilterError> {
        let found = pattern.find_all(text)?;
        if found.is_empty() {
            return Ok(None);
        }
        let at = match usize::try_from(self.select) {
            Ok(at) => Some(at),
            Err(_) => found
                .len()
                .checked_sub(self.select.unsigned_abs().try_into().unwrap_or(usize::MAX)),
        };
        let groups = at.and_then(|at| found.get(at)).ok_or_else(|| {
            let why = format!(
                "group_select is {}, and the answer has {} matches",
                self.select,
                found.len()
            );
            FilterError::Misfit(why)
        })?;
        Ok(Some(match groups.as_slice() {
            [only] => Some(only),
            many => many.iter().copied().find(|group| !group.is_empty()),
        }))
    }

    fn extract(&self, text: &str) -> Result<String, FilterError> {
        Ok(match self.selected(&self.pattern, text)? {
            None => self.fallback.clone(),
            Some(found) => python_strip(found.unwrap_or(&self.fallback)).to_owned(),
        })
    }

    /// The match without white space around it, where anything is left.
    fn find(&self, pattern: &PythonPattern, text: &str) -> Result<Option<String>, FilterError> {
        let found = self.selected(pattern, text)?.flatten().map(python_strip);
        Ok(found.filter(|f| !f.is_empty()).map(str::to_owned))
    }
}

/// A list of patterns.
pub(super) fn patterns(
    config: &Config,
    at: &str,
    value: Option<&Value>,
) -> Result<Vec<PythonPattern>, TaskError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let list = value.as_array().map(|l| l.iter().map(Value::as_str));
    let list: Option<Vec<&str>> = list.and_then(Iterator::collect);
    let list = list.ok_or_else(|| config.wrong(at, "it is not a list of patterns"))?;
    let pattern =
        |text: &str| PythonPattern::new(text).map_err(|e| config.wrong(at, e.to_string()));
    list.into_iter().map(pattern).collect()
}

/// `re.escape`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if "()[]{}?*+-|^$\\.&~# \t\n\r\u{b}\u{c}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// The items of a list, or the characters of a text: what Python goes through.
fn answers(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::String(text) => text.chars().map(|c| c.to_string().into()).collect(),
        other => vec![other],
    }
}

fn first(value: Value) -> Result<Value, FilterError> {
    let none = || FilterError::Misfit("take_first finds no answer to take".into());
    answers(value).into_iter().next().ok_or_else(none)
}

/// The most frequent answer; of several the earliest.
fn majority(answers: &[Value]) -> Result<Value, FilterError> {
    let count = |answer: &Value| answers.iter().filter(|a| *a == answer).count();
    let most = answers.iter().map(count).max().unwrap_or(0);
    let winner = answers.iter().find(|a| count(a) == most).cloned();
    winner.ok_or_else(|| FilterError::Misfit("majority_vote finds no answers".into()))
}

fn each(
    value: Value,
    change: impl Fn(&str) -> Result<Value, FilterError>,
) -> Result<Value, FilterError> {
    let changed = answers(value)
        .into_iter()
        .map(|answer| match answer.as_str() {
            Some(text) => change(text),
            None => Err(FilterError::Misfit(format!("{answer} is not a text"))),
        });
    Ok(changed.collect::<Result<Vec<_>, _>>()?.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filtered(filters: &Value, answers: &[&str]) -> Result<Value, String> {
        let fields = json!({"filter_list": [{"name": "x", "filter": filters}]});
        let config = Config::of_file(&"t.yaml".into(), fields.as_object().unwrap().clone());
        let pipelines = Pipeline::read_all(&config).map_err(|e| e.to_string())?;
        let document = json!({"choices": ["Guilty", "Guilty of Romance", "It's (so)"]});
        let answers = answers.iter().map(|a| (*a).into()).collect();
        let applied = pipelines[0].apply(answers, document.as_object().unwrap());
        applied.map_err(|e| e.to_string())
    }

    #[test]
    fn answers_are_filtered_as_lm_eval_filters_them() {
        // Expected values are those of lm-eval 0.4.13's filters.
        let first = json!({"function": "take_first"});
        let regex = |pattern: &str, select: i64| json!({"function": "regex", "regex_pattern": pattern, "group_select": select});
        let number = "(-?[$0-9.,]{2,})|(-?[0-9]+)";
        let choice = json!({"function": "multi_choice_regex", "regex_pattern": r"(\([A-Z]\))", "group_select": 0, "ignore_case": true, "ignore_punctuation": true});
        for (filters, answers, want) in [
            (json!([first]), &["a", "b"][..], json!("a")),
            (
                json!([regex(number, -1), first]),
                &["It is 12, then 7"],
                json!("7"),
            ),
            (
                json!([regex(number, 0), first]),
                &["none"],
                json!("[invalid]"),
            ),
            (
                json!([regex("answer is (.*)", 0), first]),
                &["The answer is  B \n"],
                json!("B"),
            ),
            (
                json!([{"function": "majority_vote"}, first]),
                &["b", "a", "a", "b"],
                json!("b"),
            ),
            (
                json!([{"function": "take_first_k", "k": 2}]),
                &["a", "b", "c"],
                json!(["a", "b"]),
            ),
            (
                json!([{"function": "lowercase"}, {"function": "remove_whitespace"}]),
                &[" A\u{1f}"],
                json!(["a"]),
            ),
            (
                json!([{"function": "map", "mapping_dict": {"A": 1}, "default_value": 0}, first]),
                &["A"],
                json!(1),
            ),
            (json!([choice, first]), &["So (B)."], json!("(B)")),
            (
                json!([choice, first]),
                &["guilty of romance!"],
                json!("(B)"),
            ),
            (json!([choice, first]), &["its so"], json!("(C)")),
            (json!([choice, first]), &["Answer: C"], json!("(C)")),
            (json!([choice, first]), &["?"], json!("[invalid]")),
            // A text is gone through character by character.
            (
                json!([first, {"function": "map", "mapping_dict": {"A": 1}}, first]),
                &["AB"],
                json!(1),
            ),
        ] {
            assert_eq!(
                filtered(&filters, answers).as_ref(),
                Ok(&want),
                "{filters} {answers:?}"
            );
        }
    }

    #[test]
    fn filters_that_cannot_be_used_are_named() {
        for (filters, answer, says) in [
            (
                json!([{"function": "format_span"}]),
                "",
                "`filter_list[0].filter[0].function`",
            ),
            (
                json!([{"function": "regex", "regex_pattern": "(a"}]),
                "",
                "does not parse",
            ),
            (
                json!([{"function": "regex", "pattern": "a"}]),
                "",
                "has no such option",
            ),
            (
                json!([{"function": "regex", "regex_pattern": "a", "group_select": 3}]),
                "a",
                "group_select is 3",
            ),
            (
                json!([{"function": "regex", "regex_pattern": r"(?:\w+\s*)+(?=!)!\s*(\w)"}]),
                &("word ".repeat(40) + "? yes! B"),
                "gave up",
            ),
            (
                json!([{"function": "take_first_k", "k": 2}]),
                "a",
                "there are 1",
            ),
        ] {
            let said = filtered(&filters, &[answer]).unwrap_err();
            assert!(said.contains(says), "{said}");
        }
    }
}
