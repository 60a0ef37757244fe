//! Key facts of an event, and what names them in an answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Sample;
use crate::text::{Mention, Met, Passage};

/// Something that an answer about an event would state.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// A complete English sentence that can be affirmed or denied.
    pub statement: String,
    /// What names it, by the language of the answer.
    pub mentions: BTreeMap<String, Mention>,
}

/// The form of a row's facts, for those who write another.
const FORM: &str = "write each as `- fact: Soldiers shot protesters dead` with `mentions: \
    {en: [\"soldier*|troop*\", \"shot|killed\"]}` below it \
    (docs/suites.md, Key facts)";

impl Fact {
    /// Where a passage mentions it, in whichever language; in order.
    #[must_use]
    pub fn met_in(&self, passage: &Passage) -> Vec<Met> {
        let all = self.mentions.values();
        let mut met: Vec<Met> = all.flat_map(|m| m.all_in(passage)).collect();
        met.sort_by_key(|m| m.sentences);
        met.dedup_by_key(|m| m.sentences);
        met
    }

    /// Where a passage has a part of what names it: of several parts the one that is met least often. Nothing where a mention has one part.
    #[must_use]
    pub fn touched_in(&self, passage: &Passage) -> Vec<Met> {
        let all = self.mentions.values();
        let mut met: Vec<Met> = all.flat_map(|m| m.rarest_part_in(passage)).collect();
        met.sort_by_key(|m| m.sentences);
        met.dedup_by_key(|m| m.sentences);
        met
    }

    fn read(value: &Value) -> Result<Self, String> {
        let Some(written) = value.as_object() else {
            return Err(format!("a fact must be a mapping; {FORM}"));
        };
        let statement = written.get("fact").and_then(Value::as_str);
        let Some(statement) = statement.filter(|s| !s.trim().is_empty()) else {
            return Err(format!("a fact must have a statement; {FORM}"));
        };
        let wrong = |why: String| format!("the fact '{statement}': {why}");
        if let Some(other) = written
            .keys()
            .find(|k| !["fact", "mentions"].contains(&k.as_str()))
        {
            return Err(wrong(format!(
                "unknown field '{other}'; a fact has `fact` and `mentions`"
            )));
        }
        let mentions = written.get("mentions").and_then(Value::as_object);
        let mentions = mentions.filter(|m| !m.is_empty());
        let mentions = mentions.ok_or_else(|| wrong(format!("`mentions` is missing; {FORM}")))?;
        Ok(Self {
            statement: statement.to_owned(),
            mentions: by_language(mentions).map_err(wrong)?,
        })
    }
}

fn by_language(written: &Map<String, Value>) -> Result<BTreeMap<String, Mention>, String> {
    let one = |(language, value): (&String, &Value)| {
        let strings = match value {
            Value::String(one) => Some(vec![one.as_str()]),
            Value::Array(many) => many.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let strings = strings.ok_or_else(|| {
            format!(
                "mentions.{language} must be a string or a list of strings; quote \
                strings that begin with {{ or *"
            )
        })?;
        let mention = Mention::parse(&strings).map_err(|e| format!("mentions.{language}: {e}"))?;
        Ok((language.clone(), mention))
    };
    written.iter().map(one).collect()
}

impl Sample {
    /// The sample's key facts: its field `facts`, a list of statements, each with what names it by language.
    ///
    /// # Errors
    /// What is wrong with the field, in words.
    pub fn facts(&self) -> Result<Vec<Fact>, String> {
        match self.fields.get("facts") {
            None => Ok(Vec::new()),
            Some(Value::Array(facts)) => facts.iter().map(Fact::read).collect(),
            Some(Value::Object(_)) => Err(format!(
                "`facts` is a mapping of statements to patterns, a form no longer supported; {FORM}"
            )),
            Some(_) => Err(format!("`facts` must be a list; {FORM}")),
        }
    }
}
