//! Key facts of an event, and how they are recognised in an answer.

use fancy_regex::Regex;
use serde_json::Value;

use super::Sample;

/// Something that an answer about an event would state.
#[derive(Debug, Clone)]
pub struct Fact {
    /// In a few words.
    pub statement: String,
    pattern: Regex,
}

impl Fact {
    /// Whether its pattern, without regard to case, stands in a text; none where the search runs out of steps before it can tell.
    #[must_use]
    pub fn stated_in(&self, text: &str) -> Option<bool> {
        self.pattern.is_match(text).ok()
    }
}

impl Sample {
    /// The sample's key facts: its field `facts`, a mapping of each statement to the pattern that recognises it in every language asked.
    ///
    /// # Errors
    /// What is wrong with the field, in words.
    pub fn facts(&self) -> Result<Vec<Fact>, String> {
        let Some(facts) = self.fields.get("facts") else {
            return Ok(Vec::new());
        };
        let facts = facts
            .as_object()
            .ok_or("its facts are no mapping of statements to patterns")?;
        facts
            .iter()
            .map(|(statement, pattern)| {
                let wrong =
                    |reason: &str| format!("the pattern of the fact '{statement}' {reason}");
                let pattern = match pattern {
                    Value::String(pattern) => pattern.clone(),
                    Value::Number(number) => number.to_string(),
                    _ => return Err(wrong("is no text")),
                };
                let pattern =
                    Regex::new(&format!("(?i){pattern}")).map_err(|e| wrong(&e.to_string()))?;
                Ok(Fact {
                    statement: statement.clone(),
                    pattern,
                })
            })
            .collect()
    }
}
